"""A kind of contract for import-linter: some modules import only what is named, however far the rest is away."""

from __future__ import annotations

import sys
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output
from importlinter.domain.helpers import module_expressions_to_modules


class ImportsOnly(Contract):
    """`source_modules` and what is below them import themselves, `allowed_modules` and the standard library.

    Of the standard library, `forbidden_modules` are refused all the same.
    """

    type_name = "imports_only"

    source_modules = fields.ListField(subfield=fields.ModuleExpressionField())
    allowed_modules = fields.ListField(subfield=fields.StringField(), required=False, default=[])
    forbidden_modules = fields.ListField(subfield=fields.StringField(), required=False, default=[])

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Every direct import of every source module."""
        sources = module_expressions_to_modules(graph, self.source_modules, as_packages=True)  # pyright: ignore
        names = {module.name for module in sources}
        allowed: list[str] = list(self.allowed_modules)  # pyright: ignore
        forbidden: list[str] = list(self.forbidden_modules)  # pyright: ignore
        broken = [
            {"importer": importer, "imported": imported}
            for importer in sorted(names)
            for imported in sorted(graph.find_modules_directly_imported_by(importer))
            if not _within(imported, names)
            and (_below(imported, forbidden) or not (_standard(imported) or _below(imported, allowed)))
        ]
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """One line per import."""
        found: list[dict[str, Any]] = check.metadata["broken"]
        for line in found:
            output.print_error(f"{line['importer']} must not import {line['imported']}", bold=False)


def _within(module: str, names: set[str]) -> bool:
    return module in names


def _below(module: str, packages: list[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def _standard(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names
