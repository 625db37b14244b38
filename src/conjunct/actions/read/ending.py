"""How runs end, wait or try again, and what that means for their object, connection and installation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from typing import Literal

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.actions.read import metrics, telling
from conjunct.actions.read.failures import (
    LONGEST_STAND,
    MAX_RESTARTS,
    MAX_TRIES,
    BeginAnew,
    GiveUp,
    TryAgain,
    Wait,
    backoff,
    decide,
)
from conjunct.actions.read.notices import ReadNotices
from conjunct.actions.read.reading import Blocked
from conjunct.actions.read.repository import ReadRepository
from conjunct.actions.read.runs import Progress, Run
from conjunct.actions.read.schedules import schedule_key
from conjunct.connections import ConnectionService, ConnectionState
from conjunct.connectors import ProviderError, Traffic
from conjunct.connectors.errors import HeldBack
from conjunct.core.database import Database
from conjunct.core.problems import Problem
from conjunct.installations import InstallationService
from conjunct.kit.clock import Clock
from conjunct.operations import LogLine, OperationService
from conjunct.queue import Done, Engine, Job, Outcome, Retry

HOPELESS_LIMIT = 3
"""After so many failures in a row that retrying cannot mend, an object's schedule is paused."""

FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(minutes=10)
"""Between two looks at whether messages can be handed over again; each is twice as long as the one before."""

_STOOD = f"It has got no further for {LONGEST_STAND.days} days."

log = structlog.get_logger(__name__)


