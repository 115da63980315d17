"""P-384 with SHA-384 for RFC 9497, over OpenSSL's constant-time elliptic-curve Diffie-Hellman.

``cryptography`` gives the x of k·P and no point arithmetic. The y is found without touching k again: of the two points
with that x the right one, plus k·G, has the x of k·(P + G), which a second Diffie-Hellman gives. Everything but the two
exchanges works on public points.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha384
from typing import TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec

from sealwright_signer.crypto.groups import BadElement, expand_message_xmd

_CURVE = ec.SECP384R1()
_P = 2**384 - 2**128 - 2**96 + 2**32 - 1
_A = -3
_B = 0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF
_N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973
_G = (
    0xAA87CA22BE8B05378EB1C71EF320AD746E1D3B628BA79B9859F741E082542A385502F25DBF55296C3A545E3872760AB7,
    0x3617DE4A96262C6F5D9E98BF9292DC29F8F41DBD289A147CE9DA3113B5F0B8C00A60B1CE1D7E819D7A431D7C90EA0E5F,
)
_Z = -12
"""SSWU constant of P384_XMD:SHA-384_SSWU_RO_ (RFC 9380 section 8.3)."""

Point: TypeAlias = tuple[int, int]


class P384:
    """The Group of P384-SHA384. Elements are compressed points, scalars big-endian."""

    identifier = "P384-SHA384"
    element_length = 49
    identity = b"\0"
    scalar_length = 48
    order = _N

    def hash(self, data: bytes) -> bytes:
        """SHA-384."""
        return sha384(data).digest()

    def check_element(self, element: bytes) -> None:
        """Return if a compressed point of the curve; BadElement otherwise, which the identity is not."""
        _decode(element)

    def scalar(self, value: int) -> bytes:
        """``value`` modulo the order, big-endian."""
        return (value % _N).to_bytes(48)

    def number(self, scalar: bytes) -> int:
        """A canonical scalar as a number."""
        value = int.from_bytes(scalar)
        if len(scalar) != 48 or value >= _N:
            raise BadElement("not a canonical P-384 scalar")
        return value

    def multiply(self, scalar: bytes, element: bytes) -> bytes:
        """``scalar · element``. BadElement for a bad element; the scalar must not be zero."""
        point = _decode(element)
        private, public = _private(scalar)
        if point == (_G[0], _P - _G[1]):
            # P + G is the identity; k·P is -(k·G).
            return _encode((public[0], _P - public[1]))
        x = int.from_bytes(private.exchange(ec.ECDH(), _public(point)))
        shifted = int.from_bytes(private.exchange(ec.ECDH(), _public(_add(point, _G))))
        candidate = _lift(x)
        if _add(candidate, public)[0] == shifted:
            return _encode(candidate)
        return _encode((x, _P - candidate[1]))

    def multiply_base(self, scalar: bytes) -> bytes:
        """``scalar · G``."""
        return _encode(_private(scalar)[1])

    def add(self, one: bytes, other: bytes) -> bytes:
        """The sum of two elements. BadElement if it is the identity."""
        return _encode(_add(_decode(one), _decode(other)))

    def response(self, nonce: bytes, challenge: bytes, secret: bytes) -> bytes:
        """``nonce - challenge · secret``. Python's integers take the same time for numbers of the same length."""
        return self.scalar(int.from_bytes(nonce) - int.from_bytes(challenge) * int.from_bytes(secret))

    def invert(self, scalar: bytes) -> bytes:
        """The inverse of a scalar."""
        return self.scalar(pow(int.from_bytes(scalar), -1, _N))

    def hash_to_group(self, message: bytes, dst: bytes) -> bytes:
        """P384_XMD:SHA-384_SSWU_RO_ (RFC 9380 section 8.3)."""
        uniform = expand_message_xmd(sha384, message, dst, 144)
        one, other = (_map_to_curve(int.from_bytes(part) % _P) for part in (uniform[:72], uniform[72:]))
        return _encode(_add(one, other))

    def hash_to_scalar(self, message: bytes, dst: bytes) -> bytes:
        """hash_to_field modulo the order (RFC 9497 section 4.4)."""
        return self.scalar(int.from_bytes(expand_message_xmd(sha384, message, dst, 72)))


P384_SHA384 = P384()


@lru_cache(maxsize=4)
def _private(scalar: bytes) -> tuple[ec.EllipticCurvePrivateKey, Point]:
    """The scalar as a private key, with its public point. The few remembered are those of the proof under way."""
    try:
        private = ec.derive_private_key(int.from_bytes(scalar), _CURVE)
    except ValueError:
        raise BadElement("not a P-384 scalar other than zero") from None
    numbers = private.public_key().public_numbers()
    return private, (numbers.x, numbers.y)


def _decode(element: bytes) -> Point:
    if len(element) != 49 or element[0] not in (2, 3):
        raise BadElement("not a compressed point of P-384")
    try:
        numbers = ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, element).public_numbers()
    except ValueError:
        raise BadElement("not a point of P-384") from None
    return numbers.x, numbers.y


def _encode(point: Point) -> bytes:
    return bytes([2 + (point[1] & 1)]) + point[0].to_bytes(48)


def _public(point: Point) -> ec.EllipticCurvePublicKey:
    return ec.EllipticCurvePublicNumbers(point[0], point[1], _CURVE).public_key()


def _lift(x: int) -> Point:
    return _decode(b"\x02" + x.to_bytes(48))


def _add(one: Point, other: Point) -> Point:
    """Affine addition of public points."""
    if one[0] == other[0]:
        if (one[1] + other[1]) % _P == 0:
            raise BadElement("the sum is the identity")
        slope = (3 * one[0] * one[0] + _A) * pow(2 * one[1], -1, _P) % _P
    else:
        slope = (other[1] - one[1]) * pow(other[0] - one[0], -1, _P) % _P
    x = (slope * slope - one[0] - other[0]) % _P
    return x, (slope * (one[0] - x) - one[1]) % _P


def _map_to_curve(u: int) -> Point:
    """Simplified SWU (RFC 9380 section 6.6.2); of public inputs."""
    tv1 = (_Z * _Z * pow(u, 4, _P) + _Z * u * u) % _P
    exceptional = tv1 == 0
    x1 = _B * pow(_Z * _A, -1, _P) if exceptional else -_B * pow(_A, -1, _P) * (1 + pow(tv1, -1, _P))
    x = x1 = x1 % _P
    gx = (x**3 + _A * x + _B) % _P
    y = pow(gx, (_P + 1) // 4, _P)
    if y * y % _P != gx:
        x = _Z * u * u * x1 % _P
        gx = (x**3 + _A * x + _B) % _P
        y = pow(gx, (_P + 1) // 4, _P)
    if y & 1 != u & 1:
        y = _P - y
    return x, y


def forget_scalars() -> None:
    """Drops the private keys remembered from the last proofs."""
    _private.cache_clear()
