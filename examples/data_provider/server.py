"""A data provider to copy: answers certify's questions about members from a dictionary.

Run it with ``python examples/data_provider/server.py 127.0.0.1:7501``, tell certify where it is
(``SEALWRIGHT_CERTIFY_PLUGINS='{"members": {"target": "127.0.0.1:7501", "plaintext": true}}'``; a plugin on another
machine needs TLS and no ``plaintext``) and name it in an issuer document:
``"source": {"type": "plugin", "settings": {"plugin": "members", "settings": {"club": "rowing"}}}``.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator

from grpc import aio
from sealwright.plugin.v1 import data_provider_service_pb2 as pb
from sealwright.plugin.v1 import data_provider_service_pb2_grpc as service

MEMBERS = {
    "rowing": {
        "user-1": {"given_name": "Ada", "family_name": "Lovelace", "birth_date": "1990-12-10", "number": 17},
        "user-2": {"given_name": "Grace", "family_name": "Hopper", "birth_date": "1986-12-09", "number": 18},
    }
}


class DataProvider(service.DataProviderServiceServicer):
    """Knows the members of clubs."""

    async def ValidateProvider(
        self, request: pb.ValidateProviderRequest, context: aio.ServicerContext
    ) -> pb.ValidateProviderResponse:
        """Called when an issuer document is stored: say here what is wrong with its settings."""
        club = json.loads(request.settings_json or "{}").get("club")
        problems = [] if club in MEMBERS else [f"club: one of {', '.join(MEMBERS)}"]
        return pb.ValidateProviderResponse(problems=problems)

    async def FetchClaims(
        self, request_iterator: AsyncIterator[pb.FetchClaimsRequest], context: aio.ServicerContext
    ) -> AsyncIterator[pb.FetchClaimsResponse]:
        """One answer per question, matched by correlation_id; the call's deadline is the wallet's patience."""
        async for request in request_iterator:
            club = json.loads(request.settings_json)["club"]
            claims = MEMBERS[club].get(request.subject)
            if claims is None:
                yield pb.FetchClaimsResponse(
                    correlation_id=request.correlation_id, error=pb.PROVIDER_ERROR_SUBJECT_UNKNOWN
                )
            else:
                yield pb.FetchClaimsResponse(correlation_id=request.correlation_id, claims_json=json.dumps(claims))


async def serve(listen: str) -> tuple[aio.Server, int]:
    """Starts the plugin; gives the server and its port."""
    server = aio.server()
    service.add_DataProviderServiceServicer_to_server(DataProvider(), server)
    port = server.add_insecure_port(listen)
    await server.start()
    return server, port


async def main() -> None:
    """Serves until it is stopped."""
    server, port = await serve(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:7501")
    print(f"data provider on port {port}")
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main())
