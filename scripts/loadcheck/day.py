"""A day of thousands of installations, on a clock that runs faster: count what arrives, how late, and what it costs.

    .venv/bin/python -m scripts.loadcheck.day
    .venv/bin/python -m scripts.loadcheck.day --installations 200 --factor 60 --hours 24

2,000 installations read three objects each every ten minutes. Of the accounts and of the destinations 1 % fail: all
day or for an hour, by errors, by 429 with `Retry-After`, by cutting connections, or on and off. Two worker processes,
the providers and the destinations each run in processes of their own, over a PostgreSQL of their own. All of Conjunct
and its database tell the simulated time; timeouts and the machine's own work take the machine's.

At the end every change has been delivered, or waits for a destination or a provider that fails, and no two reads have
missed their turn. Prints figures; ends with 1 when a change is lost. Nothing leaves this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import asyncpg

from conjunct.app.embedded import EmbeddedPostgres
from conjunct.app.migrate import migrate
from conjunct.app.services import open_services
from conjunct.core.database import Database
from conjunct.core.settings import Settings
from conjunct.core.telemetry import configure
from scripts.loadcheck.builders import Builder, in_turns, integration, new_builder, own_provider
from scripts.loadcheck.children import Child, Order, Used, reachable_folder
from scripts.loadcheck.judging import judge, lags, waiting
from scripts.loadcheck.plan import OBJECTS, Plan
from scripts.loadcheck.servers import Accounts, Delivered, Receivers, listen
from scripts.loadcheck.simulated_clock import SimulatedClock
from scripts.loadcheck.sizes import Cost, database_size, megabytes, percentiles, print_tables
from scripts.loadcheck.upkeep import pass_a_month
from scripts.loadcheck.workers import work

BASE = datetime(2026, 6, 1, tzinfo=UTC)
SCHEDULE = "*/10 * * * *"
EVERY = timedelta(minutes=10)


@dataclass
class Day:
    """What is checked, while it goes on."""

    options: argparse.Namespace
    plan: Plan
    settings: Settings
    database: Database
    connection: asyncpg.Connection
    builders: list[Builder] = field(default_factory=list)
    installed: dict[str, int] = field(default_factory=dict)
    """Accounts by installation."""


def main() -> int:
    """Run the check; 0 when nothing was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--installations", type=int, default=2000)
    parser.add_argument("--hours", type=float, default=24, help="simulated hours")
    parser.add_argument("--factor", type=float, default=15, help="how much faster the clock runs")
    parser.add_argument("--changing", type=float, default=0.05, help="share of objects that change between two reads")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    configure("error", "json")
    faults = asyncio.run(_bounded(options))
    for fault in faults:
        print(f"FAILED: {fault}", file=sys.stderr)
    if not faults:
        print("Nothing was lost.")
    return 1 if faults else 0


