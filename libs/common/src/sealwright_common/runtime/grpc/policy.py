"""The policy table: who may call which RPC, in which rate class, with which default deadline. One row per RPC."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

ROLES = frozenset({"signer", "rotator", "certify", "stamp", "operator", "client"})
"""Every role an identity may carry."""

ANYONE = ROLES
"""For RPCs that any authenticated caller may use."""

RATE_CLASSES: Mapping[str, int] = {"read": 256, "write": 128, "sign": 256, "make": 256, "bulk": 8, "watch": 1024}
"""Rate classes with the number of calls one process runs at a time, unless the settings say otherwise. What makes keys
has a class of its own, so that many small calls keep a token busy and share their commits."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One row: what holds for one RPC."""

    callers: Collection[str]
    """Roles that may call; ANYONE for all."""
    rate: str = "read"
    """Rate class: read, write, sign, make, bulk or watch."""
    deadline: timedelta | None = field(default=timedelta(seconds=10))
    """Default when the caller gives none; None lets a stream run as long as its caller wants, and is for streams."""
    replay_first: bool = False
    """Look for the stored answer of a repeated request id before the servicer runs: for RPCs that do dear work before
    their transaction, which finds it in any case."""
    audited: bool = False
    """Whether the use case must leave an audit row (checked by tests, shown in docs)."""

    def __post_init__(self) -> None:
        if not self.callers:
            raise ValueError("a policy without callers: nobody could ever call this RPC")
        if unknown := set(self.callers) - ROLES:
            raise ValueError(f"unknown roles {sorted(unknown)}; roles are {sorted(ROLES)}")
        if self.rate not in RATE_CLASSES:
            raise ValueError(f"unknown rate class {self.rate!r}; classes are {sorted(RATE_CLASSES)}")
        if self.deadline is not None and self.deadline <= timedelta(0):
            raise ValueError("a default deadline is positive")
        object.__setattr__(self, "callers", frozenset(self.callers))


Policies = Mapping[str, Policy]
"""Full RPC name, ``/package.Service/Method``, to its row."""


class PolicyError(Exception):
    """The table and the services do not match; the process must not start."""


def compare(policies: Policies, descriptors: Iterable[Any]) -> None:
    """Raise :class:`PolicyError` naming every missing and every surplus row for these service descriptors."""
    methods = {f"/{service.full_name}/{method.name}": method for service in descriptors for method in service.methods}
    missing = sorted(methods.keys() - policies.keys())
    surplus = sorted(policies.keys() - methods.keys())
    endless = sorted(
        name
        for name, policy in policies.items()
        if name in methods
        and policy.deadline is None
        and not (methods[name].server_streaming or methods[name].client_streaming)
    )
    problems = [f"no policy row for {name}" for name in missing]
    problems += [f"a policy row for {name}, which no service has" for name in surplus]
    problems += [f"{name} is unary and needs a default deadline" for name in endless]
    if problems:
        raise PolicyError("; ".join(problems))
