"""Let projects backfill a million records while another reads on a schedule: how late do its reads begin?

    .venv/bin/python -m scripts.loadcheck.fairness
    .venv/bin/python -m scripts.loadcheck.fairness --projects 30 --accounts 10 --records 20000

Four worker processes. One project (or many, more than there are slots for) backfills many accounts at once, as fast as
the workers can; another has installations that are each read once a minute, at a second of their own. A read
must begin within 5 s of the moment at which it is due, and no project may run more jobs than its share.

Prints figures; ends with 1 when this does not hold. Nothing leaves this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import asyncpg
import orjson
from aiohttp import web

from conjunct.app.embedded import EmbeddedPostgres
from conjunct.app.migrate import migrate
from conjunct.app.services import open_services
from conjunct.core.database import Database
from conjunct.core.settings import Settings
from conjunct.core.telemetry import configure
from conjunct.queue.cron import spread
from scripts.loadcheck.builders import Builder, in_turns, integration, new_builder, own_provider
from scripts.loadcheck.children import Child, Order, Used, reachable_folder
from scripts.loadcheck.servers import PAGE, listen
from scripts.loadcheck.simulated_clock import SimulatedClock
from scripts.loadcheck.sizes import percentiles
from scripts.loadcheck.workers import work

PROMISED = 5.0
"""Seconds within which a read begins."""

SCHEDULED = "companies"
BACKFILLED = "contacts"


@dataclass
class Check:
    """What is checked."""

    options: argparse.Namespace
    settings: Settings
    database: Database
    connection: asyncpg.Connection
    busy: list[Builder] = field(default_factory=list)
    quiet: list[Builder] = field(default_factory=list)
    most_running: Counter[str] = field(default_factory=Counter)


def main() -> int:
    """Run the check; 0 when everything holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--projects", type=int, default=1, help="projects that backfill")
    parser.add_argument("--accounts", type=int, default=25, help="accounts that each of them backfills")
    parser.add_argument("--records", type=int, default=40_000, help="records of each account")
    parser.add_argument("--quiet", type=int, default=60, help="installations of the project that reads on a schedule")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--slots", type=int, default=50, help="jobs that a worker runs at once")
    parser.add_argument("--share", type=int, default=20, help="jobs that a project may run at once")
    parser.add_argument("--last", type=float, default=180, help="seconds for which it is watched")
    options = parser.parse_args()
    configure("error", "json")
    faults = asyncio.run(_bounded(options))
    for fault in faults:
        print(f"FAILED: {fault}", file=sys.stderr)
    if not faults:
        print("Everything holds.")
    return 1 if faults else 0


async def _bounded(options: argparse.Namespace) -> list[str]:
    async with asyncio.timeout(options.last + 300):
        with reachable_folder() as folder:
            async with EmbeddedPostgres(folder / "postgres") as server:
                return await _run(folder, server.url, options)


async def _run(folder: Path, url: str, options: argparse.Namespace) -> list[str]:
    database = Database(url)
    await migrate(database)
    settings = Settings(
        data_dir=folder / "data",
        database_pool_size=20,
        allowed_networks=(ip_network("127.0.0.0/8"),),
        providers_dir=own_provider(folder),
        minimum_schedule_seconds=60,
        worker_slots=options.slots,
        project_slots=options.share,
    )
    check = Check(options, settings, database, await asyncpg.connect(url))
    children: list[Child] = []
    try:
        return await _watch(check, children)
    finally:
        for child in children:
            child.kill()
        await check.connection.close()
        await database.dispose()


async def _watch(check: Check, children: list[Child]) -> list[str]:
    options = check.options
    provider, receiver = Child(_provide, options.records), Child(_receive)
    children += [provider, receiver]
    await _set_up(check, await provider.ready(), await receiver.ready())
    clock = SimulatedClock(datetime.now(UTC)).started(1.0)  # the real time
    workers = [Child(work, check.settings.model_dump_json(), check.database.dsn, clock) for _ in range(options.workers)]
    children += workers
    await asyncio.gather(*(worker.ready() for worker in workers))
    began, wall = datetime.now(UTC), time.monotonic()
    for worker in workers:
        worker.tell(clock)
    ended = await _sample(check, wall)
    seconds = time.monotonic() - wall
    used: Sequence[Used] = await asyncio.gather(*(worker.stop() for worker in workers))
    cpu = sum(each.cpu for each in used)
    records = await _records(check)
    left = f"all {records:,}" if ended else f"{records:,} of {options.projects * options.accounts * options.records:,}"
    lasted = ended or seconds
    print(f"backfills    {left} records in {lasted:.0f} s, {records / lasted:,.0f}/s, {cpu:.0f} s of CPU")
    return await _judge(check, began)


