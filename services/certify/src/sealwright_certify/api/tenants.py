"""TenantService and HolderService."""

from __future__ import annotations

from sealwright.certify.v1 import holder_service_pb2 as holder_pb
from sealwright.certify.v1 import tenant_service_pb2 as pb
from sealwright_common.domain.call import Call
from sealwright_common.runtime.grpc import answer

from sealwright_certify.codec import sources as codec
from sealwright_certify.codec.values import after, page_size
from sealwright_certify.usecases.holders import Holders
from sealwright_certify.usecases.tenants import DidDocuments, Tenants


class TenantServicer:
    """The issuing side of the call's tenant."""

    def __init__(self, tenants: Tenants, documents: DidDocuments) -> None:
        self._tenants = tenants
        self._documents = documents

    async def StoreTenant(self, request: pb.StoreTenantRequest, call: Call) -> pb.StoreTenantResponse:
        command = codec.store_tenant_command(request)
        return await answer(call, self._tenants.store, command, codec.store_tenant_response)

    async def GetTenant(self, request: pb.GetTenantRequest, call: Call) -> pb.GetTenantResponse:
        return codec.get_tenant_response(await self._tenants.get(call))

    async def GetDidDocument(self, request: pb.GetDidDocumentRequest, call: Call) -> pb.GetDidDocumentResponse:
        return codec.document_response(await self._documents.of(await self._tenants.get(call)))


class HolderServicer:
    """Holders and offers."""

    def __init__(self, holders: Holders) -> None:
        self._holders = holders

    async def StoreHolder(self, request: holder_pb.StoreHolderRequest, call: Call) -> holder_pb.StoreHolderResponse:
        return await answer(call, self._holders.store, codec.holder(request.holder), codec.store_holder_response)

    async def GetHolder(self, request: holder_pb.GetHolderRequest, call: Call) -> holder_pb.GetHolderResponse:
        return codec.get_holder_response(await self._holders.get(call, request.did))

    async def ListHolders(self, request: holder_pb.ListHoldersRequest, call: Call) -> holder_pb.ListHoldersResponse:
        limit = page_size(request.page_size)
        return codec.holders_response(await self._holders.page(call, after(request.page_token), limit), limit)

    async def DeleteHolder(self, request: holder_pb.DeleteHolderRequest, call: Call) -> holder_pb.DeleteHolderResponse:
        return await answer(call, self._holders.delete, request.did, codec.delete_holder_response)

    async def OfferCredentials(
        self, request: holder_pb.OfferCredentialsRequest, call: Call
    ) -> holder_pb.OfferCredentialsResponse:
        return await answer(call, self._holders.offer, codec.offer_command(request), codec.offer_response)
