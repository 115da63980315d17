"""Makes registry transactions the way an issuing body does, from the public contract alone."""

import hashlib
import secrets
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from coincurve import PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from project_origin.common.v1 import common_pb2
from project_origin.electricity.v1 import electricity_pb2 as electricity
from project_origin.registry.v1 import registry_pb2 as registry
from sealwright_sandbox.registry.rangeproof import ORDER, commit
from sealwright_sandbox.registry.trust import key_text

START = datetime(2025, 6, 21, 10, tzinfo=UTC)


@dataclass
class Issuer:
    """An issuing body with one Ed25519 key, for one grid area of one registry. Range proofs are left empty."""

    registry_name: str = "sandbox"
    area: str = "DK1"
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def public_key(self) -> str:
        """The public key as the registry's admin door takes it."""
        return key_text(self.key.public_key())

    def sign(self, stream: str, event: Message, *, named: str | None = None) -> registry.Transaction:
        """A transaction that puts `event` into `stream`."""
        payload = event.SerializeToString(deterministic=True)
        header = registry.TransactionHeader(
            federated_stream_id=self.certificate(stream, named),
            payload_type=event.DESCRIPTOR.full_name,
            payload_sha512=hashlib.sha512(payload).digest(),
            nonce=str(uuid.uuid4()),
        )
        signature = self.key.sign(header.SerializeToString(deterministic=True))
        return registry.Transaction(header=header, header_signature=signature, payload=payload)

    def certificate(self, stream: str, named: str | None = None) -> common_pb2.FederatedStreamId:
        """The certificate with stream id `stream`."""
        return common_pb2.FederatedStreamId(
            registry=named or self.registry_name, stream_id=common_pb2.Uuid(value=stream)
        )

    def issued(self, stream: str, owner: bytes, quantity: int = 250, blinding: bytes = b"") -> electricity.IssuedEvent:
        """An hour's production, owned by `owner` (33 bytes, secp256k1)."""
        return electricity.IssuedEvent(
            certificate_id=self.certificate(stream),
            type=electricity.PRODUCTION,
            period=period(START, timedelta(hours=1)),
            grid_area=self.area,
            quantity_commitment=electricity.Commitment(content=commit(quantity, blinding or new_blinding())),
            owner_public_key=electricity.PublicKey(content=owner, type=electricity.Secp256k1),
        )


def period(start: datetime, length: timedelta) -> electricity.DateInterval:
    """From `start`, for `length`."""
    first, last = Timestamp(), Timestamp()
    first.FromDatetime(start)
    last.FromDatetime(start + length)
    return electricity.DateInterval(start=first, end=last)


def new_blinding() -> bytes:
    """A random blinding: 32 bytes, little endian."""
    return secrets.randbelow(ORDER).to_bytes(32, "little")


def new_stream() -> str:
    """A random certificate id."""
    return str(uuid.uuid4())


def new_owner() -> bytes:
    """A random owner key: secp256k1, compressed, 33 bytes."""
    return PrivateKey().public_key.format(compressed=True)
