"""Killed workers: others take their jobs over, and what each job did is committed exactly once."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from conjunct.queue import NewJob

Start = Callable[[], Awaitable[Process]]
PROGRAM = Path(__file__).with_name("crashing_worker.py")


@pytest.fixture
async def processes(queue) -> AsyncIterator[Start]:
    """Starts worker processes, and kills at the end those that are left."""
    started = []

    async def start():
        process = await asyncio.create_subprocess_exec(sys.executable, str(PROGRAM), queue.database.dsn)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def kill(process) -> None:
    process.kill()
    await process.wait()


@pytest.fixture
async def effects(queue) -> AsyncIterator[Callable[[], Awaitable[Sequence[Any]]]]:
    """A domain table that the worker processes write to in the transaction that finishes the job."""
    await queue.execute("create table effect (ref_id text, worker text, attempts int)")
    yield lambda: queue.execute("select ref_id, worker, attempts from effect order by ref_id")
    await queue.execute("drop table effect")


async def test_every_effect_is_committed_once_although_workers_are_killed_again_and_again(queue, processes, effects):
    refs = [f"{n:04}" for n in range(1200)]
    await queue.enqueue(
        *[
            NewJob(f"p{n % 4}", "effect", ref, lane=f"p{n % 4}/{n % 40}" if n % 2 else None)
            for n, ref in enumerate(refs)
        ]
    )
    survivor = await processes()
    for share in (100, 250, 400):
        victim = await processes()
        await queue.until("(select count(*) from effect) >= :share", share=share)
        await queue.until(
            "exists (select from worker w join job j on j.worker = w.id where w.pid = :pid)", pid=victim.pid
        )
        await kill(victim)
    await queue.until("not exists (select from job)")

    assert survivor.returncode is None
    assert [row.ref_id for row in await effects()] == refs


async def test_a_killed_workers_job_and_lane_go_on_elsewhere(queue, processes, effects):
    await queue.enqueue(NewJob("p", "hang", "a", lane="p/x"), NewJob("p", "effect", "b", lane="p/x"))
    first = await processes()
    await queue.until("exists (select from job where state = 'running')")
    [before] = await queue.execute("select worker from job where state = 'running'")
    await kill(first)

    await processes()
    await queue.until(
        "exists (select from job where state = 'running' and attempts = 2 and worker <> :w)", w=before.worker
    )

    assert await queue.states() == {"a": "running", "b": "waiting"}
