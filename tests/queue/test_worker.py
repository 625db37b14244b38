"""A worker as a whole: it hears of work, runs it, retries, drains, and outlives its database's restarts."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from conjunct.queue import Dead, Done, LeaseLost, NewJob, Retry, Schedule

EMPTY = "not exists (select from job)"


class Recorder:
    """A handler that notes what it ran and returns `outcome`."""

    def __init__(self, outcome=None):
        self.outcome = outcome or Done()
        self.ran: list[str] = []
        self.news = asyncio.Condition()

    async def __call__(self, job):
        async with self.news:
            self.ran.append(job.ref_id)
            self.news.notify_all()
        return self.outcome

    async def has_run(self, times: int) -> None:
        async with asyncio.timeout(30), self.news:
            await self.news.wait_for(lambda: len(self.ran) >= times)


async def forever(_job):
    await asyncio.Event().wait()
    return Done()


async def test_jobs_are_run_by_the_handlers_of_their_kinds(queue):
    read, write = Recorder(), Recorder()

    async with queue.worker({"read": read, "write": write}):
        await queue.enqueue(NewJob("p", "read", "r"), NewJob("p", "write", "w"))
        await queue.until(EMPTY)

    assert (read.ran, write.ran) == (["r"], ["w"])


async def test_a_commit_wakes_the_worker_long_before_it_polls(queue):
    handler = Recorder()

    async with queue.worker({"k": handler}, poll=timedelta(hours=1)):
        await queue.until("exists (select from worker)")
        for n in range(3):
            await queue.enqueue(NewJob("p", "k", f"{n}"))
            await handler.has_run(n + 1)

    assert handler.ran == ["0", "1", "2"]


async def test_a_job_due_soon_runs_when_due_without_a_poll(queue):
    handler = Recorder()

    async with queue.worker({"k": handler}, poll=timedelta(hours=1)):
        await queue.until("exists (select from worker)")
        await queue.enqueue(NewJob("p", "k", "soon", run_at=datetime.now(UTC) + timedelta(seconds=0.3)))
        await handler.has_run(1)

    assert await queue.states() == {}


async def test_jobs_of_a_lane_run_one_at_a_time_in_order_whoever_runs_them(queue):
    running: Counter[str] = Counter()
    most: Counter[str] = Counter()
    order: dict[str, list[str]] = {}

    async def handler(job):
        running[job.lane] += 1
        most[job.lane] = max(most[job.lane], running[job.lane])
        await asyncio.sleep(0)
        order.setdefault(job.lane, []).append(job.ref_id)
        running[job.lane] -= 1
        return Done()

    refs = [f"{n:02}" for n in range(30)]
    async with queue.worker({"k": handler}), queue.worker({"k": handler}):
        for ref in refs:
            await queue.enqueue(*[NewJob("p", "k", ref, lane=f"p/{lane}") for lane in range(5)])
        await queue.until(EMPTY)

    assert set(most.values()) == {1}
    assert order == {f"p/{lane}": refs for lane in range(5)}


async def test_a_tenant_with_a_long_backlog_does_not_hold_up_another(queue):
    gate, other = asyncio.Event(), Recorder()

    async def slow(_job):
        await gate.wait()
        return Done()

    await queue.enqueue(*[NewJob("big", "slow", f"{n}") for n in range(5000)])
    async with queue.worker({"slow": slow, "quick": other}, slots=10, tenant_cap=5):
        await queue.until("(select count(*) from job where state = 'running') = 5")
        await queue.enqueue(NewJob("small", "quick", "mine"))
        await other.has_run(1)
        assert (await queue.execute("select count(*) from job where tenant = 'big'"))[0][0] == 5000
        async with queue.transaction() as session:
            await queue.engine.cancel(session, tenant="big")
        gate.set()


async def test_a_failing_job_is_retried_with_its_error_and_at_last_dies(queue):
    async def handler(job):
        raise ValueError(f"attempt {job.attempts} failed")

    await queue.enqueue(NewJob("p", "k", "a", max_attempts=2))
    async with queue.worker({"k": handler}):
        await queue.until("exists (select from job where state = 'delayed')")
        [row] = await queue.execute("select error, run_at > now() + interval '2 s' as waits from job")
        assert (row.error, row.waits) == ("ValueError: attempt 1 failed", True)
        await queue.execute("update job set run_at = now()")
        await queue.until("exists (select from job where state = 'dead')")

    assert (await queue.execute("select error from job"))[0].error == "ValueError: attempt 2 failed"


async def test_outcomes_are_what_the_handler_says(queue):
    handlers = {
        "later": Recorder(Retry(timedelta(hours=1), "come back")),
        "never": Recorder(Dead("hopeless")),
        "odd": Recorder("not an outcome"),
    }
    await queue.enqueue(*[NewJob("p", kind, kind) for kind in [*handlers, "unknown"]])

    async with queue.worker(handlers):
        await queue.until("not exists (select from job where state in ('ready', 'running'))")

    errors = {row.ref_id: row.error for row in await queue.execute("select ref_id, error from job")}
    assert await queue.states() == {"later": "delayed", "never": "dead", "odd": "dead", "unknown": "delayed"}
    assert errors == {
        "later": "come back",
        "never": "hopeless",
        "odd": "the handler of 'odd' returned 'not an outcome' instead of an outcome",
        "unknown": "no handler for jobs of kind 'unknown' in this worker",
    }


async def test_a_retry_at_once_runs_again_at_once(queue):
    attempts = []

    async def handler(job):
        attempts.append(job.attempts)
        return Retry(timedelta(), "again") if job.attempts < 3 else Done()

    async with queue.worker({"k": handler}):
        await queue.enqueue(NewJob("p", "k", "a"))
        await queue.until(EMPTY)

    assert attempts == [1, 2, 3]


async def test_a_handler_that_cancels_itself_has_failed(queue):
    async def handler(job):
        if job.attempts == 1:
            raise asyncio.CancelledError
        return Done()

    await queue.enqueue(NewJob("p", "k", "a"))
    async with queue.worker({"k": handler}):
        await queue.until("exists (select from job where state = 'delayed')")

    assert (await queue.execute("select error from job"))[0].error == "the handler cancelled itself"


async def test_a_handler_may_finish_its_job_in_its_own_transaction(queue):
    async def handler(job):
        async with queue.transaction() as session:
            await queue.engine.fence(session, job)
            if job.ref_id == "first":
                await queue.engine.enqueue(session, [NewJob("p", "k", "second", lane="p/x")])
            await queue.engine.finish(session, job)
        seen.append(job.ref_id)
        return Done()

    seen: list[str] = []
    async with queue.worker({"k": handler}):
        await queue.enqueue(NewJob("p", "k", "first", lane="p/x"))
        await queue.until(EMPTY)

    assert seen == ["first", "second"]


async def test_a_lane_goes_on_once_a_transaction_that_enqueued_on_it_has_ended(queue):
    gate, second = asyncio.Event(), Recorder()

    async def first(_job):
        await gate.wait()
        return Done()

    hour = timedelta(hours=1)
    await queue.enqueue(NewJob("p", "first", "1", lane="p/x"))
    async with queue.worker({"first": first, "second": second}, poll=hour, heartbeat=hour, lease=hour):
        await queue.until("exists (select from job where state = 'running')")
        async with queue.transaction() as session:
            await queue.engine.enqueue(session, [NewJob("p", "second", "2", lane="p/x")])
            gate.set()
            await queue.until(EMPTY)
        await second.has_run(1)


async def test_schedules_fire_while_a_worker_lives(queue):
    handler = Recorder()

    async with queue.worker({"k": handler}):
        async with queue.transaction() as session:
            await queue.engine.put_schedule(session, Schedule("p", "s", "p/s", "k", "ref", "0 0 1 1 *"))
            await session.connection()
        for times in (1, 2):
            await queue.execute("update schedule set next_at = now()")
            await handler.has_run(times)
            await queue.until(EMPTY)

    assert handler.ran == ["ref", "ref"]


async def test_leases_are_kept_as_long_as_the_handler_runs(queue):
    gate = asyncio.Event()
    started = []

    async def handler(job):
        started.append(job.attempts)
        await gate.wait()
        return Done()

    await queue.enqueue(NewJob("p", "k", "a"))
    async with queue.worker({"k": handler}), queue.worker({"k": handler}):
        await queue.until("exists (select from job where lease_until > now())")
        [first] = await queue.execute("select lease_until from job")
        await queue.until("now() > :moment", moment=first.lease_until + timedelta(seconds=0.5))
        gate.set()
        await queue.until(EMPTY)

    assert started == [1]


async def test_a_handler_whose_job_was_taken_over_is_cancelled_and_its_slot_is_free(queue):
    cancelled = asyncio.Event()

    async def handler(job):
        try:
            return await forever(job)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    after = Recorder()
    await queue.enqueue(NewJob("p", "k", "a"))
    async with queue.worker({"k": handler, "after": after}, slots=1, poll=timedelta(hours=1)):
        await queue.until("exists (select from job where state = 'running')")
        await queue.enqueue(NewJob("p", "after", "b"))
        await queue.execute("update job set worker = 'another', attempts = 2, lease_until = now() + interval '1 h'")
        async with asyncio.timeout(30):
            await cancelled.wait()
        await after.has_run(1)

    assert await queue.states() == {"a": "running"}


async def test_a_fenced_zombie_ends_quietly(queue):
    lost = asyncio.Event()

    async def handler(job):
        await queue.execute("update job set worker = 'another', lease_until = now() + interval '1 h'")
        try:
            async with queue.transaction() as session:
                await queue.engine.fence(session, job)
        except LeaseLost:
            lost.set()
            raise
        return Done()

    async with queue.worker({"k": handler}):
        await queue.enqueue(NewJob("p", "k", "a"))
        async with asyncio.timeout(30):
            await lost.wait()

    assert await queue.states() == {"a": "running"}


class TestStopping:
    async def test_running_jobs_are_finished_and_no_new_one_is_begun(self, queue):
        started, gate = asyncio.Event(), asyncio.Event()

        async def handler(_job):
            started.set()
            await gate.wait()
            return Done()

        async with queue.worker({"k": handler}, slots=1) as stop:
            await queue.enqueue(NewJob("p", "k", "begun"), NewJob("p", "k", "not begun"))
            await started.wait()
            stop.set()
            gate.set()

        assert await queue.states() == {"not begun": "ready"}
        assert await queue.execute("select id from worker") == []

    async def test_what_is_not_finished_in_time_is_given_back_uncounted(self, queue):
        await queue.enqueue(NewJob("p", "k", "a", lane="p/x"), NewJob("p", "k", "b", lane="p/x"))

        async with queue.worker({"k": forever}, drain=timedelta(0)) as stop:
            await queue.until("exists (select from job where state = 'running')")
            stop.set()

        assert await queue.states() == {"a": "ready", "b": "waiting"}
        [again] = await queue.claim()
        assert (again.ref_id, again.attempts) == ("a", 1)

    async def test_another_worker_takes_over_at_once(self, queue):
        handler = Recorder()
        await queue.enqueue(NewJob("p", "k", "a"))

        async with queue.worker({"k": forever}, drain=timedelta(0)) as stop:
            await queue.until("exists (select from job where state = 'running')")
            async with queue.worker({"k": handler}, poll=timedelta(hours=1)):
                stop.set()
                await handler.has_run(1)

    async def test_cancelling_the_worker_gives_its_jobs_back_too(self, queue):
        await queue.enqueue(NewJob("p", "k", "a"))
        task = asyncio.create_task(queue.engine.run_worker({"k": forever}, asyncio.Event()))
        await queue.until("exists (select from job where state = 'running')")

        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert await queue.states() == {"a": "ready"}


class TestDatabaseTrouble:
    CUT = (
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() "
        "and application_name in ('conjunct-worker', 'conjunct-listener')"
    )

    async def test_work_goes_on_after_all_connections_were_cut_again_and_again(self, queue):
        ran: Counter[str] = Counter()

        async def handler(job):
            ran[job.ref_id] += 1
            return Done()

        async with queue.worker({"k": handler}):
            for round_ in range(5):
                await queue.enqueue(*[NewJob("p", "k", f"{round_}/{n}", lane=f"p/{n % 3}") for n in range(20)])
                await queue.execute(self.CUT)
            await queue.until(EMPTY)

        assert len(ran) == 100

    async def test_notifications_are_heard_again(self, queue):
        handler = Recorder()
        listening = (
            "exists (select from pg_stat_activity where datname = current_database() "
            "and application_name = 'conjunct-listener' and query ilike 'listen%' and state = 'idle')"
        )

        async with queue.worker({"k": handler}, poll=timedelta(hours=1)):
            await queue.until(listening)
            await queue.execute(self.CUT)
            await queue.until(listening)
            await queue.enqueue(NewJob("p", "k", "a"))
            await handler.has_run(1)

    async def test_an_outcome_decided_while_the_database_was_away_is_not_lost(self, queue):
        ran = []

        async def handler(job):
            ran.append(job.attempts)
            await queue.execute(self.CUT)
            return Done()

        async with queue.worker({"k": handler}, lease=timedelta(minutes=1)):
            await queue.enqueue(NewJob("p", "k", "a", lane="p/x"), NewJob("p", "k", "b", lane="p/x"))
            await queue.until(EMPTY)

        assert ran == [1, 1]

    async def test_a_handler_that_finds_it_away_goes_on_soon_however_often_its_job_was_interrupted(self, queue):
        async def handler(job):
            async with queue.transaction() as session:
                await session.execute(text("select pg_terminate_backend(pg_backend_pid())"))
            return Done()

        await queue.enqueue(NewJob("p", "k", "a", max_attempts=12))
        await queue.execute("update job set attempts = 11")  # killed workers, waits for others
        async with queue.worker({"k": handler}, lease=timedelta(minutes=1)):
            await queue.until("exists (select from job where state = 'delayed')")

        [row] = await queue.execute("select run_at < now() + interval '7 s' as soon, attempts, max_attempts from job")
        assert row == (True, 12, 13)

    async def test_a_time_limit_of_a_handler_is_a_failure_of_its_own(self, queue):
        async def handler(_job):
            raise TimeoutError

        await queue.enqueue(NewJob("p", "k", "a", max_attempts=1))
        async with queue.worker({"k": handler}):
            await queue.until("exists (select from job where state = 'dead')")
