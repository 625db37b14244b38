"""How runs end, wait or try again, and what that means for their object, connection and installation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.actions.read.failures import BeginAnew, Decision, GiveUp, TryAgain, Wait, decide
from conjunct.actions.read.notices import ReadNotices
from conjunct.actions.read.repository import ReadRepository
from conjunct.actions.read.runs import Progress, Run
from conjunct.actions.read.schedules import schedule_key
from conjunct.connections import ConnectionService, ConnectionState
from conjunct.connectors import ProviderError
from conjunct.connectors.errors import HeldBack
from conjunct.core.database import Database
from conjunct.installations import InstallationService
from conjunct.kit.clock import Clock
from conjunct.operations import LogLine, OperationService
from conjunct.queue import Done, Engine, Job, Outcome, Retry

HOPELESS_LIMIT = 3
"""After so many failures in a row that retrying cannot mend, an object's schedule is paused."""

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

        The installation must be kept.
        """
        repository = ReadRepository(session)
        await repository.change_run(run.project_id, run.operation_id, active=False)
        if run.new_watermark is not None:
            await repository.advance_watermark(run.project_id, run.installation_id, run.object_name, run.new_watermark)
        await self._operations.finish(
            session, run.project_id, run.operation_id, status="success", result=_summary(run, progress)
        )
        await self._installations.end_trouble(
            session, run.project_id, run.installation_id, [run.object_name], "read_failed"
        )
        await self._notices.succeeded(session, run)
        await self._engine.finish(session, job)
        log.info("read.succeeded", records=progress.records, pages=progress.page, read_type=run.read_type)

    async def after_failure(self, job: Job, run: Run, connection: ConnectionState, error: ProviderError) -> Outcome:
        """Decide what a failed attempt over that connection means, and record it."""
        decision = await self._decide(run, error)
        if decision is None:
            return Done()
        log.warning("read.failed", error=str(error), kind=error.kind.value, decision=type(decision).__name__)
        match decision:
            case Wait(delay):
                return await self._wait(job, run, connection, error, delay)
            case TryAgain(delay):
                return await self._try_again(job, run, error, delay)
            case BeginAnew():
                return await self._begin_anew(job, run, error)
            case GiveUp():
                return await self.give_up(job, run, str(error), error=error, decision=decision, over=connection)

    async def _decide(self, run: Run, error: ProviderError) -> Decision | None:
        """What to do; None when the run's installation was deleted meanwhile."""
        async with self._database.transaction() as session:
            row = await ReadRepository(session).run(run.project_id, run.operation_id)
        if row is None:
            return None
        return decide(error, tries=row.tries, restarts=row.restarts)  # pages handed over have set its tries back

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
                [LogLine("ERROR", _explanation(decision), error=reason, details=_details(error))],
            )
            await self._notices.failed(session, run, reason)
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
            changes |= {"paused": "failures", "pause_note": reason[:1000]}
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

        said = f"{why}; the read goes on in {round(delay.total_seconds())} s."
        return await self._go_on(job, run, error, delay, said, throttle)

    async def _try_again(self, job: Job, run: Run, error: ProviderError, delay: timedelta) -> Outcome:
        async def count(session: AsyncSession) -> None:
            repository = ReadRepository(session)
            row = await repository.run(run.project_id, run.operation_id)
            tries = (row.tries if row is not None else run.tries) + 1
            await repository.change_run(run.project_id, run.operation_id, tries=tries)
            await self._operations.report_retry(
                session, run.project_id, run.operation_id, attempts=tries, at=self._clock.now()
            )

        said = f"The provider failed; the page is asked for again in {round(delay.total_seconds())} s."
        return await self._go_on(job, run, error, delay, said, count)

    async def _begin_anew(self, job: Job, run: Run, error: ProviderError) -> Outcome:
        async def forget(session: AsyncSession) -> None:
            await ReadRepository(session).change_run(
                run.project_id, run.operation_id, next_page=None, restarts=run.restarts + 1
            )

        said = "The provider no longer knows the page that comes next; the read begins anew from its first page."
        return await self._go_on(job, run, error, timedelta(seconds=1), said, forget)

    async def _go_on(
        self,
        job: Job,
        run: Run,
        error: ProviderError,
        delay: timedelta,
        said: str,
        note: Callable[[AsyncSession], Awaitable[None]],
    ) -> Outcome:
        """Have the run go on in `delay`: with what `note` records, and what is said of it in the operation's log."""
        async with self._database.transaction() as session:
            if not await self._installations.keep(session, run.project_id, run.installation_id):
                return Done()  # it was deleted since, and the run with it
            await self._engine.fence(session, job)
            await note(session)
            line = LogLine("WARNING", said, error=error.message, details=_details(error))
            await self._operations.log(session, run.project_id, run.operation_id, [line])
        return Retry(delay, str(error), counted=False)


def _summary(run: Run, progress: Progress) -> str:
    if progress.records == 0:
        return f"[{run.object_name}] No new data found"
    left_out = f", {progress.failed} left out" if progress.failed else ""
    return f"[{run.object_name}] {progress.records} records read{left_out}"


def _explanation(decision: GiveUp) -> str:
    if decision.bad_credentials:
        return "The provider does not accept the connection's credentials. Its reads rest until they are changed."
    if decision.hopeless:
        return "The read failed for a reason that trying again cannot mend."
    return "The read failed. What it would have brought is read by the next one."


def _details(error: ProviderError | None) -> dict[str, str]:
    if error is None:
        return {}
    known = {"kind": error.kind.value, "origin": error.origin, "status": error.status, "code": error.code}
    return {name: str(value) for name, value in known.items() if value is not None}
