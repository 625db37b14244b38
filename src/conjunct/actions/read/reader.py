"""The read loop: fetch a page, hand its records over, move the checkpoint; the next page is fetched meanwhile.

No transaction is open while a provider or a destination is called. A checkpoint commits together with what of its
pages must still be delivered. Memory holds a few pages, whatever the size of the read.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import structlog

from conjunct.actions.read import metrics, telling
from conjunct.actions.read.checkpoints import Checkpoints, HandOver
from conjunct.actions.read.committing import Commit
from conjunct.actions.read.ending import Ender
from conjunct.actions.read.failures import Wait, decide
from conjunct.actions.read.guarding import check_amount
from conjunct.actions.read.messages import Large, pack
from conjunct.actions.read.reading import Reading
from conjunct.actions.read.runs import Place, Progress
from conjunct.actions.read.watermarks import WORTH_TELLING, no_later_than
from conjunct.connectors import Page, ProviderError
from conjunct.core.database import Database
from conjunct.delivery import Channel, DeliveryService, Message, Result
from conjunct.installations import InstallationService, named_fields
from conjunct.kit.clock import Clock
from conjunct.operations import OperationService
from conjunct.queue import Engine

log = structlog.get_logger(__name__)


class Reader:
    """Reads from a run's checkpoint to its end."""

    def __init__(
        self,
        *,
        database: Database,
        engine: Engine,
        installations: InstallationService,
        operations: OperationService,
        delivery: DeliveryService,
        ender: Ender,
        clock: Clock,
    ) -> None:
        self._database = database
        self._engine = engine
        self._installations = installations
        self._operations = operations
        self._delivery = delivery
        self._ender = ender
        self._clock = clock

    async def read(self, reading: Reading) -> bool:
        """Do the run; False when it has made room for others before its end.

        Raises:
            ProviderError: with everything committed that was handed over before.
            DestinationNotFound: what could not be delivered could not be kept for it either.
            Blocked: see there.
            RunGone: see there.
        """
        query = reading.query
        fields = await named_fields(reading.connector, query.object, query.fields)
        reading = replace(reading, query=replace(query, fields=fields))
        commit = Commit(
            self._database,
            self._engine,
            self._installations,
            self._operations,
            self._delivery,
            self._ender,
            self._clock,
            reading,
        )
        checkpoints = Checkpoints(commit)
        try:
            return await self._follow(reading, checkpoints)
        except ProviderError:
            await checkpoints.drain()
            raise
        finally:
            await checkpoints.abandon()

    async def _follow(self, reading: Reading, checkpoints: Checkpoints) -> bool:
        fetching = reading.fetch(reading.run.progress.place)
        channel, began = reading.channel, time.monotonic()
        try:
            progress = await _estimated(reading)
            while True:
                page = await fetching
                following = progress.place.following(page.next, then_deleted=reading.then_deleted)
                if following is not None:
                    fetching = reading.fetch(following)
                    await asyncio.sleep(0)  # the request goes out before this page's records are worked on
                if channel.is_stale(self._clock.now()):
                    channel = await self._reopen(reading)
                handed_over = await self._page(reading, channel, progress, page, following)
                progress = handed_over.progress
                _count(reading, page)
                await checkpoints.add(handed_over)
                if following is None or await self._engine.is_turn_over(reading.job, time.monotonic() - began):
                    await checkpoints.drain()
                    return following is None
        finally:
            fetching.cancel()
            await asyncio.gather(fetching, return_exceptions=True)

    async def _page(
        self, reading: Reading, channel: Channel, progress: Progress, page: Page, following: Place | None
    ) -> HandOver:
        """Hand a page over. Raises `CursorLoop` instead when the read gets nowhere with it."""
        began = time.perf_counter()
        messages = await self._messages(reading, channel, progress, page)
        guard = progress.guard.after(page, messages)
        after = progress.after_page(following, records=len(page.records), failed=len(page.failed))
        if not progress.place.deleted:  # the provider told of live records alone
            check_amount(after.records + after.failed, after.estimated, beginnings=reading.run.restarts + 1)
        mapped = time.perf_counter()
        results, held = await self._hand_over(reading, channel, messages)
        delivered = sum(result.delivered for result in results)
        figures = progress.figures.with_requests(reading.run.progress.figures, reading.connector.traffic)
        figures = figures.with_page(
            mapping=mapped - began,
            delivery=time.perf_counter() - mapped,
            delivered=delivered,
            kept=len(results) - delivered,
            held=len(held),
        )
        lines = telling.records_left_out(reading.run, progress, page)
        after = replace(after, guard=guard, figures=figures)
        if progress.place == Place() and after.new_watermark is not None:
            moment = no_later_than(reading.connector.traffic.asked, after.new_watermark)
            if (ahead := after.new_watermark - moment) >= WORTH_TELLING:
                lines.append(telling.clock_ahead(ahead))
            after = replace(after, new_watermark=moment)
        if telling.is_worth_telling(reading.run.read_type, after):
            lines.append(telling.on_the_way(reading.run, after))
            after = replace(after, figures=replace(figures, told=after.records))
        return HandOver(after, results, lines, last=following is None, held=held)

    async def _hand_over(
        self, reading: Reading, channel: Channel, messages: list[Message]
    ) -> tuple[list[Result], list[Message]]:
        """What became of the messages, and those that are to be held."""
        if reading.holds:
            return [], messages
        return await self._delivery.attempt(channel, messages), []

    async def _messages(self, reading: Reading, channel: Channel, progress: Progress, page: Page) -> list[Message]:
        messages = []
        entry = reading.plan.deleted_entry if progress.place.deleted else reading.plan.entry
        at_most = reading.read_object.page_size if reading.holds else None
        for packed in pack(reading.envelope, progress.page, map(entry, page.records), at_most=at_most):
            if isinstance(packed, Large):
                payload = await self._delivery.store_payload(channel, packed.message_id, packed.content)
                messages.append(reading.envelope.message_by_link(packed.message_id, payload))
            else:
                messages.append(packed)
        return messages

    async def _reopen(self, reading: Reading) -> Channel:
        async with self._database.transaction() as session:
            return await self._delivery.open_channel(session, reading.run.project_id, reading.read_object.destination)


async def _estimated(reading: Reading) -> Progress:
    """The run's progress, with how many records a long read will bring where the provider tells."""
    run, progress = reading.run, reading.run.progress
    if run.read_type == "scheduled" or progress.page > 0:
        return progress
    try:
        return replace(progress, estimated=await reading.connector.count(reading.query))
    except ProviderError as error:
        if isinstance(decide(error, tries=0, restarts=0), Wait):
            raise
        log.info("read.no_estimate", error=str(error))  # the read itself will tell what is wrong, if it is
        return progress


def _count(reading: Reading, page: Page) -> None:
    labels = reading.connector.definition.name, reading.run.read_type
    metrics.PAGES.add(*labels)
    metrics.RECORDS.add(*labels, by=len(page.records))
    if page.failed:
        metrics.RECORDS_LEFT_OUT.add(*labels, by=len(page.failed))
