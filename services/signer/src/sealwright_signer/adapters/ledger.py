"""Signatures without a request id, counted per caller and key and written to the audit log once a second.

A row for each would make the audit chain the bound of signing. A crash loses at most the last second of counts; whoever
needs a row for every signature gives a request id.
"""

from __future__ import annotations

from collections import Counter
from typing import TypeAlias
from uuid import UUID

from sealwright_common.domain.call import Call, system_call
from sealwright_common.domain.keys import Key
from sealwright_common.runtime.db import Database

from sealwright_signer.adapters.postgres import SignerWork

_Line: TypeAlias = tuple[str, str, str, UUID]


class SigningLedger:
    """The Ledger port; :meth:`flush` is run every second and at the end."""

    def __init__(self, database: Database[SignerWork]) -> None:
        self._database = database
        self._counts: Counter[_Line] = Counter()

    def note(self, call: Call, key: Key, count: int) -> None:
        """Counts ``count`` signatures."""
        self._counts[(call.tenant, call.caller, call.method, key.id)] += count

    async def flush(self) -> None:
        """Writes the counts so far; they are kept if the database is away."""
        counts, self._counts = self._counts, Counter()
        if not counts:
            return
        try:
            async with self._database.begin(system_call("signing-ledger")) as work:
                for (tenant, caller, method, key_id), count in sorted(counts.items()):
                    work.audit("key.sign", str(key_id), count=count, tenant=tenant, caller=caller, method=method)
        except BaseException:
            self._counts += counts
            raise
