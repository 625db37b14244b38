"""Read → webhook: a backfill from a simulated HubSpot to a receiver, beside a bare loop that fetches, maps and posts.

The simulator, the receiver and what is measured each run in a process of their own. The bare loop keeps nothing, checks
nothing and signs nothing; it prefetches one page, as a read run does.
"""

from __future__ import annotations

import asyncio
import gc
import socket
import tempfile
import time
from ipaddress import ip_network
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import yaml
from aiohttp import web

from benchmarks.children import Child, cpu_seconds, in_child
from benchmarks.grants import hubspot_grant
from benchmarks.report import Row
from benchmarks.servers import migrated_database
from conjunct.app.services import Services, open_services
from conjunct.core.database import Database
from conjunct.core.settings import Settings
from conjunct.delivery.schemas import CreateDestination
from conjunct.installations import Installer
from conjunct.installations.schemas import CreateInstallation
from conjunct.queue import Done, Job, Outcome
from conjunct.simulators import SimulatorOptions
from conjunct.simulators import run as simulate

RECORDS = 100_000
SLOW_RECORDS = 10_000
LATENCY = 0.05
FIELDS = ("email", "firstname", "lastname", "phone", "company", "lifecyclestage", "jobtitle")
MANIFEST = {
    "specVersion": "1.0.0",
    "integrations": [
        {
            "name": "bench",
            "provider": "hubspot",
            "read": {
                "objects": [
                    {
                        "objectName": "contacts",
                        "destination": "bench",
                        "requiredFields": [{"fieldName": name} for name in FIELDS[:-1]]
                        + [{"fieldName": FIELDS[-1], "mapToName": "title"}],
                    }
                ]
            },
        }
    ],
}

Measured = tuple[float, float, int]
"""Seconds that passed, CPU seconds of the process, records."""


async def run(database_url: str) -> list[Row]:
    """Measure on a database of its own on that server."""
    with Child(_receive) as receiver:
        with Child(_simulate, RECORDS, 0.0) as hubspot:
            await in_child(_bare, hubspot, receiver)  # the simulator renders each record once; later reads are quick
            bare = await in_child(_bare, hubspot, receiver)
            ours = await _ours(database_url, hubspot, receiver)
        with Child(_simulate, SLOW_RECORDS, LATENCY) as hubspot:
            slow_bare = await in_child(_bare, hubspot, receiver)
            slow_ours = await _ours(database_url, hubspot, receiver)
    return [
        _row(f"read → webhook, {RECORDS:,} records", ours, bare, 0.5),
        Row(
            path="  CPU of the worker for it",
            measured=f"{ours[1]:.2f} s",
            baseline=f"{bare[1]:.2f} s",
            ratio=None,
            budget="≤ 3 s",
            ok=ours[1] <= 3,
        ),
        _row(f"read → webhook, {LATENCY * 1000:.0f} ms a page", slow_ours, slow_bare, 0.97),
    ]


def _row(path: str, ours: Measured, bare: Measured, budget: float) -> Row:
    rate, bare_rate = ours[2] / ours[0], bare[2] / bare[0]
    return Row(
        path,
        f"{rate:,.0f}/s",
        f"{bare_rate:,.0f}/s",
        rate / bare_rate,
        f"≥ {budget} of bare",
        rate / bare_rate >= budget,
    )


async def _ours(database_url: str, hubspot: str, receiver: str) -> Measured:
    async with migrated_database(database_url) as database:
        with tempfile.TemporaryDirectory() as folder:
            settings = _settings(Path(folder), hubspot)
            await _set_up(settings, database, receiver)
            return await in_child(_work, settings.model_dump_json(), database.dsn)


def _settings(folder: Path, hubspot: str) -> Settings:
    overrides = folder / "overrides.yaml"
    overrides.write_text(yaml.safe_dump({"hubspot": hubspot}))
    return Settings(data_dir=folder, provider_overrides=overrides, allowed_networks=(ip_network("127.0.0.0/8"),))


