"""How many signed deliveries a second one worker makes to a receiver in another process, beside a bare posting loop."""

from __future__ import annotations

import asyncio
import multiprocessing
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from ipaddress import ip_network
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import structlog
import uvloop
from aiohttp import web

from benchmarks.report import Row
from benchmarks.servers import migrated_database
from conjunct.core.database import Database
from conjunct.core.egress import Egress, EgressPolicy
from conjunct.core.encryption import Keyring, new_key
from conjunct.core.storage import FolderStorage
from conjunct.delivery import DeliveryOptions, DeliveryService, Message
from conjunct.delivery.schemas import CreateDestination
from conjunct.kit.ids import new_id
from conjunct.queue import PostgresEngine
from conjunct.tenants import ProjectKeys, TenantService

MESSAGES = 10_000
PAGE = 100
BODY = (
    b'{"result":[' + b",".join(b'{"fields":{"id":"%07d","name":"a name of a record"}}' % n for n in range(38)) + b"]}"
)
CONCURRENCY = 16
BUDGET = 2_000
ROUNDS = 3
LOOPBACK = (ip_network("127.0.0.0/8"),)


async def run(database_url: str) -> list[Row]:
    """Measure on a database of its own on that server: the best of three rounds each, in turns."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    with receiver() as url:
        keys = ProjectKeys(Keyring({"m1": new_key()}, current="m1"))
        async with migrated_database(database_url) as database, delivery(database, keys) as service:
            project_id = await _prepare(database, keys, service, url)
            rates = [(await _bare(url), await _delivered(database, service, project_id)) for _ in range(ROUNDS)]
            await _check(database)
    bare, measured = max(rate for rate, _ in rates), max(rate for _, rate in rates)
    return [
        Row(
            path=f"deliveries, {len(BODY) / 1000:.0f} kB, signed, recorded",
            measured=f"{measured:,.0f}/s",
            baseline=f"{bare:,.0f}/s (aiohttp posts the same bodies: no signature, guard or record)",
            ratio=measured / bare,
            budget=f"≥ {BUDGET:,}/s a worker",
            ok=measured >= BUDGET,
        )
    ]


async def _delivered(database: Database, service: DeliveryService, project_id: str) -> float:
    """Messages a second as a read run hands them over, page by page."""
    async with database.transaction() as session:
        channel = await service.open_channel(session, project_id, "hook")
    start = time.perf_counter()
    for _ in range(MESSAGES // PAGE):
        page = [Message(new_id(), project_id, channel.destination_id, "bench", BODY, 38) for _ in range(PAGE)]
        results = await service.attempt(channel, page)
        async with database.transaction() as session:
            await service.record(session, results)
    return MESSAGES / (time.perf_counter() - start)


async def _bare(url: str) -> float:
    """Posts a second with the same concurrency, and nothing else."""
    left = iter(range(MESSAGES))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONCURRENCY)) as session:

        async def post() -> None:
            for _ in left:
                async with session.post(url, data=BODY, headers={"Content-Type": "application/json"}) as response:
                    await response.read()

        start = time.perf_counter()
        await asyncio.gather(*(post() for _ in range(CONCURRENCY)))
        return MESSAGES / (time.perf_counter() - start)


async def _prepare(database: Database, keys: ProjectKeys, service: DeliveryService, url: str) -> str:
    async with database.transaction() as session:
        tenants = TenantService(keys)
        project = await tenants.create_org_and_project(session, org="bench", project="bench", app_name="bench")
    given = CreateDestination(name="hook", type="webhook", metadata={"url": url})
    contents = await service.destinations.check_new(given)
    async with database.transaction() as session:
        await service.destinations.create(session, project.project_id, "hook", "webhook", contents)
    return project.project_id


async def _check(database: Database) -> None:
    """What was measured did happen: every attempt is there, a success."""
    connection = await asyncpg.connect(database.dsn)
    delivered = await connection.fetchval("select count(*) from delivery_attempt where status = 200")
    await connection.close()
    if delivered != ROUNDS * MESSAGES:
        raise RuntimeError(f"{delivered} of {ROUNDS * MESSAGES} messages were delivered")


@asynccontextmanager
async def delivery(database: Database, keys: ProjectKeys) -> AsyncIterator[DeliveryService]:
    """The service as a worker has it."""
    with tempfile.TemporaryDirectory() as folder:
        async with Egress(policy=EgressPolicy(LOOPBACK), user_agent="conjunct-benchmark") as egress:
            yield DeliveryService(
                database=database,
                keys=keys,
                egress=egress,
                engine=PostgresEngine(database),
                storage=FolderStorage(Path(folder)),
                options=DeliveryOptions("http://localhost", LOOPBACK, concurrency=CONCURRENCY),
            )


@contextmanager
def receiver() -> Iterator[str]:
    """A receiver in a process of its own that says 200 to everything; gives its URL."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_process, args=(_receive, theirs), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}/hook"
    finally:
        process.terminate()
        process.join()


def _process(main: Callable[[Connection], Coroutine[Any, Any, None]], connection: Connection) -> None:
    uvloop.run(main(connection))


async def _receive(connection: Connection) -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        await request.read()
        return web.Response()

    runner = web.ServerRunner(web.Server(answer, access_log=None))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    connection.send(runner.addresses[0][1])
    await asyncio.Event().wait()
