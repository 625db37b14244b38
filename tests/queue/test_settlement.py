"""How attempts end: fenced, so that only the running attempt can end a job, and the lane goes on."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from conjunct.queue import Dead, Done, LeaseLost, NewJob, Retry, settlement, upkeep

SOON = timedelta(seconds=0)
HOUR = timedelta(hours=1)


async def taken_over(queue, job):
    """The same job, now run by another worker because the first one's lease ran out."""
    await queue.execute("update job set lease_until = now() - interval '1 s' where id = :id", id=job.id)
    await queue.run(upkeep.reap)
    [second] = await queue.claim(worker="other")
    assert second.id == job.id
    return second


async def test_a_finished_job_leaves_nothing_behind(queue):
    await queue.enqueue(NewJob("p", "k", "a"))
    [job] = await queue.claim()

    await queue.settle((job, Done()))

    assert await queue.states() == {}


async def test_the_lane_goes_on_one_at_a_time_oldest_first(queue):
    await queue.enqueue(*[NewJob("p", "k", f"{n}", lane="p/x") for n in range(4)])

    ran = []
    while jobs := await queue.claim():
        [job] = jobs
        ran.append(job.ref_id)
        await queue.settle((job, Done()))

    assert ran == ["0", "1", "2", "3"]


async def test_a_retry_is_delayed_and_keeps_its_lane_and_its_error(queue):
    await queue.enqueue(NewJob("p", "k", "a", lane="p/x"), NewJob("p", "k", "b", lane="p/x"))
    [job] = await queue.claim()

    await queue.settle((job, Retry(HOUR, "provider is down")))

    assert await queue.states() == {"a": "delayed", "b": "waiting"}
    [row] = await queue.execute("select error, worker, lease_until, run_at - now() as wait from job where ref_id = 'a'")
    assert (row.error, row.worker, row.lease_until) == ("provider is down", None, None)
    assert timedelta(minutes=59) < row.wait <= HOUR


async def test_a_retry_that_is_not_counted_leaves_as_many_attempts_as_before(queue):
    await queue.enqueue(NewJob("p", "k", "a", max_attempts=2))
    left = []
    for _ in range(4):
        [job] = await queue.claim()
        left.append(job.max_attempts - job.attempts)
        await queue.settle((job, Retry(SOON, "rate limited", counted=False)))
        await queue.run(upkeep.stage)

    assert left == [1, 1, 1, 1]


async def test_a_dead_job_is_kept_with_its_error_and_frees_its_lane(queue):
    await queue.enqueue(NewJob("p", "k", "a", lane="p/x"), NewJob("p", "k", "b", lane="p/x"))
    [job] = await queue.claim()

    await queue.settle((job, Dead("no such object")))

    assert await queue.states() == {"a": "dead", "b": "ready"}
    assert [tuple(row) for row in await queue.execute("select error from job where state = 'dead'")] == [
        ("no such object",)
    ]


@pytest.mark.parametrize(("attempts", "outcome"), [(2, Retry(HOUR, "x")), (3, Dead("x")), (4, Dead("x"))])
async def test_the_last_attempts_retry_is_the_end(queue, attempts, outcome):
    await queue.enqueue(NewJob("p", "k", "a", max_attempts=3))
    await queue.execute("update job set attempts = :before", before=attempts - 1)
    [job] = await queue.claim()

    assert settlement.decide(job, Retry(HOUR, "x")) == outcome


@pytest.mark.parametrize("outcome", [Done(), Retry(HOUR, "late"), Dead("late")], ids=["done", "retry", "dead"])
async def test_what_a_zombie_says_changes_nothing(queue, outcome):
    await queue.enqueue(NewJob("p", "k", "a", lane="p/x"), NewJob("p", "k", "b", lane="p/x"))
    [zombie] = await queue.claim(worker="zombie")
    second = await taken_over(queue, zombie)

    await queue.settle((zombie, outcome))

    assert await queue.states() == {"a": "running", "b": "waiting"}
    await queue.settle((second, Done()))
    assert await queue.states() == {"b": "ready"}


async def test_a_zombie_is_told_apart_even_in_the_same_worker(queue):
    await queue.enqueue(NewJob("p", "k", "a"))
    [zombie] = await queue.claim(worker="other")
    second = await taken_over(queue, zombie)
    assert zombie.worker == second.worker

    await queue.settle((zombie, Done()))

    assert await queue.states() == {"a": "running"}


async def test_an_attempt_given_back_is_told_apart_from_the_next_of_the_same_number(queue):
    await queue.enqueue(NewJob("p", "k", "a"))
    [first] = await queue.claim(worker="leaving")
    await queue.run(lambda session: settlement.release(session, "leaving"))
    [second] = await queue.claim(worker="next")
    assert first.attempts == second.attempts

    await queue.settle((first, Done()))
    with pytest.raises(LeaseLost):
        await queue.run(lambda session: queue.engine.fence(session, first))
    with pytest.raises(LeaseLost):
        await queue.run(lambda session: queue.engine.finish(session, first))

    assert await queue.states() == {"a": "running"}


