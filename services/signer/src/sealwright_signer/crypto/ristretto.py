"""ristretto255 (RFC 9496) with SHA-512, over libsodium. Every call releases the interpreter's lock."""

from __future__ import annotations

from hashlib import sha512

from sealwright_common.ristretto import rbcl

from sealwright_signer.crypto.groups import BadElement, expand_message_xmd


class Ristretto255:
    """The Group of ristretto255-SHA512. Scalars are little-endian."""

    identifier = "ristretto255-SHA512"
    element_length = 32
    identity = bytes(32)
    scalar_length = 32
    order = 2**252 + 27742317777372353535851937790883648493

    def hash(self, data: bytes) -> bytes:
        """SHA-512."""
        return sha512(data).digest()

    def check_element(self, element: bytes) -> None:
        """Return if canonical (RFC 9496 section 4.3.1) and not the identity; BadElement otherwise."""
        _check_form(element)
        if element == self.identity or not rbcl.crypto_core_ristretto255_is_valid_point(element):
            raise BadElement("not a canonical ristretto255 element other than the identity")

    def scalar(self, value: int) -> bytes:
        """``value`` modulo the order, little-endian."""
        return (value % self.order).to_bytes(32, "little")

    def number(self, scalar: bytes) -> int:
        """A canonical scalar as a number."""
        value = int.from_bytes(scalar, "little")
        if len(scalar) != 32 or value >= self.order:
            raise BadElement("not a canonical ristretto255 scalar")
        return value

    def multiply(self, scalar: bytes, element: bytes) -> bytes:
        """``scalar · element``. BadElement for a bad element; the scalar must not be zero."""
        _check_form(element)
        try:
            # libsodium refuses elements that are not canonical, and the identity as result, hence as input.
            return rbcl.crypto_scalarmult_ristretto255(scalar, element)
        except RuntimeError:
            raise BadElement("not a canonical ristretto255 element other than the identity") from None

    def multiply_base(self, scalar: bytes) -> bytes:
        """``scalar · G``."""
        return rbcl.crypto_scalarmult_ristretto255_base(scalar)

    def add(self, one: bytes, other: bytes) -> bytes:
        """The sum of two elements."""
        return rbcl.crypto_core_ristretto255_add(one, other)

    def response(self, nonce: bytes, challenge: bytes, secret: bytes) -> bytes:
        """``nonce - challenge · secret``, in constant time."""
        return rbcl.crypto_core_ristretto255_scalar_sub(
            nonce, rbcl.crypto_core_ristretto255_scalar_mul(challenge, secret)
        )

    def from_uniform(self, data: bytes) -> bytes:
        """The element that 64 uniform bytes map to (RFC 9496 section 4.3.4)."""
        return rbcl.crypto_core_ristretto255_from_hash(data)

    def reduce(self, data: bytes) -> bytes:
        """64 bytes, little-endian, modulo the order."""
        return rbcl.crypto_core_ristretto255_scalar_reduce(data)

    def invert(self, scalar: bytes) -> bytes:
        """The inverse of a scalar."""
        return rbcl.crypto_core_ristretto255_scalar_invert(scalar)

    def hash_to_group(self, message: bytes, dst: bytes) -> bytes:
        """hash_to_ristretto255 (RFC 9380 appendix B)."""
        return self.from_uniform(expand_message_xmd(sha512, message, dst, 64))

    def hash_to_scalar(self, message: bytes, dst: bytes) -> bytes:
        """Uniform scalar (RFC 9497 section 4.1)."""
        return self.reduce(expand_message_xmd(sha512, message, dst, 64))


RISTRETTO255 = Ristretto255()


def _check_form(element: bytes) -> None:
    """What libsodium does not look at: it reads no more than 32 bytes and drops the highest bit."""
    if len(element) != 32 or element[31] & 0x80:
        raise BadElement("a ristretto255 element has 32 bytes and is less than 2^255")
