"""Tenants: the names that keep one customer's rows apart from another's."""

from __future__ import annotations

import re

from sealwright_common.domain.errors import InvalidArgument, Reason

DEFAULT_TENANT = "default"
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def tenant(name: str) -> str:
    """``name`` if it is a tenant name, 1 to 63 of a-z, 0-9 and inner hyphens (a DNS label); else InvalidArgument."""
    if not _NAME.fullmatch(name):
        raise InvalidArgument.of(
            "tenant", "1 to 63 characters a-z, 0-9 and inner hyphens", reason=Reason.TENANT_INVALID
        )
    return name
