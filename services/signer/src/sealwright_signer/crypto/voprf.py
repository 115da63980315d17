"""VOPRF, the server's half (RFC 9497, mode 0x01): evaluation with a batch proof, and redemption.

The proof's nonce is derived from the key and the transcript, so that the same request is answered by the same bytes and
a bad random generator cannot give the key away.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from sealwright_signer.crypto.groups import BadElement, Group, fits_one_key, linear_combination
from sealwright_signer.crypto.p384 import P384_SHA384
from sealwright_signer.crypto.ristretto import RISTRETTO255

MODE_VOPRF = 0x01


class Inconsistent(Exception):
    """The evaluated elements do not fit one key: the machine computed wrongly; release nothing."""


@dataclass(frozen=True, slots=True)
class Composites:
    """Random linear combinations over a batch, and the scalars they were made with."""

    scalars: tuple[bytes, ...]
    m: bytes
    z: bytes


class Voprf:
    """A suite in VOPRF mode."""

    def __init__(self, group: Group) -> None:
        self.group = group
        self.context = b"OPRFV1-" + bytes([MODE_VOPRF]) + b"-" + group.identifier.encode()
        self._seed_dst = b"Seed-" + self.context
        self._scalar_dst = b"HashToScalar-" + self.context
        self._group_dst = b"HashToGroup-" + self.context
        self._nonce_dst = b"Sealwright-Proof-Nonce-" + self.context

    def derive_key_pair(self, seed: bytes, info: bytes) -> tuple[bytes, bytes]:
        """DeriveKeyPair (section 3.2.1): secret scalar and public element of a 32-byte seed."""
        for counter in range(256):
            secret = self.group.hash_to_scalar(seed + _framed(info) + bytes([counter]), b"DeriveKeyPair" + self.context)
            if any(secret):
                return secret, self.group.multiply_base(secret)
        raise ValueError("no key for this seed")

    def evaluate(
        self, secret: bytes, public: bytes, blinded: Sequence[bytes], nonce: bytes | None = None
    ) -> tuple[tuple[bytes, ...], bytes]:
        """BlindEvaluate (section 3.3.2) over a batch: evaluated elements and one proof.

        BadElement if one is no element, Inconsistent if the machine erred.
        ``nonce`` is given by tests of official vectors alone.
        """
        evaluated = tuple(self.group.multiply(secret, element) for element in blinded)
        composites = self._composites_fast(secret, public, blinded, evaluated)
        try:
            consistent = fits_one_key(self.group, secret, blinded, evaluated)
        except BadElement:
            # Inputs that cancel out are allowed; then the composites tell, at more cost.
            consistent = linear_combination(self.group, composites.scalars, evaluated) == composites.z
        if not consistent:
            raise Inconsistent
        return evaluated, self._prove(secret, public, composites, nonce)

    def verify_proof(self, public: bytes, blinded: Sequence[bytes], evaluated: Sequence[bytes], proof: bytes) -> bool:
        """VerifyProof (section 2.2.2), as a client does."""
        group, size = self.group, self.group.scalar_length
        if len(proof) != 2 * size or len(blinded) != len(evaluated) or not blinded:
            return False
        challenge, response = proof[:size], proof[size:]
        try:
            group.number(challenge)
            group.number(response)
            scalars = self._scalars(public, blinded, evaluated)
            m = linear_combination(group, scalars, blinded)
            z = linear_combination(group, scalars, evaluated)
            t2 = group.add(group.multiply_base(response), group.multiply(challenge, public))
            t3 = group.add(group.multiply(response, m), group.multiply(challenge, z))
        except BadElement:
            return False
        return hmac.compare_digest(self._challenge(public, m, z, t2, t3), challenge)

    def output(self, secret: bytes, private_input: bytes) -> bytes:
        """Evaluate (section 3.3.1): what a client's Finalize gives for ``private_input``. ValueError if it has none."""
        element = self.group.hash_to_group(private_input, self._group_dst)
        return self.finalize(private_input, self.group.multiply(secret, element))

    def finalize(self, private_input: bytes, unblinded: bytes) -> bytes:
        """The output hash over input and unblinded element."""
        return self.group.hash(_framed(private_input) + _framed(unblinded) + b"Finalize")

    def hash_to_group(self, private_input: bytes) -> bytes:
        """The element a client blinds."""
        return self.group.hash_to_group(private_input, self._group_dst)

    def _scalars(self, public: bytes, blinded: Sequence[bytes], evaluated: Sequence[bytes]) -> tuple[bytes, ...]:
        seed = self.group.hash(_framed(public) + _framed(self._seed_dst))
        return tuple(
            self.group.hash_to_scalar(
                _framed(seed) + position.to_bytes(2) + _framed(c) + _framed(d) + b"Composite", self._scalar_dst
            )
            for position, (c, d) in enumerate(zip(blinded, evaluated, strict=True))
        )

    def _composites_fast(
        self, secret: bytes, public: bytes, blinded: Sequence[bytes], evaluated: Sequence[bytes]
    ) -> Composites:
        """ComputeCompositesFast (section 2.2.1)."""
        scalars = self._scalars(public, blinded, evaluated)
        m = linear_combination(self.group, scalars, blinded)
        return Composites(scalars, m, self.group.multiply(secret, m))

    def _prove(self, secret: bytes, public: bytes, composites: Composites, nonce: bytes | None) -> bytes:
        """GenerateProof (section 2.2.1)."""
        m, z = composites.m, composites.z
        r = self._nonce(secret, public + m + z) if nonce is None else nonce
        challenge = self._challenge(public, m, z, self.group.multiply_base(r), self.group.multiply(r, m))
        return challenge + self.group.response(r, challenge, secret)

    def _nonce(self, secret: bytes, transcript: bytes) -> bytes:
        return self.group.hash_to_scalar(hmac.digest(secret, transcript, "sha512"), self._nonce_dst)

    def _challenge(self, public: bytes, m: bytes, z: bytes, t2: bytes, t3: bytes) -> bytes:
        transcript = b"".join(_framed(part) for part in (public, m, z, t2, t3)) + b"Challenge"
        return self.group.hash_to_scalar(transcript, self._scalar_dst)


def _framed(data: bytes) -> bytes:
    return len(data).to_bytes(2) + data


VOPRF_RISTRETTO255 = Voprf(RISTRETTO255)
VOPRF_P384 = Voprf(P384_SHA384)
