"""An issuing plugin to copy: certify passes credentials of another issuer on, after it verified them.

Here the other issuer is a key in this process; a real plugin asks a service in ``IssueCredentials``. Run it with
``python examples/proxied_issuer/server.py 127.0.0.1:7502``, tell certify where it is
(``SEALWRIGHT_CERTIFY_PLUGINS='{"other": {"target": "127.0.0.1:7502", "plaintext": true}}'``); it prints the settings
for an issuer document: ``"source": {"type": "issuer-plugin", "settings": ...}``.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import uuid
from typing import Any

from grpc import aio
from sealwright.plugin.v1 import credential_issuer_service_pb2 as pb
from sealwright.plugin.v1 import credential_issuer_service_pb2_grpc as service
from sealwright_sandbox.oid4vci_wallet import WalletKey

ISSUER = "https://other-issuer.example"


class OtherIssuer(service.CredentialIssuerServiceServicer):
    """Issues VCs as JWT with its own key."""

    def __init__(self) -> None:
        self.key = WalletKey()

    @property
    def settings(self) -> dict[str, Any]:
        """What an issuer document says to believe this issuer."""
        jwk = {**self.key.public.jwk, "kid": "other-1", "alg": self.key.algorithm}
        return {"plugin": "other", "issuer": ISSUER, "keys": [jwk]}

    async def ValidateCredentialIssuer(
        self, request: pb.ValidateCredentialIssuerRequest, context: aio.ServicerContext
    ) -> pb.ValidateCredentialIssuerResponse:
        """Takes any settings."""
        return pb.ValidateCredentialIssuerResponse()

    async def IssueCredentials(
        self, request: pb.IssueCredentialsRequest, context: aio.ServicerContext
    ) -> pb.IssueCredentialsResponse:
        """One credential per holder key; a refusal for people it does not know."""
        if request.format != "jwt_vc_json" or request.subject != "user-1":
            return pb.IssueCredentialsResponse(refusal="no such member")
        return pb.IssueCredentialsResponse(
            credentials=[self.credential(json.loads(text)) for text in request.holder_jwks_json]
        )

    def credential(self, jwk: dict[str, str], **changes: Any) -> str:
        """A VC 1.1 as JWT, bound to a holder's key."""
        now = int(time.time())
        vc = {
            "@context": ["https://www.w3.org/2018/credentials/v1"],
            "type": ["VerifiableCredential", "MemberCredential"],
            "issuer": ISSUER,
            "credentialSubject": {"number": 17},
        }
        payload = {
            "iss": ISSUER,
            "jti": f"urn:uuid:{uuid.uuid4()}",
            "nbf": now,
            "exp": now + 86400,
            "cnf": {"jwk": jwk},
            "vc": vc,
            **changes,
        }
        return self.key.jws({"typ": "JWT", "kid": "other-1"}, payload)


async def serve(listen: str, issuer: OtherIssuer) -> tuple[aio.Server, int]:
    """Starts the plugin; gives the server and its port."""
    server = aio.server()
    service.add_CredentialIssuerServiceServicer_to_server(issuer, server)
    port = server.add_insecure_port(listen)
    await server.start()
    return server, port


async def main() -> None:
    """Serves until it is stopped."""
    issuer = OtherIssuer()
    server, port = await serve(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:7502", issuer)
    print(f"issuing plugin on port {port}; settings: {json.dumps(issuer.settings)}")
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main())
