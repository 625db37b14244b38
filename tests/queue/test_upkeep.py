"""What workers do for all: stage, reap, beat, clear away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from conjunct.queue import Dead, NewJob, last_heartbeat, upkeep

MINUTE = timedelta(minutes=1)


async def test_delayed_jobs_become_ready_when_due_and_not_before(queue):
    later = datetime.now(UTC) + timedelta(hours=1)
    await queue.enqueue(*[NewJob("p", "k", ref, run_at=later) for ref in ("due", "not due")])
    await queue.execute("update job set run_at = now() where ref_id = 'due'")

    assert await queue.run(upkeep.stage) == 1
    assert await queue.states() == {"due": "ready", "not due": "delayed"}


async def test_staging_passes_by_what_is_being_cancelled(queue):
    await queue.enqueue(*[NewJob("p", "k", ref, run_at=datetime.now(UTC) + timedelta(hours=1)) for ref in "ab"])
    await queue.execute("update job set run_at = now()")

    async with queue.transaction() as session:
        await queue.engine.cancel(session, tenant="p", ref_ids=["a"])
        assert await queue.run(upkeep.stage) == 1

    assert await queue.states() == {"b": "ready"}


async def test_an_expired_lease_gives_the_job_to_another(queue):
    await queue.enqueue(NewJob("p", "k", "held"), NewJob("p", "k", "lost"))
    await queue.claim(1, worker="alive")
    await queue.claim(1, worker="gone", lease=timedelta(seconds=-1))

    [reaped] = await queue.run(upkeep.reap)

    assert (reaped["ref_id"], reaped["worker"]) == ("lost", "gone")
    assert await queue.states() == {"held": "running", "lost": "ready"}
    [job] = await queue.claim(worker="next")
    assert (job.ref_id, job.attempts) == ("lost", 2)


async def test_a_job_that_kills_its_workers_again_and_again_dies_and_frees_its_lane(queue):
    await queue.enqueue(NewJob("p", "k", "deadly", lane="p/x", max_attempts=3), NewJob("p", "k", "next", lane="p/x"))

    for _ in range(3):
        [job] = await queue.claim(worker="victim", lease=timedelta(seconds=-1))
        assert job.ref_id == "deadly"
        await queue.run(upkeep.reap)

    assert await queue.states() == {"deadly": "dead", "next": "ready"}
    [row] = await queue.execute("select error, ended_at from job where state = 'dead'")
    assert row.error == "worker victim stopped in the middle of attempt 3"
    assert row.ended_at is not None


async def test_a_beat_keeps_the_leases_of_the_jobs_held(queue):
    await queue.enqueue(NewJob("p", "k", "a"))
    held = await queue.claim(lease=timedelta(seconds=-1))

    assert await queue.run(lambda session: upkeep.beat(session, "w", held, MINUTE)) == []

    assert await queue.run(upkeep.reap) == []
    assert await queue.states() == {"a": "running"}


async def test_a_beat_tells_which_jobs_others_have_and_leaves_those_alone(queue):
    await queue.enqueue(*[NewJob("p", "k", ref) for ref in ("kept", "taken", "finished")])
    _, taken, finished = held = await queue.claim(worker="slow")
    await queue.execute("update job set worker = 'fast', attempts = 2 where ref_id = 'taken'")
    await queue.run(lambda session: queue.engine.finish(session, finished))

    lost = await queue.run(lambda session: upkeep.beat(session, "slow", held, timedelta(hours=9)))

    assert lost == [(taken.id, 1)]
    leases = await queue.execute("select ref_id from job where lease_until > now() + interval '8 h'")
    assert [row.ref_id for row in leases] == ["kept"]


async def test_a_beat_does_not_wait_for_a_handlers_transaction(queue):
    await queue.enqueue(NewJob("p", "k", "locked"), NewJob("p", "k", "free"))
    locked, _ = held = await queue.claim()

    async with queue.transaction() as session:
        await queue.engine.fence(session, locked)
        await queue.run(lambda other: upkeep.beat(other, "w", held, timedelta(hours=9)))

    leases = await queue.execute("select ref_id from job where lease_until > now() + interval '8 h'")
    assert [row.ref_id for row in leases] == ["free"]


async def test_the_last_heartbeat_is_the_newest_of_all_workers(queue):
    assert await queue.run(last_heartbeat) is None

    await queue.run(lambda session: upkeep.beat(session, "v", [], MINUTE))
    first = await queue.run(last_heartbeat)
    await queue.run(lambda session: upkeep.beat(session, "w", [], MINUTE))
    second = await queue.run(last_heartbeat)
    await queue.run(lambda session: upkeep.leave(session, "w"))

    assert first < second
    assert await queue.run(last_heartbeat) == first


async def test_the_next_due_moment_is_the_nearest_of_jobs_and_schedules(queue):
    assert await queue.run(upkeep.next_due) is None

    await queue.enqueue(NewJob("p", "k", "a", run_at=datetime.now(UTC) + timedelta(hours=2)))
    assert 7100 < await queue.run(upkeep.next_due) <= 7200
    await queue.execute(
        "insert into schedule (tenant, key, lane, kind, ref_id, cron, timezone, next_at) "
        "values ('p', 's', 'p/s', 'k', 'r', '* * * * *', 'UTC', now() - interval '5 s')"
    )
    assert await queue.run(upkeep.next_due) < -4


async def test_old_dead_jobs_and_forgotten_workers_are_cleared_away(queue):
    await queue.enqueue(*[NewJob("p", "k", ref) for ref in ("old", "new", "alive")])
    jobs = await queue.claim(2)
    await queue.settle(*[(job, Dead("x")) for job in jobs])
    await queue.execute("update job set ended_at = now() - interval '15 days' where ref_id = 'old'")
    for worker in ("gone", "here"):
        await queue.run(lambda session, worker=worker: upkeep.beat(session, worker, [], MINUTE))
    await queue.execute("update worker set beat_at = now() - interval '1 h' where id = 'gone'")

    await queue.run(
        lambda session: upkeep.purge(session, dead_kept=timedelta(days=14), workers_forgotten=timedelta(minutes=5))
    )

    assert await queue.states() == {"new": "dead", "alive": "ready"}
    assert [row.id for row in await queue.execute("select id from worker")] == ["here"]


async def test_stats_count_the_jobs_by_state(queue):
    later = datetime.now(UTC) + timedelta(hours=1)
    await queue.enqueue(NewJob("p", "k", "a", lane="p/x"), NewJob("p", "k", "b", lane="p/x"))
    await queue.enqueue(*[NewJob("q", "k", f"{n}", run_at=later) for n in range(3)])
    await queue.claim()
    await queue.enqueue(NewJob("p", "k", "c", run_at=datetime.now(UTC) - timedelta(minutes=1)))

    stats = await queue.run(queue.engine.stats)

    assert (stats.ready, stats.running, stats.delayed, stats.waiting, stats.dead) == (1, 1, 3, 1, 0)
    assert 59 < stats.lag_seconds < 120
