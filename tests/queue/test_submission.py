"""Jobs go in with the transaction that wrote their data, and come out again before they run."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from conjunct.queue import NewJob, lanes

LATER = datetime.now(UTC) + timedelta(hours=1)


async def test_jobs_are_ready_in_the_order_given(queue):
    assert await queue.enqueue(*[NewJob("p", "read.run", f"r{n}") for n in range(5)]) == 5

    jobs = await queue.claim()

    assert [(job.tenant, job.kind, job.ref_id) for job in jobs] == [("p", "read.run", f"r{n}") for n in range(5)]
    assert {(job.attempts, job.max_attempts, job.worker, job.lane) for job in jobs} == {(1, 10, "w", None)}


async def test_a_job_is_rolled_back_with_its_transaction(queue):
    class Refused(Exception): ...

    async def write_and_fail() -> None:
        async with queue.transaction() as session:
            await queue.engine.enqueue(session, [NewJob("p", "k", "r")])
            raise Refused

    with pytest.raises(Refused):
        await write_and_fail()

    assert await queue.states() == {}


async def test_enqueueing_nothing_does_nothing(queue):
    assert await queue.enqueue() == 0


async def test_a_job_for_later_is_delayed(queue):
    await queue.enqueue(
        NewJob("p", "k", "later", run_at=LATER), NewJob("p", "k", "past", run_at=datetime(2020, 1, 1, tzinfo=UTC))
    )

    assert await queue.states() == {"later": "delayed", "past": "ready"}


async def test_jobs_of_one_lane_wait_behind_its_first(queue):
    await queue.enqueue(
        NewJob("p", "k", "a", lane="p/x"), NewJob("p", "k", "b", lane="p/x"), NewJob("p", "k", "c", lane="p/y")
    )
    await queue.enqueue(NewJob("p", "k", "d", lane="p/x"), NewJob("p", "k", "e"))

    assert await queue.states() == {"a": "ready", "b": "waiting", "c": "ready", "d": "waiting", "e": "ready"}


async def test_a_delayed_job_holds_its_lane(queue):
    await queue.enqueue(NewJob("p", "k", "a", lane="p/x", run_at=LATER))
    await queue.enqueue(NewJob("p", "k", "b", lane="p/x"))

    assert await queue.states() == {"a": "delayed", "b": "waiting"}


@pytest.mark.parametrize("front", ["ready", "running", "delayed", "waiting"])
async def test_a_unique_job_is_skipped_while_its_lane_has_any_other(queue, front):
    await queue.enqueue(NewJob("p", "k", "a", lane="p/x"))
    await queue.execute("update job set state = :state", state=front)

    assert await queue.enqueue(NewJob("p", "k", "b", lane="p/x", unique=True)) == 0
    assert await queue.states() == {"a": front}


async def test_a_unique_job_enters_an_empty_lane_whatever_died_there(queue):
    await queue.enqueue(NewJob("p", "k", "a", lane="p/x"))
    await queue.execute("update job set state = 'dead'")

    assert await queue.enqueue(NewJob("p", "k", "b", lane="p/x", unique=True)) == 1
    assert await queue.states() == {"a": "dead", "b": "ready"}


async def test_of_unique_jobs_enqueued_together_the_first_of_a_lane_remains(queue):
    jobs = [NewJob("p", "k", f"{lane}{n}", lane=f"p/{lane}", unique=True) for n in range(3) for lane in "xy"]

    assert await queue.enqueue(*jobs) == 2
    assert await queue.states() == {"x0": "ready", "y0": "ready"}


async def test_of_unique_jobs_enqueued_at_once_by_many_one_remains(queue):
    added = await asyncio.gather(
        *[queue.enqueue(NewJob("p", "k", f"r{n}", lane="p/x", unique=True)) for n in range(20)]
    )

    assert sum(added) == 1
    assert list((await queue.states()).values()) == ["ready"]


async def test_of_jobs_enqueued_at_once_by_many_one_is_first_and_none_is_lost(queue):
    await asyncio.gather(*[queue.enqueue(NewJob("p", "k", f"r{n}", lane="p/x")) for n in range(20)])

    assert sorted((await queue.states()).values()) == ["ready"] + ["waiting"] * 19


async def test_a_transaction_notifies_once_when_it_commits(queue):
    heard: asyncio.Queue[str] = asyncio.Queue()
    listener = await asyncpg.connect(queue.database.dsn)
    await listener.add_listener("conjunct_queue", lambda *said: heard.put_nowait(said[-1]))

    async with queue.transaction() as session:
        for n in range(3):
            await queue.engine.enqueue(session, [NewJob("p", "k", f"{n}"), NewJob("p", "k", f"{n}'")])
        assert heard.empty()
    await listener.execute("select pg_notify('conjunct_queue', 'end')")

    assert [await heard.get(), await heard.get()] == ["ready", "end"]
    await listener.close()


@pytest.mark.parametrize(
    "wrong",
    [{"unique": True}, {"max_attempts": 0}, {"run_at": datetime(2030, 1, 1)}],  # noqa: DTZ001
    ids=["unique without a lane", "no attempts", "no time zone"],
)
def test_a_job_that_makes_no_sense_cannot_be_made(wrong):
    with pytest.raises(ValueError, match=r"\w+"):
        NewJob("p", "k", "r", **wrong)


class TestCancel:
    async def test_only_what_does_not_run_and_is_the_tenants_own_goes(self, queue):
        await queue.enqueue(
            NewJob("p", "k", "running", lane="p/x"),
            NewJob("p", "k", "waiting", lane="p/x"),
            NewJob("p", "k", "delayed", run_at=LATER),
            NewJob("q", "k", "another's"),
        )
        await queue.claim(1)
        await queue.enqueue(NewJob("p", "k", "ready"))

        async with queue.transaction() as session:
            assert await queue.engine.cancel(session, tenant="p") == 3

        assert await queue.states() == {"running": "running", "another's": "ready"}

    async def test_everything_given_must_match(self, queue):
        await queue.enqueue(
            NewJob("p", "read", "a"),
            NewJob("p", "write", "a"),
            NewJob("p", "read", "b", run_at=LATER),
            NewJob("p", "read", "c"),
        )

        async with queue.transaction() as session:
            assert await queue.engine.cancel(session, tenant="p", kind="read", ref_ids=["a", "b", "nothing"]) == 2

        assert [tuple(row) for row in await queue.execute("select kind, ref_id from job order by id")] == [
            ("write", "a"),
            ("read", "c"),
        ]

    async def test_a_whole_lane(self, queue):
        await queue.enqueue(
            *[NewJob("p", "k", f"x{n}", lane="p/x") for n in range(3)], NewJob("p", "k", "y", lane="p/y")
        )

        async with queue.transaction() as session:
            assert await queue.engine.cancel(session, tenant="p", lane="p/x") == 3

        assert await queue.states() == {"y": "ready"}

    async def test_the_next_of_the_lane_goes_ahead(self, queue):
        await queue.enqueue(*[NewJob("p", "k", ref, lane="p/x") for ref in "abc"])

        async with queue.transaction() as session:
            await queue.engine.cancel(session, tenant="p", ref_ids=["a"])

        assert await queue.states() == {"b": "ready", "c": "waiting"}

    async def test_a_rolled_back_cancellation_leaves_all_as_it_was(self, queue):
        await queue.enqueue(NewJob("p", "k", "a", lane="p/x"), NewJob("p", "k", "b", lane="p/x"))

        async with queue.transaction() as session:
            await queue.engine.cancel(session, tenant="p", ref_ids=["a"])
            await session.rollback()

        assert await queue.states() == {"a": "ready", "b": "waiting"}

    async def test_a_claim_passes_by_what_is_being_cancelled(self, queue):
        await queue.enqueue(NewJob("p", "k", "a"), NewJob("p", "k", "b"))

        async with queue.transaction() as session:
            await queue.engine.cancel(session, tenant="p", ref_ids=["a"])
            assert [job.ref_id for job in await queue.claim()] == ["b"]


class TestPromotion:
    async def test_waits_for_no_one_who_is_just_enqueueing_and_overlooks_nothing(self, queue):
        await queue.enqueue(NewJob("p", "k", "first", lane="p/x"))
        [first] = await queue.claim()

        async with queue.transaction() as session:
            await queue.engine.enqueue(session, [NewJob("p", "k", "second", lane="p/x")])
            async with queue.transaction() as other:
                await queue.engine.finish(other, first)
            assert await queue.run(lambda s: lanes.promote(s, ["p/x"])) == {"p/x"}

        assert await queue.states() == {"second": "waiting"}
        assert await queue.run(lambda s: lanes.promote(s, ["p/x"])) == set()
        assert await queue.states() == {"second": "ready"}

    async def test_a_lane_whose_finisher_died_before_promoting_is_found(self, queue):
        await queue.enqueue(*[NewJob("p", "k", f"{lane}{n}", lane=f"p/{lane}") for lane in "xyz" for n in range(3)])
        await queue.execute("delete from job where ref_id in ('x0', 'z0')")

        await queue.run(lanes.promote_stranded)

        states = await queue.states()
        assert {ref for ref, state in states.items() if state == "ready"} == {"x1", "y0", "z1"}

    async def test_a_job_promoted_before_its_time_is_delayed(self, queue):
        await queue.enqueue(NewJob("p", "k", "a", lane="p/x"), NewJob("p", "k", "b", lane="p/x", run_at=LATER))
        await queue.execute("delete from job where ref_id = 'a'")

        await queue.run(lanes.promote_stranded)

        assert await queue.states() == {"b": "delayed"}


async def test_a_delayed_job_is_hastened_and_keeps_its_lane(queue):
    later = datetime.now(UTC) + timedelta(hours=1)
    front, behind = NewJob("p", "k", "a", lane="p/l", run_at=later), NewJob("p", "k", "b", lane="p/l")
    others = [NewJob("q", "k", "a", run_at=later), NewJob("p", "other", "a", run_at=later)]
    await queue.enqueue(front, behind, *others)

    async with queue.transaction() as session:
        assert await queue.engine.hasten(session, tenant="p", kind="k", ref_id="b") == 0
        assert await queue.engine.hasten(session, tenant="p", kind="k", ref_id="a") == 1
        assert await queue.engine.hasten(session, tenant="p", kind="k", ref_id="a") == 0

    rows = await queue.execute("select tenant, kind, ref_id, state from job order by tenant, kind, ref_id")
    assert [tuple(row) for row in rows] == [
        ("p", "k", "a", "ready"),
        ("p", "k", "b", "waiting"),
        ("p", "other", "a", "delayed"),
        ("q", "k", "a", "delayed"),
    ]
