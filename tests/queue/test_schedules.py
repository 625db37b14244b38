"""Schedules: put, fired once, set again, spread; on the database's clock."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from conjunct.queue import BadSchedule, NewJob, Schedule, schedules


def every_minute(key: str, *, tenant: str = "p", cron: str = "* * * * *", timezone: str = "UTC") -> Schedule:
    return Schedule(tenant, key, f"{tenant}/{key}", "read.run", key, cron, timezone)


async def put(queue, *given: Schedule) -> None:
    async with queue.transaction() as session:
        await queue.engine.put_schedule(session, *given)


async def down_for(queue, time: str) -> None:
    """As if no worker had lived for so long."""
    await queue.execute("update schedule set next_at = next_at - cast(cast(:time as text) as interval)", time=time)


async def next_moments(queue) -> dict[str, Any]:
    return {row.key: row.next_at for row in await queue.execute("select key, next_at from schedule")}


async def test_a_new_schedule_is_due_within_the_next_two_minutes_and_not_yet(queue):
    await put(queue, every_minute("a"))

    [row] = await queue.execute(
        "select next_at > now() as later, next_at < now() + interval '2 min' as soon from schedule"
    )
    assert (row.later, row.soon) == (True, True)
    assert await queue.run(schedules.fire) == 0


async def test_a_due_schedule_makes_its_job_and_is_set_again(queue):
    await put(queue, every_minute("a"))
    await down_for(queue, "2 minutes")

    assert await queue.run(schedules.fire) == 1

    [job] = await queue.claim()
    assert (job.tenant, job.lane, job.kind, job.ref_id) == ("p", "p/a", "read.run", "a")
    assert (await queue.execute("select next_at > now() as later from schedule"))[0].later
    assert await queue.run(schedules.fire) == 0


async def test_moments_missed_while_nothing_ran_fire_once(queue):
    await put(queue, every_minute("a"))
    await down_for(queue, "3 days")

    assert await queue.run(schedules.fire) == 1
    assert await queue.run(schedules.fire) == 0
    assert await queue.states() == {"a": "ready"}


async def test_a_schedule_makes_nothing_while_its_lane_is_not_empty(queue):
    await put(queue, every_minute("a"))
    await queue.enqueue(NewJob("p", "read.run", "a backfill", lane="p/a"))
    await down_for(queue, "2 minutes")

    assert await queue.run(schedules.fire) == 1

    assert await queue.states() == {"a backfill": "ready"}


async def test_firing_is_undone_with_its_transaction(queue):
    await put(queue, every_minute("a"))
    await down_for(queue, "2 minutes")
    before = await next_moments(queue)

    async with queue.transaction() as session:
        await schedules.fire(session)
        await session.rollback()

    assert (await queue.states(), await next_moments(queue)) == ({}, before)


async def test_what_another_worker_is_firing_is_passed_by(queue):
    await put(queue, every_minute("a"), every_minute("b"))
    await down_for(queue, "2 minutes")

    async with queue.transaction() as session:
        assert await schedules.fire(session) == 2
        assert await queue.run(schedules.fire) == 0

    assert sorted(await queue.states()) == ["a", "b"]


async def test_more_than_a_batch_is_fired_batch_by_batch(queue):
    # Once a year: on a busy machine, what is fired every minute is due again before the last batch.
    await put(queue, *[every_minute(f"{n}", cron="0 0 1 1 *") for n in range(schedules.FIRE_BATCH + 1)])
    await down_for(queue, "400 days")

    assert [await queue.run(schedules.fire) for _ in range(3)] == [schedules.FIRE_BATCH, 1, 0]
    assert len(await queue.states()) == schedules.FIRE_BATCH + 1


async def test_schedules_of_one_minute_are_due_at_different_seconds(queue):
    await put(queue, *[every_minute(f"{n}", cron="0 0 1 1 *") for n in range(300)])

    moments = await next_moments(queue)
    assert len(set(moments.values())) == 60
    assert max(moments.values()) - min(moments.values()) == timedelta(seconds=59)


async def test_the_hour_is_the_time_zones(queue):
    await put(queue, every_minute("a", cron="0 9 * * *", timezone="Asia/Tokyo"))

    [moment] = (await next_moments(queue)).values()
    assert (moment.hour, moment.minute) == (0, 0)


async def test_putting_the_same_again_does_not_move_it(queue):
    await put(queue, every_minute("a"))
    await down_for(queue, "5 seconds")
    before = await next_moments(queue)

    await put(queue, Schedule("p", "a", "p/other lane", "read.run", "other ref", "* * * * *"))

    assert await next_moments(queue) == before
    assert [tuple(row) for row in await queue.execute("select lane, ref_id from schedule")] == [
        ("p/other lane", "other ref")
    ]


async def test_putting_another_time_does(queue):
    await put(queue, every_minute("a"))
    before = await next_moments(queue)

    await put(queue, every_minute("a", cron="0 0 29 2 *"))

    assert (await next_moments(queue))["a"] > before["a"] + timedelta(minutes=5)


async def test_one_bad_schedule_keeps_all_of_them_out(queue):
    with pytest.raises(BadSchedule):
        await put(queue, every_minute("good"), every_minute("bad", cron="* * *"))

    assert await next_moments(queue) == {}


async def test_a_schedule_that_turned_bad_stops_alone(queue):
    await put(queue, every_minute("good"), every_minute("bad"))
    await down_for(queue, "2 minutes")
    await queue.execute("update schedule set timezone = 'Abolished/Zone' where key = 'bad'")

    assert await queue.run(schedules.fire) == 2

    moments = await next_moments(queue)
    assert moments["bad"] is None
    assert moments["good"] is not None


async def test_removing_takes_the_tenants_own_only(queue):
    await put(queue, every_minute("a"), every_minute("b"), every_minute("a", tenant="q"))

    async with queue.transaction() as session:
        assert await queue.engine.remove_schedules(session, "p", ["a", "nothing"]) == 1

    rows = await queue.execute("select tenant, key from schedule order by 1, 2")
    assert [tuple(row) for row in rows] == [("p", "b"), ("q", "a")]
