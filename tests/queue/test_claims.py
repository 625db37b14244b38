"""Who gets to run: every tenant in turn, none above its cap, nobody twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conjunct.queue import Done, NewJob, claims

GIVEN: dict[str, Any] = {"worker": "w", "lease": timedelta(minutes=1), "tenant_cap": 3, "shard": 0, "shards": 1}


async def test_no_job_is_given_twice_to_workers_that_claim_at_once(queue):
    await queue.enqueue(*[NewJob(f"p{n % 7}", "k", f"{n}") for n in range(300)])

    taken = await asyncio.gather(*[queue.claim(50, worker=f"w{n}") for n in range(8)])

    assert sorted(int(job.ref_id) for jobs in taken for job in jobs) == list(range(300))


async def test_a_tenant_runs_at_most_its_cap_in_all_workers_together(queue):
    await queue.enqueue(*[NewJob("p", "k", f"{n}") for n in range(50)])

    taken = await asyncio.gather(*[queue.claim(20, worker=f"w{n}", cap=12) for n in range(4)])

    assert sum(len(jobs) for jobs in taken) == 12
    [job, *_] = [job for jobs in taken for job in jobs]
    async with queue.transaction() as session:
        await queue.engine.finish(session, job)
    assert len(await queue.claim(20, cap=12)) == 1


async def test_tenants_share_equally_whatever_their_backlogs(queue):
    await queue.enqueue(*[NewJob("big", "k", f"{n}") for n in range(5000)])
    await queue.enqueue(*[NewJob(tenant, "k", f"{tenant}{n}") for tenant in ("small", "other") for n in range(20)])

    assert Counter(job.tenant for job in await queue.claim(30)) == {"big": 10, "small": 10, "other": 10}


async def test_more_tenants_than_places_have_their_turns_one_after_the_other(queue):
    await queue.enqueue(*[NewJob(f"p{tenant:02}", "k", f"{tenant}/{n}") for tenant in range(25) for n in range(100)])

    reached, turns = "", []
    for _ in range(3):
        async with queue.transaction() as session:
            claim = await claims.claim(
                session, worker="w", size=10, lease=timedelta(minutes=1), tenant_cap=1000, after=reached
            )
        turns.append(sorted({job.tenant for job in claim.jobs}))
        reached = claim.reached

    assert turns == [[f"p{n:02}" for n in turn] for turn in (range(10), range(10, 20), range(20, 25))]
    assert reached == ""


async def test_while_places_are_scarce_who_runs_nothing_comes_first(queue):
    await queue.enqueue(*[NewJob(f"p{tenant:02}", "long", f"{tenant}/{n}") for tenant in range(20) for n in range(5)])
    walk, first = claims.Walk(), []
    for _ in range(4):  # 12 places for 20 tenants whose jobs last
        async with queue.transaction() as session:
            jobs, walk = await claims.claim_on(session, walk, size=3, **GIVEN)
        first += [job.tenant for job in jobs]
    assert first == [f"p{n:02}" for n in range(12)]
    assert walk.scarce

    await queue.enqueue(*[NewJob(tenant, "short", f"{tenant}/{n}") for tenant in ("aa", "zz") for n in range(3)])
    turns = []
    for _ in range(16):  # one place becomes free after another, and short jobs end at once
        async with queue.transaction() as session:
            [job], walk = await claims.claim_on(session, walk, size=1, **GIVEN)
        turns.append(job.tenant)
        if job.kind == "short":
            await queue.settle((job, Done()))
    assert set(turns[:10]) == {"aa", "zz", *(f"p{n:02}" for n in range(12, 20))}
    assert Counter(turns)["aa"] == Counter(turns)["zz"] == 3
    assert all(count == 1 for tenant, count in Counter(turns).items() if tenant.startswith("p"))


async def test_the_platforms_own_jobs_are_given_too(queue):
    """They are of no tenant: sweeps, rotations of keys."""
    await queue.enqueue(NewJob("", "sweep", "own"), NewJob("p", "k", "theirs"))

    assert [job.ref_id for job in await queue.claim(5)] == ["own", "theirs"]
    await queue.enqueue(NewJob("", "sweep", "later"))
    assert [job.ref_id for job in await queue.claim(5)] == ["later"]


async def test_tenants_at_their_cap_do_not_hide_those_behind_them(queue):
    await queue.enqueue(*[NewJob(f"a{tenant}", "k", f"{tenant}/{n}") for tenant in range(10) for n in range(20)])
    await queue.enqueue(NewJob("z", "k", "last"))
    assert len(await queue.claim(10, cap=1)) == 10

    assert [job.ref_id for job in await queue.claim(1, cap=1)] == ["last"]


async def test_shards_divide_the_tenants(queue):
    await queue.enqueue(*[NewJob(f"p{n}", "k", f"{n}") for n in range(40)])

    parts = [{job.tenant for job in await queue.claim(shard=shard, shards=4)} for shard in range(4)]

    assert set.union(*parts) == {f"p{n}" for n in range(40)}
    assert sum(len(part) for part in parts) == 40
    assert all(parts)


async def test_delayed_and_waiting_jobs_are_not_given(queue):
    await queue.enqueue(
        NewJob("p", "k", "delayed", run_at=datetime.now(UTC) + timedelta(hours=1)),
        NewJob("p", "k", "front", lane="p/x"),
        NewJob("p", "k", "waiting", lane="p/x"),
    )

    assert [job.ref_id for job in await queue.claim()] == ["front"]
    assert await queue.claim() == []


@pytest.mark.parametrize("state", ["ready", "yielded"])
async def test_a_claim_reads_what_it_takes_however_many_there_are(queue, state):
    """With the jobs of one tenant alone the planner thinks that any way to them will do."""
    await queue.execute(
        "insert into job (tenant, kind, ref_id, state, max_attempts) "
        "select 'p', 'k', n::text, case when n % 10 = 0 then :state else 'waiting' end, 1 "
        "from generate_series(1, 20000) n",
        state=state,
    )
    await queue.execute("analyze job")

    plan = await queue.execute(
        f"explain {claims.statement(state)}",
        worker="w",
        size=10,
        lease=timedelta(minutes=1),
        cap=25,
        after="",
        shard=0,
        shards=1,
    )

    steps = [row[0].strip().removeprefix("->").split("  (cost")[0].strip() for row in plan]
    reads = {step for step in steps if " on job" in step and "Scan" in step}
    assert {read.split(" on ")[0] for read in reads} <= {
        f"Index Only Scan using job_{state}_idx",
        f"Index Scan using job_{state}_idx",
        "Index Only Scan using job_running_idx",
        "Index Scan using job_running_idx",
        "Index Scan using job_pkey",
    }
    assert [read for read in reads if "job_pkey" in read] == ["Index Scan using job_pkey on job"]  # the update alone


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    backlogs=st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 12), min_size=1),
    size=st.integers(1, 20),
    cap=st.integers(1, 6),
)
async def test_claims_give_all_that_the_caps_allow_and_no_more(queue, backlogs, size, cap):
    await queue.execute("truncate job")
    await queue.enqueue(*[NewJob(tenant, "k", f"{n}") for tenant, count in backlogs.items() for n in range(count)])
    reached, running, idle = "", Counter[str](), 0
    while idle < 2:
        async with queue.transaction() as session:
            claim = await claims.claim(
                session, worker="w", size=size, lease=timedelta(minutes=1), tenant_cap=cap, after=reached
            )
        assert len(claim.jobs) <= size
        running.update(job.tenant for job in claim.jobs)
        reached, idle = claim.reached, 0 if claim.jobs else idle + 1
    assert running == {tenant: min(cap, count) for tenant, count in backlogs.items()}