async def _bounded(options: argparse.Namespace) -> list[str]:
    plan = Plan(
        base=BASE,
        installations=options.installations,
        per_project=min(100, max(options.installations // 4, 1)),
        length=timedelta(hours=options.hours),
        changing=options.changing,
        seed=options.seed,
    )
    within = plan.length.total_seconds() / options.factor * 1.5 + options.installations * 0.5 + 300
    async with asyncio.timeout(within):
        with reachable_folder() as folder:
            async with EmbeddedPostgres(folder / "postgres") as server:
                return await _run(folder, server.url, options, plan)


async def _run(folder: Path, url: str, options: argparse.Namespace, plan: Plan) -> list[str]:
    clock = SimulatedClock(plan.base)
    connection = await asyncpg.connect(url)
    await clock.install(connection)
    await connection.close()
    connection = await asyncpg.connect(url)
    database = Database(url)
    await migrate(database)
    settings = Settings(
        data_dir=folder / "data",
        database_pool_size=20,
        allowed_networks=(ip_network("127.0.0.0/8"),),
        providers_dir=own_provider(folder),
        delivery_timeout_seconds=5,
    )
    day = Day(options, plan, settings, database, connection)
    children: list[Child] = []
    try:
        return await _pass(day, clock, children)
    finally:
        for child in children:
            child.kill()
        await database.dispose()
        await connection.close()


async def _pass(day: Day, clock: SimulatedClock, children: list[Child]) -> list[str]:
    """Set up on a clock that stands still, then let it run."""
    accounts = Child(_serve_accounts, day.plan)
    receivers = Child(_serve_receivers, day.plan)
    children += [accounts, receivers]
    account_url, receiver_url = await accounts.ready(), await receivers.ready()
    await _set_up(day, clock, account_url, receiver_url)
    workers = [Child(work, day.settings.model_dump_json(), day.database.dsn, clock) for _ in range(day.options.workers)]
    children += workers
    await asyncio.gather(*(worker.ready() for worker in workers))
    size = await database_size(day.connection)
    cost = await Cost.so_far(day.connection)
    began = time.monotonic()
    running = clock.started(day.options.factor)
    await running.replace_in(day.connection)
    for child in children:
        child.tell(running)
    await _show(day, running)
    used = await asyncio.gather(*(worker.stop() for worker in workers))
    seconds = time.monotonic() - began
    asked, asked_failed, accounts_used = await accounts.stop()
    came, messages, refused, receivers_used = await receivers.stop()
    now = running.now()
    print(f"the day      {day.options.hours:g} h in {seconds:.0f} s, {day.options.factor:g} times as fast")
    await _tell_costs(day, (await Cost.so_far(day.connection)).since(cost), seconds, used)
    print(f"providers    asked {asked:,} times, failed {asked_failed:,}; {_told(accounts_used)}")
    print(f"destinations took {messages:,} messages, refused {refused:,}; {_told(receivers_used)}")
    faults = await _judge(day, came, now)
    await _tell_sizes(day, size)
    await pass_a_month(day.settings, day.database, day.connection, now)
    return faults


async def _serve_accounts(order: Order, plan: Plan) -> tuple[int, int, Used]:
    accounts = Accounts(plan, SimulatedClock(plan.base))
    _ = plan.changes
    runner, url = await listen("GET", "/{account}/{object}", accounts.answer)
    order.ready(url)
    accounts.clock = await order.told()
    await order.until_stopped()
    await runner.cleanup()
    return accounts.requests, accounts.failed, Used.so_far()


async def _serve_receivers(order: Order, plan: Plan) -> tuple[dict[Delivered, float], int, int, Used]:
    receivers = Receivers(plan, SimulatedClock(plan.base))
    runner, url = await listen("POST", "/{project}/{number}", receivers.take)
    order.ready(url)
    receivers.clock = await order.told()
    await order.until_stopped()
    await runner.cleanup()
    return receivers.came, receivers.messages, receivers.failed, Used.so_far()


async def _set_up(day: Day, clock: SimulatedClock, account_url: str, receiver_url: str) -> None:
    plan, began = day.plan, time.monotonic()
    async with open_services(day.settings, day.database, clock=clock) as services:
        for project in range(plan.projects):
            builder = await new_builder(day.settings, services, f"project-{project}")
            day.builders.append(builder)
            names = [f"d{number}" for number in range(plan.destinations_each)]
            for number, name in enumerate(names):
                await builder.destination(name, f"{receiver_url}/{project}/{number}")
            await builder.deploy([integration(name, name, OBJECTS, schedule=SCHEDULE) for name in names])
        deployed = time.monotonic()
        await in_turns([_install(day, account, account_url) for account in range(plan.installations)])
        print(f"projects     {plan.projects} in {deployed - began:.1f} s")
        print(f"installed    {plan.installations:,} in {time.monotonic() - deployed:.1f} s")
        for builder in day.builders:
            await builder.client.aclose()


async def _install(day: Day, account: int, account_url: str) -> None:
    project, number = day.plan.destination_of(account)
    builder = day.builders[project]
    await builder.connect(f"{account}", f"{account_url}/{account}")
    day.installed[await builder.install(f"d{number}", f"{account}", OBJECTS)] = account


async def _show(day: Day, clock: SimulatedClock) -> None:
    """Wait for the end of the day, telling each tenth of it how far the reads are behind."""
    for tenth in range(1, 11):
        moment = clock.base + day.plan.length * tenth / 10
        await asyncio.sleep(max(0.0, clock.real_seconds(moment - clock.now())))
        [(ended, running, late)] = await day.connection.fetch(
            "select count(*) filter (where status <> 'in_progress'), count(*) filter (where status = 'in_progress'), "
            "(select extract(epoch from simulated.now() - min(next_at))::float8 from schedule) from operation"
        )
        behind = f"{late:.0f} s overdue at most" if late > 0 else "nothing overdue"
        print(f"  {clock.now():%H:%M}  {ended:,} reads ended, {running:,} under way, {behind}", flush=True)


async def _judge(day: Day, came: dict[Delivered, float], now: datetime) -> list[str]:
    begun, missed = await lags(day.connection, day.plan, EVERY, now)
    print(f"due → begun  {percentiles(begun)}, simulated")
    print(f"             {percentiles([each / day.options.factor for each in begun])}, of the machine")
    if missed:
        print(
            f"             {missed:,} turns of {len(begun) + missed:,} were passed over, for a read was still under way"
        )
    spooled = await waiting(day.settings, day.database)
    verdict = await judge(day.connection, day.plan, came, spooled, day.installed)
    print(f"changed → delivered  {percentiles(verdict.lags)} (simulated), where nothing failed")
    print(f"changes      {verdict.told()}")
    for row in await day.connection.fetch("select status, count(*) from operation group by status order by status"):
        print(f"operations   {row['count']:,} {row['status']}")
    return verdict.faults


async def _tell_costs(day: Day, cost: Cost, seconds: float, used: list[Used]) -> None:
    runs = await day.connection.fetchval("select count(*) from operation")
    cpu = sum(each.cpu for each in used)
    print(f"reads        {runs:,}, {runs / seconds:,.0f} a second")
    print(
        f"each read    {cost.wal / runs / 1024:.1f} kB of WAL, {cost.commits / runs:.1f} transactions, "
        f"{cost.rows / runs:.1f} rows written, {cpu / runs * 1000:.1f} ms of CPU in the workers"
    )
    print(f"workers      {'; '.join(_told(each) for each in used)}")


async def _tell_sizes(day: Day, before: int) -> None:
    after = await database_size(day.connection)
    print(f"database     {megabytes(before)} before, {megabytes(after)} after")
    await print_tables(day.connection)


def _told(used: Used) -> str:
    return f"{used.cpu:.0f} s of CPU, {used.memory:.0f} MB"


if __name__ == "__main__":
    sys.exit(main())
