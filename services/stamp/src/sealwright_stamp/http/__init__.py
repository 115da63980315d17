"""The compatible HTTP door."""

from sealwright_stamp.http.application import application

__all__ = ["application"]
