"""An attestation source to copy: tells certify which checks a company has passed, from a dictionary.

Run it with ``python examples/attestation_source/server.py 127.0.0.1:7503``, tell certify where it is
(``SEALWRIGHT_CERTIFY_PLUGINS='{"checks": {"target": "127.0.0.1:7503", "plaintext": true}}'``) and store an attestation
definition of the type ``remote`` with
``{"plugin": "checks", "configuration": {"register": "trade"}, "outputClaim": "checks"}``.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import grpc
from grpc import aio
from sealwright.plugin.v1 import attestation_source_service_pb2 as pb
from sealwright.plugin.v1 import attestation_source_service_pb2_grpc as service

REGISTERS: dict[str, dict[str, dict[str, Any]]] = {
    "trade": {"did:web:company.example": {"audited": True, "level": 3, "since": "2024-01-31"}}
}
"""What each register knows of a DID."""


class AttestationSource(service.AttestationSourceServiceServicer):
    """Knows the companies of some registers."""

    async def ValidateSource(
        self, request: pb.ValidateSourceRequest, context: aio.ServicerContext
    ) -> pb.ValidateSourceResponse:
        """Called when an attestation definition is stored: say here what is wrong with its configuration."""
        register = json.loads(request.configuration_json).get("register")
        problems = [] if register in REGISTERS else [f"register: one of {', '.join(REGISTERS)}"]
        return pb.ValidateSourceResponse(problems=problems)

    async def EvaluateSource(
        self, request: pb.EvaluateSourceRequest, context: aio.ServicerContext
    ) -> pb.EvaluateSourceResponse:
        """The claims, or nothing if the holder is not known; the call's deadline is the requester's patience."""
        register = json.loads(request.configuration_json)["register"]
        claims = REGISTERS[register].get(request.holder_did)
        return pb.EvaluateSourceResponse(claims_json="" if claims is None else json.dumps(claims))


async def serve(
    listen: str, source: service.AttestationSourceServiceServicer, credentials: grpc.ServerCredentials | None = None
) -> tuple[aio.Server, int]:
    """Starts the plugin, with mutual TLS where ``credentials`` say so; gives the server and its port."""
    server = aio.server()
    service.add_AttestationSourceServiceServicer_to_server(source, server)
    port = server.add_insecure_port(listen) if credentials is None else server.add_secure_port(listen, credentials)
    await server.start()
    return server, port


async def main() -> None:
    """Serves until it is stopped."""
    server, port = await serve(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:7503", AttestationSource())
    print(f"attestation source on port {port}")
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main())
