"""The OpenID4VCI 1.0 door: routes for any number of issuers, told apart by their path."""

from sealwright_certify.http.oid4vci.door import Door
from sealwright_certify.http.oid4vci.routes import oid4vci_routes

__all__ = ["Door", "oid4vci_routes"]
