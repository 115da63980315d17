"""Storing an issuer document: read strictly, its sources, templates and schemas checked, one version more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sealwright_common.domain.call import Call
from sealwright_common.domain.errors import FieldProblem, InvalidArgument, Reason
from sealwright_common.domain.oid4vci import Issuer
from sealwright_common.domain.oid4vci_document import read_issuer

from sealwright_certify.usecases.oid4vci.events import IssuerStored
from sealwright_certify.usecases.oid4vci.ports import ClaimsProvider, Content, Oid4vciStore, ProxyIssuer


@dataclass(frozen=True, slots=True)
class StoreIssuer:
    """Stores the next version of an issuer document."""

    store: Oid4vciStore
    providers: Mapping[str, ClaimsProvider]
    proxies: Mapping[str, ProxyIssuer]
    content: Content

    async def __call__(self, call: Call, document: Mapping[str, Any]) -> Issuer:
        """The issuer as stored. InvalidArgument with every wrong member; AlreadyExists for another tenant's path."""
        issuer = read_issuer(call.tenant, document)
        problems = [problem for dataset in issuer.datasets for problem in await self._dataset_problems(issuer, dataset)]
        if problems:
            raise InvalidArgument.of_all(problems, reason=Reason.DEFINITION_INVALID)
        async with self.store.begin(call) as work:
            stored = replace(issuer, version=await work.issuers.put(issuer, document))
            work.emit(IssuerStored(stored.path, stored.version))
            work.audit("oid4vci.issuer.store", stored.path, version=stored.version)
            return work.answer(stored)

    async def _dataset_problems(self, issuer: Issuer, name: str) -> list[FieldProblem]:
        dataset = issuer.datasets[name]
        source = dataset.source
        known: Mapping[str, ClaimsProvider | ProxyIssuer] = self.proxies if source.proxied else self.providers
        checker = known.get(source.type)
        if checker is None:
            types = ", ".join([*self.providers, *self.proxies])
            return [FieldProblem(f"datasets.{name}.source.type", f"one of {types}")]
        found = [
            FieldProblem(f"datasets.{name}.source.settings", problem)
            for problem in await checker.problems(source.settings)
        ]
        return found + [FieldProblem(f"datasets.{name}", problem) for problem in self.content.problems(dataset)]
