"""An authorization server for OpenID4VCI's authorization code flow: PAR, PKCE, DPoP, ``iss``. For development."""

from sealwright_sandbox.authorization_server.server import AuthorizationServer

__all__ = ["AuthorizationServer"]
