"""Steps of several calls that commit together.

What a step of a call waits for is the commit, and the one row of the audit log that all commits queue behind. So the
steps that arrive while a commit is under way share the next one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from sealwright_common.domain.errors import Unavailable

Item = TypeVar("Item")
Result = TypeVar("Result")

Commit = Callable[[Sequence[Item]], Awaitable[Sequence[Result | Exception]]]
"""Commits a batch; a result or a refusal for each item, in order."""

Step = Callable[[Item], Awaitable[Result]]
"""Commits one item, perhaps together with others; raises its refusal."""


class Gather(Protocol):
    """Makes a step out of a commit called ``name``."""

    def __call__(self, name: str, commit: Commit[Item, Result], /) -> Step[Item, Result]:
        """The step."""
        ...


def alone(name: str, commit: Commit[Item, Result], /) -> Step[Item, Result]:
    """The :class:`Gather` that gathers nothing: each item is a batch of one."""

    async def step(item: Item) -> Result:
        (result,) = await commit([item])
        if isinstance(result, Exception):
            raise result
        return result

    return step


def each_by_itself(commit: Commit[Item, Result]) -> Commit[Item, Result]:
    """``commit``, but one item's surprise does not stop the others: the batch is done again one by one."""

    async def guarded(items: Sequence[Item]) -> Sequence[Result | Exception]:
        try:
            return await commit(items)
        except Unavailable:
            raise
        except Exception as surprise:  # noqa: BLE001 - given to the one whose it is
            # Nothing of the batch was committed. Whose fault it is shows when each is alone; that one gets it.
            if len(items) == 1:
                return [surprise]
            return [result for item in items for result in await guarded([item])]

    return guarded
