"""What workers count: how attempts ended, how long jobs and schedules waited, what was taken over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from conjunct.queue import Dead, Done, Job, LeaseLost, NewJob, Outcome, Retry, Schedule, Yield, schedules
from tests.support.counting import Value, counting


@pytest.fixture
def value() -> Iterator[Value]:
    with counting() as value:
        yield value


async def test_attempts_are_counted_by_their_kind_and_how_they_ended(queue, value: Value) -> None:
    later = timedelta(hours=1)
    ends: dict[str, Outcome | Exception] = {
        "done": Done(),
        "retried": Retry(later, "it failed"),
        "waits": Retry(later, "the provider is busy", counted=False),
        "yielded": Yield(),
        "dead": Dead("never"),
        "raises": ValueError("oops"),
        "lost": LeaseLost(),
    }
    seen: list[str] = []

    async def handle(job: Job) -> Outcome:
        end = Done() if job.ref_id in seen else ends[job.ref_id]
        seen.append(job.ref_id)
        if isinstance(end, Exception):
            raise end
        return end

    async with queue.worker({"work": handle}, slots=7):
        await queue.enqueue(*(NewJob("t", "work", name) for name in ends))
        await queue.until(
            "count(*) = 4 from job where ref_id in ('retried', 'waits', 'raises', 'dead') and worker is null"
        )
        await queue.until("not exists (select from job where ref_id in ('done', 'yielded'))")
        assert value("worker_slots") == 7
    counted = {name: value("job_attempts_total", kind="work", outcome=name) for name in [*ends, "other"]}
    assert counted == {
        "done": 2,  # what had made room was done then
        "retried": 2,  # what raised is
        "waits": 1,
        "yielded": 1,
        "dead": 1,
        "raises": 0,
        "lost": counted["lost"],
        "other": 0,
    }
    assert counted["lost"] >= 1  # it is claimed again and again, as long as its lease lasts
    assert value("job_seconds_count", kind="work") == sum(counted.values())


async def test_a_job_tells_how_long_it_had_been_due(queue, value: Value) -> None:
    await queue.enqueue(NewJob("t", "work", "a"), NewJob("t", "work", "b"))
    await queue.execute("update job set run_at = now() - interval '100 s' where ref_id = 'a'")
    await queue.claim()
    assert value("job_wait_seconds_count", kind="work") == 2
    assert value("job_wait_seconds_bucket", kind="work", le="60.0") == 1
    assert 100 <= value("job_wait_seconds_sum", kind="work") < 130


async def test_a_schedule_tells_how_late_it_was_fired(queue, value: Value) -> None:
    await queue.run(
        lambda session: queue.engine.put_schedule(session, Schedule("t", "k", "t/l", "work", "a", "* * * * *"))
    )
    await queue.execute("update schedule set next_at = now() - interval '7 minutes'")
    assert await queue.run(schedules.fire) == 1
    assert value("schedule_late_seconds_count") == 1
    assert 420 <= value("schedule_late_seconds_sum") < 450


async def test_what_is_taken_from_a_silent_worker_is_counted(queue, value: Value) -> None:
    await queue.enqueue(NewJob("t", "work", "a"))
    await queue.claim(lease=timedelta(seconds=-1))

    async def handle(_job: Job) -> Outcome:
        return Done()

    async with queue.worker({"work": handle}):
        await queue.until("not exists (select from job)")
    assert value("jobs_taken_over_total", kind="work") == 1
