"""How many no-op jobs a second two worker processes run, with caps and fairness, beside a loop with neither."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import structlog
import uvloop
from sqlalchemy import text

import conjunct.queue.models  # noqa: F401 - makes the tables known
from benchmarks.report import Row
from conjunct.core.database import Base, Database
from conjunct.kit.ids import new_id
from conjunct.queue import Done, Job, NewJob, Options, Outcome, PostgresEngine

JOBS = 50_000
TENANTS = 200
PROCESSES = 2
OPTIONS = Options(slots=200, tenant_cap=50)
BUDGET = 10_000


async def run(database_url: str) -> list[Row]:
    """Measure on a database of its own on that server."""
    async with scratch(database_url) as database:
        bare = await _bare(database)
        with processes(_work, database.dsn) as _:
            await workers_present(database)
            plain = await _throughput(database)
            await _burden(database)
            burdened = await _throughput(database)
    return [
        _row("no-op jobs", plain, bare),
        _row("no-op jobs, 100,000 delayed and 10,000 behind a busy lane", burdened, bare),
    ]


def _row(path: str, rate: float, bare: float) -> Row:
    return Row(
        path=path,
        measured=f"{rate:,.0f}/s",
        baseline=f"{bare:,.0f}/s (claim and delete in batches, no caps, lanes or fences)",
        ratio=rate / bare,
        budget=f"≥ {BUDGET:,}/s",
        ok=rate >= BUDGET,
    )


@asynccontextmanager
async def scratch(database_url: str) -> AsyncIterator[Database]:
    """An empty database with the queue's tables, dropped at the end."""
    name = "conjunct_bench_" + new_id().replace("-", "")
    server = await asyncpg.connect(Database(database_url).dsn)
    await server.execute(f'create database "{name}"')
    database = Database(Database(database_url).url.set(database=name).render_as_string(hide_password=False))
    try:
        tables = [Base.metadata.tables[table] for table in ("job", "schedule", "worker")]
        async with database.engine.begin() as connection:
            await connection.run_sync(lambda sync: Base.metadata.create_all(sync, tables=tables))
        yield database
    finally:
        await database.dispose()
        await server.execute(f'drop database "{name}" with (force)')
        await server.close()


@contextmanager
def processes(
    main: Callable[[str], Coroutine[Any, Any, None]], dsn: str, count: int = PROCESSES
) -> Iterator[list[int]]:
    """Run `main(dsn)` in that many processes for the length of the block; gives their ids."""
    context = multiprocessing.get_context("spawn")
    started = [context.Process(target=_process, args=(main, dsn), daemon=True) for _ in range(count)]
    for process in started:
        process.start()
    try:
        yield [process.pid for process in started if process.pid is not None]
    finally:
        for process in started:
            process.terminate()
            process.join()


def _process(main: Callable[[str], Coroutine[Any, Any, None]], dsn: str) -> None:
    structlog.configure(
        processors=[structlog.processors.KeyValueRenderer()], logger_factory=structlog.ReturnLoggerFactory()
    )
    uvloop.run(main(dsn))


async def workers_present(database: Database, count: int = PROCESSES) -> None:
    """Wait till the worker processes live."""
    await until(database, f"select count(*) = {count} from worker")


async def until(database: Database, condition: str) -> None:
    """Wait till the query says true."""
    while True:
        async with database.transaction() as session:
            if await session.scalar(text(condition)):
                return
        await asyncio.sleep(0.01)


async def _work(dsn: str) -> None:
    database = Database(dsn, pool_size=2)

    async def nothing(_job: Job) -> Outcome:
        return Done()

    await PostgresEngine(database, OPTIONS).run_worker({"bench.nothing": nothing}, asyncio.Event())


async def _throughput(database: Database) -> float:
    """Jobs a second from the commit that enqueued them until the last is acknowledged."""
    engine = PostgresEngine(database)
    async with database.transaction() as session:
        await engine.enqueue(session, [NewJob(f"p{n % TENANTS}", "bench.nothing", str(n)) for n in range(JOBS)])
    start = time.perf_counter()
    await until(
        database,
        "select not exists (select from job where state = 'ready') "
        "and not exists (select from job where state = 'running' and worker <> 'elsewhere')",
    )
    return JOBS / (time.perf_counter() - start)


async def _burden(database: Database) -> None:
    """Add 100,000 delayed jobs, and 10,000 that wait behind one that runs elsewhere."""
    engine = PostgresEngine(database)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    async with database.transaction() as session:
        await engine.enqueue(
            session, [NewJob(f"p{n % 1000}", "bench.nothing", str(n), run_at=tomorrow) for n in range(100_000)]
        )
        await engine.enqueue(session, [NewJob("p7", "bench.nothing", str(n), lane="p7/busy") for n in range(10_001)])
        await session.execute(
            text(
                "update job set state = 'running', worker = 'elsewhere', lease_until = now() + interval '1 day' "
                "where lane = 'p7/busy' and state = 'ready'"
            )
        )


async def _bare(database: Database) -> float:
    """The least that a queue can do, in as many processes."""
    connection = await asyncpg.connect(database.dsn)
    await connection.execute(
        "create table bare (id bigint generated always as identity primary key, payload text, running bool not null)"
    )
    await connection.execute("create index on bare (id) where not running")
    with processes(_bare_work, database.dsn) as _:
        await until(database, f"select count(*) = {PROCESSES} from pg_stat_activity where application_name = 'bare'")
        await connection.execute(
            "insert into bare (payload, running) select n::text, false from generate_series(1, $1::int) n", JOBS
        )
        start = time.perf_counter()
        await until(database, "select not exists (select from bare)")
        elapsed = time.perf_counter() - start
    await connection.close()
    return JOBS / elapsed


async def _bare_work(dsn: str) -> None:
    connection = await asyncpg.connect(dsn, server_settings={"application_name": "bare"})
    while True:
        rows = await connection.fetch(
            "update bare set running = true where id in "
            "(select id from bare where not running order by id limit 200 for update skip locked) returning id"
        )
        if rows:
            await connection.execute("delete from bare where id = any($1)", [row["id"] for row in rows])
        else:
            await asyncio.sleep(0.005)