async def _set_up(settings: Settings, database: Database, receiver: str) -> None:
    async with open_services(settings, database) as services:
        async with database.transaction() as session:
            project = await services.tenants.create_org_and_project(session, org="b", project="bench", app_name="b")
            manifest = services.integrations.parse(yaml.safe_dump(MANIFEST))
            await services.integrations.deploy(
                session, project.project_id, manifest, destructive=False, created_by="system"
            )
            await services.connections.store_grant(session, project.project_id, hubspot_grant("g", "c"))
        destinations = services.delivery.destinations
        given = CreateDestination.model_validate({"name": "bench", "type": "webhook", "metadata": {"url": receiver}})
        contents = await destinations.check_new(given)
        async with database.transaction() as session:
            await destinations.create(session, project.project_id, given.name, given.type, contents)
        request = CreateInstallation.model_validate({"groupRef": "g", "config": {"content": {}}})
        installer = Installer(database, services.installations)
        await installer.create(project.project_id, "bench", request, skip_sampling=True)


async def _work(settings_json: str, dsn: str) -> Measured:
    settings = Settings.model_validate_json(settings_json)
    database = Database(dsn, pool_size=10, application_name="bench")
    async with open_services(settings, database) as services:
        stop, ended = asyncio.Event(), asyncio.Event()
        handlers = services.job_handlers()
        run = handlers["read.run"]

        async def run_and_tell(job: Job) -> Outcome:
            outcome = await run(job)
            if isinstance(outcome, Done):  # and not to make room for others, or to wait
                ended.set()
            return outcome

        worker = asyncio.create_task(services.engine.run_worker({**handlers, "read.run": run_and_tell}, stop))
        state = await _installation(services, database)
        gc.freeze()  # as a worker does with what it imports
        begin, cpu = time.perf_counter(), cpu_seconds()
        async with database.transaction() as session:
            operation = await services.reads.trigger(session, state, "contacts", since=None, until=None)
        await ended.wait()
        seconds, used = time.perf_counter() - begin, cpu_seconds() - cpu
        async with database.transaction() as session:
            status = await services.operations.status(session, state.project_id, operation)
        async with database.reading() as connection:
            progress = orjson.loads(await services.operations.progress(connection, state.project_id, operation))
        stop.set()
        await worker
    await database.dispose()
    if status != "success":
        raise RuntimeError("the read failed")
    return seconds, used, progress["recordsProcessed"]


async def _installation(services: Services, database: Database) -> Any:
    async with database.transaction() as session:
        row = await session.connection()
        project = (await row.exec_driver_sql("SELECT id FROM project")).scalar_one()
        return await services.installations.require_by_group(session, project, "bench", "g")


async def _bare(hubspot: str, receiver: str) -> Measured:
    """Fetch, map, post; one page ahead."""
    gc.freeze()
    begin, cpu, records = time.perf_counter(), cpu_seconds(), 0
    query = f"{hubspot}/crm/v3/objects/contacts?limit=100&properties={','.join(FIELDS)}"
    async with aiohttp.ClientSession(
        headers={"Authorization": "Bearer t"}, connector=aiohttp.TCPConnector(limit=0)
    ) as session:

        async def fetch(after: str | None) -> Any:
            async with session.get(query + (f"&after={after}" if after else "")) as response:
                return orjson.loads(await response.read())

        fetching: asyncio.Task[Any] | None = asyncio.create_task(fetch(None))
        while fetching is not None:
            page = await fetching
            following = page.get("paging", {}).get("next")
            fetching = asyncio.create_task(fetch(following["after"])) if following else None
            entries = []
            for raw in page["results"]:
                found = raw["properties"]
                fields = {name: found[name] for name in FIELDS[:-1]}
                entries.append({"fields": fields, "mappedFields": {"title": found[FIELDS[-1]]}, "raw": raw})
            body = orjson.dumps({"objectName": "contacts", "result": entries})
            async with session.post(receiver, data=body) as response:
                await response.read()
            records += len(entries)
    return time.perf_counter() - begin, cpu_seconds() - cpu, records


async def _simulate(told: Connection, records: int, latency: float) -> None:
    await simulate("hubspot", "127.0.0.1", 0, SimulatorOptions(records=records, latency=latency), on_ready=told.send)


async def _receive(told: Connection) -> None:
    async def take(request: web.Request) -> web.Response:
        await request.read()
        return web.Response()

    app = web.Application(client_max_size=1 << 20)
    app.router.add_post("/", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    listener = socket.create_server(("127.0.0.1", 0))
    await web.SockSite(runner, listener).start()
    told.send(f"http://127.0.0.1:{listener.getsockname()[1]}/")
    await asyncio.Event().wait()