async def _sample(check: Check, began: float) -> float | None:
    """Watch what runs; gives after how many seconds the backfills had ended, if they had."""
    ended = None
    while (passed := time.monotonic() - began) < check.options.last:
        rows = await check.connection.fetch("select tenant, count(*) from job where state = 'running' group by tenant")
        for tenant, running in rows:
            check.most_running[tenant] = max(check.most_running[tenant], running)
        if ended is None and not await check.connection.fetchval(
            "select exists (select from operation where lasting and status = 'in_progress')"
        ):
            ended = passed
        await asyncio.sleep(0.2)
    return ended


async def _records(check: Check) -> int:
    found: int = await check.connection.fetchval(
        "select sum(records)::bigint from read_run where read_type = 'backfill'"
    )
    return found


async def _judge(check: Check, began: datetime) -> list[str]:
    rows = await check.connection.fetch(
        "select project_id, installation_id, object_name, create_time from read_run "
        "where read_type = 'scheduled' and create_time >= $1",
        began,
    )
    late = []
    for row in rows:
        offset = spread(f"{row['project_id']}/read/{row['installation_id']}/{row['object_name']}").total_seconds()
        seconds = (row["create_time"].timestamp() - offset) % 60
        if (
            row["create_time"] - timedelta(seconds=seconds) >= began
        ):  # the first ones were due before there were workers
            late.append(seconds)
    turns = int(check.options.last // 60 - 1) * check.options.quiet
    busiest = max((check.most_running[each.project_id] for each in check.busy), default=0)
    print(f"due → begun  {percentiles(late)}, of {len(late)} reads; {turns} were due at least")
    print(f"             {len(rows) - len(late)} more were due before the workers started")
    print(f"share        {busiest} jobs of a project that backfills ran at once; it may run {check.options.share}")
    return [
        *([f"a read began {max(late):.1f} s after it was due"] if late and max(late) > PROMISED else []),
        *([f"only {len(late)} of {turns} reads began"] if len(late) < turns else []),
        *([f"a project ran {busiest} jobs"] if busiest > check.options.share else []),
    ]


async def _set_up(check: Check, provider: str, receiver: str) -> None:
    began, options = time.monotonic(), check.options
    async with open_services(check.settings, check.database) as services:
        for number in range(options.projects):
            check.busy.append(await new_builder(check.settings, services, f"busy-{number}"))
        check.quiet.append(await new_builder(check.settings, services, "quiet"))
        for builder in check.busy + check.quiet:
            await builder.destination("d", receiver)
        for builder in check.busy:
            await builder.deploy([integration("i", "d", [BACKFILLED], backfill=True)])
        for builder in check.quiet:
            await builder.deploy([integration("i", "d", [SCHEDULED], schedule="* * * * *")])
        todo = [(builder, number, BACKFILLED) for builder in check.busy for number in range(options.accounts)]
        todo += [(builder, number, SCHEDULED) for builder in check.quiet for number in range(options.quiet)]
        await in_turns([_install(*each, provider) for each in todo])
        print(f"installed    {len(todo)} in {time.monotonic() - began:.1f} s")
        for builder in check.busy + check.quiet:
            await builder.client.aclose()


async def _install(builder: Builder, number: int, name: str, provider: str) -> None:
    await builder.connect(f"{number}", f"{provider}/{number}")
    await builder.install("i", f"{number}", [name])


async def _provide(order: Order, records: int) -> None:
    """A provider whose accounts hold so many contacts each, and of whose companies none ever changes."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.match_info["object"] != BACKFILLED:
            return web.json_response({"data": []})
        begin = int(request.query.get("cursor") or 0)
        end = min(begin + PAGE, records)
        data = [{"id": f"{each}", "name": f"Contact {each}", "note": "x" * 200} for each in range(begin, end)]
        body = orjson.dumps({"data": data, "next": str(end) if end < records else None})
        return web.Response(body=body, content_type="application/json")

    runner, url = await listen("GET", "/{account}/{object}", answer)
    order.ready(url)
    await order.until_stopped()
    await runner.cleanup()


async def _receive(order: Order) -> None:
    """A destination that takes everything."""

    async def take(request: web.Request) -> web.StreamResponse:
        await request.read()
        return web.Response(status=204)

    runner, url = await listen("POST", "/hook", take)
    order.ready(f"{url}/hook")
    await order.until_stopped()
    await runner.cleanup()


if __name__ == "__main__":
    sys.exit(main())
