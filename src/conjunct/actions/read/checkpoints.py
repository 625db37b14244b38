"""Checkpoints of a run, committed in the background and in order.

While a commit is under way the next pages are fetched and delivered; what was handed over meanwhile goes into the
next commit together, and commits follow one another by `SPACING` at least. So a fast provider does not wait for the
database, and a slow one has every page committed by itself. A crash repeats the pages whose commit had not ended,
under the same message ids: usually one, and at most `MAX_PENDING` besides those of the commit under way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from conjunct.actions.read.runs import Progress
from conjunct.delivery import Message, Result
from conjunct.operations import LogLine

MAX_PENDING = 8
"""Pages that wait for a commit at most."""

SPACING = 0.02
"""Seconds from the end of one commit to the beginning of the next; less when `MAX_PENDING` pages wait."""


@dataclass(frozen=True, slots=True)
class HandOver:
    """Pages handed over: how far the run has come, what came of their messages, what is to be logged.

    `held` are messages that are not to be delivered before they are asked for. With `last`, the run has come to its
    end.
    """

    progress: Progress
    results: Sequence[Result] = ()
    lines: Sequence[LogLine] = ()
    last: bool = False
    held: Sequence[Message] = ()

    def and_then(self, later: HandOver) -> HandOver:
        """This one and a later one, as one."""
        return HandOver(
            later.progress,
            [*self.results, *later.results],
            [*self.lines, *later.lines],
            later.last,
            [*self.held, *later.held],
        )


class Checkpoints:
    """Commits hand-overs by `commit`, one after another."""

    def __init__(self, commit: Callable[[HandOver], Awaitable[None]]) -> None:
        self._commit = commit
        self._pending: HandOver | None = None
        self._pages = 0
        self._draining = False
        self._urgent = asyncio.Event()
        self._taken = asyncio.Event()
        self._committing: asyncio.Task[None] | None = None

    async def add(self, handed_over: HandOver) -> None:
        """Have it committed soon. Waits while too much is pending; raises what an earlier commit has raised."""
        if self._pages >= MAX_PENDING:
            await self._taken.wait()
        if self._committing is not None and self._committing.done():
            self._committing.result()
        self._pending = handed_over if self._pending is None else self._pending.and_then(handed_over)
        self._pages += 1
        self._taken.clear()
        if handed_over.last or self._pages >= MAX_PENDING:
            self._urgent.set()
        if self._committing is None or self._committing.done():
            self._committing = asyncio.create_task(self._commit_pending())

    async def drain(self) -> None:
        """Wait until everything is committed; raises what a commit raises."""
        self._draining = True
        self._urgent.set()
        if self._committing is not None:
            await self._committing

    async def abandon(self) -> None:
        """End a commit that is under way, if there is one; what is not committed is repeated by the next attempt."""
        if self._committing is None:
            return
        self._committing.cancel()
        await asyncio.wait({self._committing})
        if not self._committing.cancelled():
            self._committing.exception()  # the attempt has ended by another error; this one would be told of as lost

    async def _commit_pending(self) -> None:
        try:
            while self._pending is not None:
                taken, self._pending, self._pages = self._pending, None, 0
                self._urgent.clear()
                self._taken.set()
                await self._commit(taken)
                if not self._draining:
                    await self._keep_distance()
        finally:
            self._taken.set()  # whoever waits for room shall see how it ended

    async def _keep_distance(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(SPACING):
                await self._urgent.wait()
