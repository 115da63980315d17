"""The typed async client: one attribute a gRPC service, each call with a deadline, retries where they are safe."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cached_property

from sealwright.certify.v1 import (
    attestation_service_pb2_grpc,
    credential_issuer_service_pb2_grpc,
    credential_service_pb2_grpc,
    definition_service_pb2_grpc,
    holder_service_pb2_grpc,
    issuance_service_pb2_grpc,
    tenant_service_pb2_grpc,
)
from sealwright.rotator.v1 import rotator_service_pb2_grpc
from sealwright.signer.v1 import key_service_pb2_grpc, signing_service_pb2_grpc, token_service_pb2_grpc
from sealwright.stamp.v1 import stamp_service_pb2_grpc
from sealwright_common.domain.tenants import DEFAULT_TENANT
from sealwright_common.runtime.grpc import Channel, connect

from sealwright_client.connection import Profile, find_profile


class Sealwright:
    """A client of one mesh for one tenant. Use it as ``async with Sealwright.open() as mesh``.

    Attributes are the generated stubs, so every call is typed: ``await mesh.keys.GetKey(GetKeyRequest(key_id=...))``.
    Channels are opened when first used. A refused call raises the
    :class:`~sealwright_common.domain.errors.Problem` that the service answered.
    """

    def __init__(self, profile: Profile, tenant: str = DEFAULT_TENANT) -> None:
        self.profile = profile
        self.tenant = tenant
        self._channels: dict[str, Channel] = {}

    @classmethod
    @asynccontextmanager
    async def open(cls, profile: Profile | None = None, tenant: str = DEFAULT_TENANT) -> AsyncIterator[Sealwright]:
        """A client of ``profile`` (by default the mesh that is found), closed at the end."""
        mesh = cls(profile or find_profile(), tenant)
        try:
            yield mesh
        finally:
            await mesh.close()

    async def close(self) -> None:
        """Closes every channel."""
        for channel in self._channels.values():
            await channel.close()
        self._channels.clear()

    def channel(self, service: str) -> Channel:
        """The channel to ``service`` (signer, rotator, certify, stamp)."""
        if service not in self._channels:
            address = self.profile.address(service)
            self._channels[service] = connect(address, service, tls=self.profile.tls, tenant=self.tenant)
        return self._channels[service]

    @cached_property
    def keys(self) -> key_service_pb2_grpc.KeyServiceStub:
        """Keys of the signer."""
        return key_service_pb2_grpc.KeyServiceStub(self.channel("signer"))

    @cached_property
    def signing(self) -> signing_service_pb2_grpc.SigningServiceStub:
        """Signatures of the signer."""
        return signing_service_pb2_grpc.SigningServiceStub(self.channel("signer"))

    @cached_property
    def tokens(self) -> token_service_pb2_grpc.TokenServiceStub:
        """Blind signing and redemption."""
        return token_service_pb2_grpc.TokenServiceStub(self.channel("signer"))

    @cached_property
    def credential_issuers(self) -> credential_issuer_service_pb2_grpc.CredentialIssuerServiceStub:
        """OpenID4VCI issuers, offers, deferred issuances and certificates of certify."""
        return credential_issuer_service_pb2_grpc.CredentialIssuerServiceStub(self.channel("certify"))

    @cached_property
    def rotator(self) -> rotator_service_pb2_grpc.RotatorServiceStub:
        """Issuers, their keys, the directory and the key log."""
        return rotator_service_pb2_grpc.RotatorServiceStub(self.channel("rotator"))

    @cached_property
    def stamp(self) -> stamp_service_pb2_grpc.StampServiceStub:
        """Recipients and energy certificates."""
        return stamp_service_pb2_grpc.StampServiceStub(self.channel("stamp"))

    @cached_property
    def tenants(self) -> tenant_service_pb2_grpc.TenantServiceStub:
        """Issuing tenants of certify and their DID documents."""
        return tenant_service_pb2_grpc.TenantServiceStub(self.channel("certify"))

    @cached_property
    def definitions(self) -> definition_service_pb2_grpc.DefinitionServiceStub:
        """Credential definitions."""
        return definition_service_pb2_grpc.DefinitionServiceStub(self.channel("certify"))

    @cached_property
    def attestations(self) -> attestation_service_pb2_grpc.AttestationServiceStub:
        """Attestation definitions and the attestation table."""
        return attestation_service_pb2_grpc.AttestationServiceStub(self.channel("certify"))

    @cached_property
    def holders(self) -> holder_service_pb2_grpc.HolderServiceStub:
        """Holders and offers to them."""
        return holder_service_pb2_grpc.HolderServiceStub(self.channel("certify"))

    @cached_property
    def issuance(self) -> issuance_service_pb2_grpc.IssuanceServiceStub:
        """Issuance processes."""
        return issuance_service_pb2_grpc.IssuanceServiceStub(self.channel("certify"))

    @cached_property
    def credentials(self) -> credential_service_pb2_grpc.CredentialServiceStub:
        """Issued credentials and their status."""
        return credential_service_pb2_grpc.CredentialServiceStub(self.channel("certify"))
