"""The DCP 1.0 door."""

from sealwright_certify.http.dcp.door import DcpDoor

__all__ = ["DcpDoor"]
