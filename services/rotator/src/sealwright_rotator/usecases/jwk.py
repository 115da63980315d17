"""The signer's public keys as JSON Web Keys (RFC 7517, 7518, 8037) and as id-RSASSA-PSS keys (RFC 9578)."""

from __future__ import annotations

from base64 import urlsafe_b64encode

from sealwright_common.domain.keys import RSA_ALGORITHMS, KeyAlgorithm

_CURVES = {KeyAlgorithm.ES256: "P-256", KeyAlgorithm.ES384: "P-384"}
_RSASSA_PSS_SHA384 = bytes.fromhex(
    "303d06092a864886f70d01010a3030a00d300b0609608648016503040202a11a301806092a864886f70d010108300b0609608648016503040202"
    "a203020130"
)
"""AlgorithmIdentifier id-RSASSA-PSS with SHA-384, MGF1 with SHA-384, salt of 48 bytes (RFC 9578 section 8.2.2)."""


def jwk(algorithm: KeyAlgorithm, public_key: bytes) -> dict[str, object]:
    """The key's own members: ``kty`` and its parameters. ValueError for algorithms that JOSE does not know."""
    if algorithm is KeyAlgorithm.EDDSA:
        return {"kty": "OKP", "crv": "Ed25519", "x": _b64(public_key)}
    if algorithm in _CURVES:
        half = len(public_key) // 2
        return {
            "kty": "EC",
            "crv": _CURVES[algorithm],
            "x": _b64(public_key[1 : half + 1]),
            "y": _b64(public_key[half + 1 :]),
        }
    if algorithm in RSA_ALGORITHMS and not algorithm.blind:
        modulus, exponent = rsa_numbers(public_key)
        return {"kty": "RSA", "n": _b64(modulus), "e": _b64(exponent)}
    raise ValueError(f"{algorithm} has no JSON Web Key")


def rsa_numbers(spki: bytes) -> tuple[bytes, bytes]:
    """Modulus and exponent, big-endian without leading zeros, of a DER SubjectPublicKeyInfo."""
    bits = _key_bits(spki)
    sequence, _ = _read(bits[1:], 0)
    modulus, after = _read(sequence, 0)
    exponent, _ = _read(sequence, after)
    return modulus.lstrip(b"\0"), exponent.lstrip(b"\0")


def rsa_pss_spki(spki: bytes) -> bytes:
    """The same RSA key under id-RSASSA-PSS, as Privacy Pass publishes it."""
    bits = _key_bits(spki)
    return _tagged(0x30, _RSASSA_PSS_SHA384 + _tagged(0x03, bits))


def _key_bits(spki: bytes) -> bytes:
    outer, _ = _read(spki, 0)
    _, after = _read(outer, 0)
    bits, _ = _read(outer, after)
    return bits


def _read(der: bytes, at: int) -> tuple[bytes, int]:
    """Content of the DER element at ``at`` and where the next begins."""
    length, start = der[at + 1], at + 2
    if length & 0x80:
        size = length & 0x7F
        length, start = int.from_bytes(der[start : start + size], "big"), start + size
    if start + length > len(der):
        raise ValueError("the DER element is cut off")
    return der[start : start + length], start + length


def _tagged(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def _b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
