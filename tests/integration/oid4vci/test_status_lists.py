"""Token Status Lists as they are served: two forms, signed anew for a change, still there while the signer is away."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from sealwright_certify.adapters.formats.status_writer import TokenStatusCwtWriter, TokenStatusWriter
from sealwright_certify.usecases.keys import KeyCopy
from sealwright_certify.usecases.status_lists import StatusLists
from sealwright_common.domain.credentials import StatusKind, StatusPlace, StatusPurpose
from sealwright_common.domain.errors import NotFound, Unavailable
from sealwright_common.domain.ids import new_id
from sealwright_common.domain.issuing import SignedStatusList
from sealwright_common.domain.keys import KeyAlgorithm
from sealwright_common.runtime.clock import ManualClock
from sealwright_common.verify.status_list import StatusList, verify_status_list
from sealwright_common.verify.trust import Trust

from tests.support.oid4vci import PUBLIC_URL, Door, SoftwareDirectory, SoftwareSigner, open_door

START = datetime.now(UTC).replace(microsecond=0)
JWT, CWT = "application/statuslist+jwt", "application/statuslist+cwt"


@dataclass
class Served:
    """The status pages of one instance, with one list of which one entry is a credential's."""

    door: Door
    lists: StatusLists
    clock: ManualClock
    place: StatusPlace

    async def get(self, form: str = JWT) -> SignedStatusList:
        def choose(offered: Sequence[str]) -> str:
            assert list(offered) == [JWT, CWT]
            return form

        return await self.lists.get(self.place.list_id, choose)

    async def later(self, **duration: float) -> None:
        """Moves the clock on; what is in memory grows old."""
        await self.clock.advance(timedelta(**duration))

    def read(self, signed: SignedStatusList) -> StatusList:
        """Verified by the authority's certificate alone."""
        token = signed.payload if signed.media_type == CWT else signed.payload.decode()
        trust = Trust(anchors=(self.door.signer.anchor,))
        return verify_status_list(token, self.place.uri, trust, self.clock.now())

    async def set(self, value: int) -> None:
        async with self.door.database.begin_system("test") as work:
            await work.status.set_values([(self.place, value)])


@pytest_asyncio.fixture(loop_scope="session")
async def served(database_dsn: str) -> AsyncIterator[Served]:
    clock = ManualClock(START)
    async with open_door(database_dsn, signer=SoftwareSigner(KeyAlgorithm.ES256), clock=clock) as door:
        await door.oid4vci.keys.active("default", "es256", frozenset({KeyAlgorithm.ES256}), START)
        keys = KeyCopy(door.database, SoftwareDirectory(door.signer), clock)
        lists = StatusLists(door.database, door.signer, keys, clock, TokenStatusWriter(), TokenStatusCwtWriter())
        async with door.database.begin_system("test") as work:
            [place] = await work.status.reserve(
                "default", StatusKind.TOKEN, StatusPurpose.REVOCATION, 1, PUBLIC_URL, 131072, START
            )
            await work.connection.execute(
                "insert into status_entry (list_id, idx, credential_id, place) values ($1, $2, $3, 0)",
                place.list_id,
                place.index,
                new_id(START),
            )
        yield Served(door, lists, clock, place)


async def test_both_forms_say_the_same_and_are_kept(served: Served) -> None:
    for value in (0, 1, 2):
        await served.set(value)
        await served.later(seconds=2)
        forms = [await served.get(form) for form in (JWT, CWT)]
        assert [form.media_type for form in forms] == [JWT, CWT]
        assert [served.read(form).status(served.place.index) for form in forms] == [value, value]
        assert len({form.etag for form in forms}) == 2
        await served.later(seconds=2)
        assert [await served.get(form) for form in (JWT, CWT)] == forms, "signed once for each change"


async def test_another_chain_or_half_of_the_time_makes_a_new_one(served: Served) -> None:
    first = await served.get()
    key_id = next(iter(served.door.signer.keys))
    async with served.door.database.begin_system("test") as work:
        chain = [served.door.signer.certificate(key_id)]
        await work.certificates.put("default", key_id, chain, START + timedelta(days=365))
    await served.later(seconds=2)
    second = await served.get()
    assert second.etag != first.etag
    await served.later(hours=12, seconds=2)
    third = await served.get()
    assert third.etag != second.etag
    ends = [served.read(form).expires for form in (second, third)]
    assert all(ends)
    assert ends[0] != ends[1]


async def test_without_the_signer_what_is_still_true_is_served(served: Served) -> None:
    first = await served.get()
    served.door.signer.down = True
    await served.later(hours=13)
    assert await served.get() == first, "not renewed, and good until its end"
    with pytest.raises(Unavailable):
        await served.get(CWT)
    await served.set(1)
    await served.later(seconds=2)
    with pytest.raises(Unavailable):
        await served.get()
    served.door.signer.down = False
    assert served.read(await served.get()).status(served.place.index) == 1
    served.door.signer.down = True
    await served.later(hours=25)
    with pytest.raises(Unavailable):
        await served.get()


async def test_a_list_nobody_has(served: Served) -> None:
    with pytest.raises(NotFound):
        await served.lists.get(new_id(START), lambda offered: offered[0])
