"""What Sealwright reads from request metadata."""

from __future__ import annotations

from collections.abc import Iterable

from sealwright_common.domain.errors import FieldProblem, InvalidArgument, Reason
from sealwright_common.domain.tenants import DEFAULT_TENANT
from sealwright_common.domain.tenants import tenant as checked_tenant

TENANT = "sealwright-tenant"
"""Metadata key of the tenant; default ``default``."""
TRACEPARENT = "traceparent"


def read(metadata: Iterable[tuple[str, str | bytes]] | None) -> tuple[str, str | None]:
    """Tenant and traceparent. Raises InvalidArgument for a tenant that is none, or two of them."""
    tenant: str | None = None
    traceparent: str | None = None
    for key, value in metadata or ():
        if key == TENANT:
            if tenant is not None:
                raise _invalid("one tenant, not several")
            if not isinstance(value, str):
                raise _invalid("text")
            tenant = value
        elif key == TRACEPARENT and isinstance(value, str):
            traceparent = value
    if tenant is None or tenant == DEFAULT_TENANT:
        return DEFAULT_TENANT, traceparent
    return checked_tenant(tenant), traceparent


def for_tenant(tenant: str) -> tuple[tuple[str, str], ...]:
    """The metadata that makes a call on behalf of ``tenant``."""
    return () if tenant == DEFAULT_TENANT else ((TENANT, tenant),)


def _invalid(expected: str) -> InvalidArgument:
    return InvalidArgument(
        Reason.TENANT_INVALID,
        f"metadata {TENANT}: expected {expected}",
        fields=(FieldProblem(f"metadata.{TENANT}", expected),),
    )