async def test_settling_again_after_a_lost_answer_changes_nothing(queue):
    await queue.enqueue(NewJob("p", "k", "a", lane="p/x"), NewJob("p", "k", "b", lane="p/x"))
    [job] = await queue.claim()

    await queue.settle((job, Retry(SOON, "x")))
    await queue.settle((job, Retry(SOON, "x")))
    await queue.run(upkeep.stage)
    [again] = await queue.claim()
    await queue.settle((job, Done()))

    assert (await queue.states(), again.attempts) == ({"a": "running", "b": "waiting"}, 2)


@pytest.mark.parametrize(
    ("error", "stored"),
    [("a\x00b", "a\N{REPLACEMENT CHARACTER}b"), ("\ud800", "?"), ("x" * 5000, "x" * 2000)],
    ids=["NUL", "half a surrogate pair", "long"],
)
async def test_any_error_text_can_be_stored(queue, error, stored):
    await queue.enqueue(NewJob("p", "k", "a"))
    [job] = await queue.claim()

    await queue.settle((job, Dead(error)))

    assert (await queue.execute("select error from job"))[0].error == stored


async def test_a_delay_beyond_reason_is_bounded(queue):
    await queue.enqueue(NewJob("p", "k", "a"))
    [job] = await queue.claim()

    await queue.settle((job, Retry(timedelta.max, "x")))

    assert (await queue.execute("select run_at - now() <= interval '365 days' as ok from job"))[0].ok


class TestFence:
    async def test_a_running_attempt_passes(self, queue):
        await queue.enqueue(NewJob("p", "k", "a"))
        [job] = await queue.claim()

        await queue.run(lambda session: queue.engine.fence(session, job))

        assert await queue.states() == {"a": "running"}

    async def test_a_zombies_transaction_does_not_commit(self, queue):
        await queue.enqueue(NewJob("p", "k", "a"))
        [zombie] = await queue.claim(worker="zombie")
        await taken_over(queue, zombie)

        async def checkpoint(session):
            await queue.engine.enqueue(session, [NewJob("p", "k", "written by the zombie")])
            await queue.engine.fence(session, zombie)

        with pytest.raises(LeaseLost):
            await queue.run(checkpoint)
        assert await queue.states() == {"a": "running"}

    async def test_nobody_takes_the_job_over_between_fence_and_commit(self, queue):
        await queue.enqueue(NewJob("p", "k", "a"))
        [job] = await queue.claim(lease=timedelta())

        async with queue.transaction() as session:
            await queue.engine.fence(session, job)
            assert await queue.run(upkeep.reap) == []

        assert [row["ref_id"] for row in await queue.run(upkeep.reap)] == ["a"]


class TestFinish:
    async def test_the_job_ends_with_the_handlers_transaction(self, queue):
        await queue.enqueue(NewJob("p", "k", "a", lane="p/x"), NewJob("p", "k", "b", lane="p/x"))
        [job] = await queue.claim()

        async with queue.transaction() as session:
            await queue.engine.finish(session, job)
            assert await queue.states() == {"a": "running", "b": "waiting"}

        assert await queue.states() == {"b": "ready"}

    async def test_the_later_acknowledgement_does_nothing_more(self, queue):
        await queue.enqueue(*[NewJob("p", "k", ref, lane="p/x") for ref in "abc"])
        [job] = await queue.claim()
        await queue.run(lambda session: queue.engine.finish(session, job))

        await queue.settle((job, Done()))

        assert await queue.states() == {"b": "ready", "c": "waiting"}

    async def test_a_rolled_back_finish_leaves_the_job_running(self, queue):
        await queue.enqueue(NewJob("p", "k", "a"))
        [job] = await queue.claim()

        async with queue.transaction() as session:
            await queue.engine.finish(session, job)
            await session.rollback()

        assert await queue.states() == {"a": "running"}

    async def test_a_zombie_cannot_finish(self, queue):
        await queue.enqueue(NewJob("p", "k", "a"))
        [zombie] = await queue.claim(worker="zombie")
        await taken_over(queue, zombie)

        with pytest.raises(LeaseLost):
            await queue.run(lambda session: queue.engine.finish(session, zombie))
        assert await queue.states() == {"a": "running"}

    async def test_of_two_that_finish_at_once_one_does(self, queue):
        await queue.enqueue(NewJob("p", "k", "a"))
        [job] = await queue.claim()

        ends = await asyncio.gather(
            *[queue.run(lambda session: queue.engine.finish(session, job)) for _ in range(5)], return_exceptions=True
        )

        assert [type(end) for end in ends if end is not None] == [LeaseLost] * 4

    async def test_what_it_enqueues_on_its_own_lane_follows(self, queue):
        await queue.enqueue(NewJob("p", "k", "page 1", lane="p/x"))
        [job] = await queue.claim()

        async with queue.transaction() as session:
            await queue.engine.finish(session, job)
            await queue.engine.enqueue(session, [NewJob("p", "k", "page 2", lane="p/x")])

        assert await queue.states() == {"page 2": "ready"}


async def test_released_jobs_are_ready_as_if_never_claimed(queue):
    await queue.enqueue(NewJob("p", "k", "a", lane="p/x"), NewJob("p", "k", "b"), NewJob("p", "k", "another's"))
    await queue.claim(2, worker="leaving")
    await queue.claim(worker="staying")

    assert await queue.run(lambda session: settlement.release(session, "leaving")) == 2

    assert await queue.states() == {"a": "ready", "b": "ready", "another's": "running"}
    assert {job.attempts for job in await queue.claim()} == {1}