class Ender:
    """Records what became of an attempt at a run."""

    def __init__(
        self,
        *,
        database: Database,
        engine: Engine,
        installations: InstallationService,
        connections: ConnectionService,
        operations: OperationService,
        notices: ReadNotices,
        clock: Clock,
    ) -> None:
        self._database = database
        self._engine = engine
        self._installations = installations
        self._connections = connections
        self._operations = operations
        self._notices = notices
        self._clock = clock

    async def succeed(self, session: AsyncSession, job: Job, run: Run, progress: Progress) -> None:
        """End a run well: watermark, operation, health and the job itself in the caller's transaction.

        The installation must be kept, and the last checkpoint made.
        """
        if progress.new_watermark is not None:
            await ReadRepository(session).advance_watermark(
                run.project_id, run.installation_id, run.object_name, progress.new_watermark
            )
        await self._operations.report_progress(
            session,
            run.project_id,
            run.operation_id,
            processed=progress.records,
            estimated=progress.estimated,
            succeeded=_summary(run, progress),
        )
        await self._installations.end_trouble(
            session, run.project_id, run.installation_id, [run.object_name], "read_failed"
        )
        await self._notices.succeeded(session, run)
        await self._engine.finish(session, job)
        seconds = (self._clock.now() - run.started).total_seconds()
        if line := telling.ending(run, progress, seconds):
            await self._operations.log(session, run.project_id, run.operation_id, [line])
        log.info(
            "read.succeeded",
            records=progress.records,
            left_out=progress.failed,
            pages=progress.page,
            seconds=round(seconds, 1),
        )
        self._tell_end(run, "success")

    def _tell_end(self, run: Run, outcome: Literal["success", "failure"]) -> None:
        metrics.RUNS.add(run.read_type, outcome)
        metrics.RUN_SECONDS.observe((self._clock.now() - run.started).total_seconds(), run.read_type)

    async def after_failure(
        self, job: Job, run: Run, connection: ConnectionState, error: ProviderError, traffic: Traffic
    ) -> Outcome:
        """Decide what a failed attempt over that connection means, and record it with the requests that it made."""
        current = await self._current(run)
        if current is None:
            return Done()
        figures = current.progress.figures.with_requests(run.progress.figures, traffic)
        run = replace(current, progress=replace(current.progress, figures=figures))
        decision = decide(error, tries=run.tries, restarts=run.restarts, stood=self._clock.now() - run.moved_at)
        log.warning("read.failed", error=str(error), kind=error.kind.value, decision=type(decision).__name__)
        if not isinstance(decision, GiveUp):
            metrics.INTERRUPTIONS.add(run.read_type, "held_back" if isinstance(error, HeldBack) else error.kind.value)
        match decision:
            case Wait(delay):
                return await self._wait(job, run, connection, error, delay)
            case TryAgain(delay):
                return await self._try_again(job, run, error, delay)
            case BeginAnew():
                return await self._begin_anew(job, run, error)
            case GiveUp():
                return await self.give_up(job, run, str(error), error=error, decision=decision, over=connection)

    async def after_problem(self, job: Job, run: Run, problem: Problem) -> Outcome:
        """End a run that something of ours stands against; or have it tried again when that may pass."""
        current = await self._current(run)
        if current is None:
            return Done()
        passes = problem.retryable or problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        if not passes or current.tries + 1 >= MAX_TRIES:
            return await self.give_up(job, current, problem.detail)
        delay = backoff(current.tries)
        said = f"The read cannot go on now. {_tried(current)} It is tried again in {_seconds(delay)}."
        return await self._go_on(job, current, delay, LogLine("WARNING", said, error=problem.detail), retry=True)

    async def wait_for_way(self, job: Job, run: Run, blocked: Blocked) -> Outcome:
        """Have a run wait that nothing can be handed over from; it ends as failed when that lasts too long."""
        current = await self._current(run)
        if current is None:
            return Done()
        if not blocked.patient and self._has_stood_too_long(current):
            return await self.give_up(job, current, f"{blocked.reason} {_STOOD}")
        delay = min(FIRST_WAIT * 2 ** min(current.waits, 10), LONGEST_WAIT)
        said = f"The read waits. {blocked.reason}"
        return await self._go_on(job, current, delay, LogLine("WARNING", said), wait=True)

    async def wait_for_provider(self, job: Job, run: Run, delay: timedelta) -> Outcome:
        """Have a run wait that begins while the provider wants a pause, unless it has got nowhere for too long."""
        if self._has_stood_too_long(run):
            return await self.give_up(job, run, f"The provider asks us to slow down. {_STOOD}")
        return Retry(delay, "the provider asked us to slow down", counted=False)

    def _has_stood_too_long(self, run: Run) -> bool:
        return self._clock.now() - run.moved_at > LONGEST_STAND

    async def _current(self, run: Run) -> Run | None:
        """The run as it is now, which its commits have moved on; None when its installation was deleted meanwhile."""
        async with self._database.transaction() as session:
            row = await ReadRepository(session).run(run.project_id, run.operation_id)
        return None if row is None else Run.from_row(row)

    async def give_up(
        self,
        job: Job,
        run: Run,
        reason: str,
        *,
        error: ProviderError | None = None,
        decision: GiveUp | None = None,
        over: ConnectionState | None = None,
    ) -> Outcome:
        """Fail the run over that connection. The watermark stays, so that the next run reads the same window and more.

        Where the connection is marked for bad credentials, that alone stands against the installation, and its reads
        rest until there are others: scheduled jobs of it do nothing till then.
        """
        decision = decision or GiveUp(hopeless=False)
        async with self._database.transaction() as session:
            kept = await self._installations.keep(session, run.project_id, run.installation_id)
            await self._engine.finish(session, job)
            if not kept:
                return Done()
            repository = ReadRepository(session)
            if decision.bad_credentials and not await self._rests(session, over):
                # They were replaced meanwhile, or cannot be renewed for a fault that is not the customer's.
                decision = GiveUp(hopeless=False)
            await repository.change_run(run.project_id, run.operation_id, active=False)
            await self._operations.finish(
                session, run.project_id, run.operation_id, status="failure", result=f"[{run.object_name}] {reason}"
            )
            await self._operations.log(
                session,
                run.project_id,
                run.operation_id,
                [telling.giving_up(run, reason, decision, error)],
            )
            await self._notices.failed(session, run, reason)
            self._tell_end(run, "failure")
            log.warning("read.gave_up", reason=reason, hopeless=decision.hopeless)
            if not decision.bad_credentials:
                await self._note_trouble(session, run, reason, hopeless=decision.hopeless)
        return Done()

    async def _rests(self, session: AsyncSession, connection: ConnectionState | None) -> bool:
        if connection is None:
            return False
        found = await self._connections.find(session, connection.project_id, connection.id)
        return found is not None and found.status == "bad_credentials"

    async def _note_trouble(self, session: AsyncSession, run: Run, reason: str, *, hopeless: bool) -> None:
        if hopeless:
            await self._count_hopeless(session, run, reason)
        if run.read_type != "triggered":
            await self._installations.report_trouble(
                session, run.project_id, run.installation_id, run.object_name, "read_failed", reason
            )

    async def _count_hopeless(self, session: AsyncSession, run: Run, reason: str) -> None:
        repository = ReadRepository(session)
        row = (await repository.objects(run.project_id, run.installation_id)).get(run.object_name)
        if row is None:
            return
        failures = row.hopeless_failures + 1
        changes: dict[str, object] = {"hopeless_failures": failures}
        if failures >= HOPELESS_LIMIT and row.paused is None:
            changes |= {"paused": "failures", "pause_note": reason[:1000], "paused_at": self._clock.now()}
            keys = [schedule_key(run.installation_id, run.object_name)]
            await self._engine.remove_schedules(session, run.project_id, keys)
            await self._installations.report_trouble(
                session, run.project_id, run.installation_id, run.object_name, "read_paused", reason
            )
            note = (
                f"Scheduled reads of {run.object_name} are paused after {failures} failures that trying again cannot "
                "mend. Change what the error names, then unpause them."
            )
            await self._operations.log(session, run.project_id, run.operation_id, [LogLine("ERROR", note)])
            await self._notices.paused_by_failures(session, run, reason)
            log.warning("read.paused", failures=failures)
        await repository.change_objects(run.project_id, run.installation_id, [run.object_name], **changes)

    async def _wait(
        self, job: Job, run: Run, connection: ConnectionState, error: ProviderError, delay: timedelta
    ) -> Outcome:
        # What we hold back ourselves counts against one limit only, and the pause of the connection is known then.
        held_back = isinstance(error, HeldBack)
        why = "The provider's limits allow no more for now" if held_back else "The provider asked us to slow down"

        async def throttle(session: AsyncSession) -> None:
            if not held_back:
                until = self._clock.now() + delay
                await self._connections.throttle(session, run.project_id, connection.id, until)

        again = f" It is the {_ordinal(run.waits + 1)} wait since the last page." if run.waits else ""
        line = _warning(f"{why}; the read goes on in {_seconds(delay)}.{again}", error)
        return await self._go_on(job, run, delay, line, throttle, wait=True)

    async def _try_again(self, job: Job, run: Run, error: ProviderError, delay: timedelta) -> Outcome:
        said = f"The provider failed. {_tried(run)} The page is asked for again in {_seconds(delay)}."
        return await self._go_on(job, run, delay, _warning(said, error), retry=True)

    async def _begin_anew(self, job: Job, run: Run, error: ProviderError) -> Outcome:
        async def forget(session: AsyncSession) -> None:
            await ReadRepository(session).change_run(
                run.project_id, run.operation_id, next_page=None, guard=None, restarts=run.restarts + 1
            )

        said = (
            "The provider no longer knows the page that comes next; the read begins anew from its first page, for the "
            f"{_ordinal(run.restarts + 1)} time of {MAX_RESTARTS} at most."
        )
        return await self._go_on(job, run, timedelta(seconds=1), _warning(said, error), forget)

    async def _go_on(
        self,
        job: Job,
        run: Run,
        delay: timedelta,
        line: LogLine,
        note: Callable[[AsyncSession], Awaitable[None]] | None = None,
        *,
        retry: bool = False,
        wait: bool = False,
    ) -> Outcome:
        """Have the run go on in `delay`: with what `note` records, and what is said of it in the operation's log."""
        figures = run.progress.figures
        figures = replace(figures, retries=figures.retries + retry, waits=figures.waits + wait)
        tries, waits = run.tries + retry, run.waits + wait
        async with self._database.transaction() as session:
            if not await self._installations.keep(session, run.project_id, run.installation_id):
                return Done()  # it was deleted since, and the run with it
            await self._engine.fence(session, job)
            if note is not None:
                await note(session)
            await ReadRepository(session).change_run(
                run.project_id, run.operation_id, tries=tries, waits=waits, lost=0, figures=figures.to_json()
            )
            if retry:
                await self._operations.report_retry(
                    session, run.project_id, run.operation_id, attempts=figures.retries, at=self._clock.now()
                )
            is_often = retry or wait  # that a read begins anew is always told
            if (not wait or telling.seldom(waits)) and (not is_often or telling.has_room(figures)):
                await self._operations.log(session, run.project_id, run.operation_id, [line])
        return Retry(delay, line.error or line.msg, counted=False)


def _summary(run: Run, progress: Progress) -> str:
    if progress.records == 0:
        return f"[{run.object_name}] No new data found"
    left_out = f", {progress.failed} left out" if progress.failed else ""
    return f"[{run.object_name}] {progress.records} records read{left_out}"


def _warning(said: str, error: ProviderError) -> LogLine:
    return LogLine("WARNING", said, error=error.message, details=telling.details_of(error))


def _tried(run: Run) -> str:
    return f"It is the {_ordinal(run.tries + 1)} failure since the last page, and {MAX_TRIES} end the read."


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number % 100 not in (11, 12, 13) else 0, "th")
    return f"{number}{ending}"


def _seconds(delay: timedelta) -> str:
    return f"{round(delay.total_seconds())} s"
