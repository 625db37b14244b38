"""Backfill 100,000 records by workers on three hosts while things go wrong, and count what arrives.

    .venv/bin/python -m scripts.faultcheck.backfill_faults
    .venv/bin/python -m scripts.faultcheck.backfill_faults stalled database --records 20000

It runs the platform as `conjunct up` does, and two workers more, each with a data folder of its own, as on other
hosts: they share the database and nothing else. One backfill is made for each fault:

- `processes`: workers, the API and PostgreSQL are killed in turn, every few seconds;
- `database`: PostgreSQL is restarted, in order and at once, every few seconds;
- `stalled`: a worker that reads is stopped for longer than its lease, and goes on afterwards;
- `destination`: it is down, slow and well by turns;
- `provider`: some requests fail, are cut off, or are cut short;
- `pages`: every page fails when it is first asked for, of the first thousand; none is read again once it is committed;
- `limits`: the provider asks for a pause, again and again; all workers take the read up meanwhile, and none asks.

Waits for the next attempt are cut short in the last four. In the end every contact has arrived, under as many message
ids as there are pages; what came more than once had the same id and the same bytes; the watermark is where the backfill
began, and there was none before its end.

Prints what it saw; ends with 1 when any of this does not hold, after the other checks. Nothing leaves this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from conjunct.app.embedded import EmbeddedPostgres
from conjunct.app.processes import Child, Command, Lifeline
from conjunct.app.up import Platform, Simulated, Up, UpOptions
from conjunct.core.settings import Settings
from scripts.faultcheck.kill_worker import (
    LEASE_SECONDS,
    PAGE,
    TOKEN,
    Installed,
    Violation,
    access,
    compare,
    install,
    quiet_settings,
    require,
)
from scripts.faultcheck.receiver import receive

FURTHER_HOSTS = 2
UNANSWERED = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
# An embedded server that dies five times in a minute is given up, as it should be.
BETWEEN_DATABASE_FAULTS = 13.0
KILLS = 12
"""About so many; fewer in a backfill of few pages. After each it takes some 15 s until pages come again."""

LEAST_PAGES_BETWEEN_KILLS = 10
ANSWERS = 8
"""After so many the destination changes."""

FAILING_PAGES = 1000
PAUSE = timedelta(seconds=60)
_LENGTHEN = "update connection set throttled_until = now() + $1 where throttled_until > now() returning true"
ALL_KEPT = "pauses within which all workers took the read up"
CLAIMS = """
create table claims (worker text primary key);
create function note_claim() returns trigger language plpgsql as
    $$ begin insert into claims values (new.worker) on conflict do nothing; return new; end $$;
create trigger note_claim after update on job for each row
    when (new.state = 'running' and new.kind = 'read.run') execute function note_claim()
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """A backfill that is under way, and what there is to break. `done` counts what was broken."""

    folder: Path
    url: str
    installed: Installed
    workers: list[Child]
    pages: int
    done: Counter[str] = field(default_factory=Counter)

    async def ask(self, statement: str, *values: Any) -> Any:
        """A single value from the database, over a connection of its own; None while it does not answer."""
        try:
            connection = await asyncpg.connect(self.url, timeout=5)
            try:
                return await connection.fetchval(statement, *values)
            finally:
                await connection.close(timeout=5)
        except UNANSWERED:
            return None

    async def kill(self, child: Child) -> None:
        """End a process, as soon as it runs."""
        while (pid := child.pid) is None:  # noqa: ASYNC110 - a process is watched by asking
            await asyncio.sleep(0.05)
        os.kill(pid, signal.SIGKILL)
        self.done[f"kills of {child.command.name}"] += 1

    def signal_database(self, number: signal.Signals) -> None:
        """Send PostgreSQL a signal, if it runs."""
        for file in (self.folder / "postgres").rglob("postmaster.pid"):
            os.kill(int(file.read_text().split()[0]), number)
            self.done[f"{number.name} to the database"] += 1


Fault = Callable[[Stage], Awaitable[None]]


async def kill_processes(stage: Stage) -> None:
    """Kill one process after another, for ever; between two of them some pages arrive, however slow the machine is."""
    receiver = stage.installed.receiver
    children = [stage.installed.platform.children["api"], *stage.workers]
    between = max(LEAST_PAGES_BETWEEN_KILLS, stage.pages // KILLS)
    last = -BETWEEN_DATABASE_FAULTS
    for child in itertools.cycle(children):
        await receiver.until(partial(receiver.has, len(receiver.messages) + between))
        await stage.kill(child)
        if time.monotonic() - last > BETWEEN_DATABASE_FAULTS:
            last = time.monotonic()
            stage.signal_database(signal.SIGKILL)


async def restart_database(stage: Stage) -> None:
    """Restart PostgreSQL, sessions cut off in order (SIGINT) or without a word (SIGQUIT), for ever."""
    for number in itertools.cycle((signal.SIGINT, signal.SIGQUIT)):
        await asyncio.sleep(1)
        stage.signal_database(number)
        await asyncio.sleep(BETWEEN_DATABASE_FAULTS - 1)


async def stall_workers(stage: Stage) -> None:
    """Stop the worker that reads for longer than its lease, so that another takes over; then let it go on."""
    for worker in itertools.cycle(stage.workers):
        reading = await stage.ask(
            "select w.pid from job j join worker w on w.id = j.worker where j.kind = 'read.run' and j.state = 'running'"
        )
        if reading is None or worker.pid != reading:
            await asyncio.sleep(0.1)
            continue
        os.kill(reading, signal.SIGSTOP)
        await asyncio.sleep(LEASE_SECONDS * 2)
        os.kill(reading, signal.SIGCONT)
        stage.done["stalls"] += 1
        await asyncio.sleep(1)


async def break_destination(stage: Stage) -> None:
    """Let the destination be down, well, failing slowly and well but slow by turns, for ever."""
    receiver = stage.installed.receiver
    for status, delay in itertools.cycle([(503, 0.0), (204, 0.0), (500, 0.1), (204, 0.2)]):
        receiver.status, receiver.delay = status, delay
        until = receiver.answered + ANSWERS
        while receiver.answered < until:
            await asyncio.sleep(0.1)
            await end_waits(stage)
        stage.done["changes of the destination"] += 1


async def break_provider(stage: Stage) -> None:
    """Let some requests to the provider fail in several ways; no wait lasts."""
    share = max(0.01, 3 / stage.pages)
    await fail(stage, [f"{kind}:{share}" for kind in ("500", "reset", "truncate", "html")])
    await _end_waits_of_provider(stage)


async def break_pages(stage: Stage) -> None:
    """Let every page fail once, in several ways; no wait lasts."""
    kinds = itertools.cycle(("500", "reset", "truncate", "html"))
    await fail(stage, [f"{next(kinds)}@page={2 * page + 1}" for page in range(min(stage.pages, FAILING_PAGES))])
    await _end_waits_of_provider(stage)


async def _end_waits_of_provider(stage: Stage) -> None:
    while True:
        await asyncio.sleep(0.1)
        await end_waits(stage)
        stage.done["failed requests"] = sum((await stats(stage))["faults"].values())


async def storm(stage: Stage) -> None:
    """Have the provider ask for a pause, again and again, and see that all workers keep it."""
    database = await asyncpg.connect(stage.url)
    try:
        await database.execute(CLAIMS)
        while True:
            await asyncio.sleep(0.3)
            await fail(stage, ["429:1"])
            # The simulator asks for a second only, which is too short to see who keeps it.
            while not await stage.ask(_LENGTHEN, PAUSE):  # noqa: ASYNC110 - the database tells nobody of it
                await asyncio.sleep(0.02)
            await _tempt(stage, database)
            await fail(stage, [])
            await end_waits(stage)
    finally:
        database.terminate()


async def _tempt(stage: Stage, database: asyncpg.Connection) -> None:
    """Have every worker take the read up while the provider wants a pause; nothing may reach the provider."""
    await asyncio.sleep(0.5)  # what was on its way has come
    before = (await stats(stage))["requests"]
    await database.execute("delete from claims")
    while (claimed := await database.fetchval("select count(*) from claims")) < len(stage.workers):
        await database.execute("update job set run_at = now() where state = 'delayed' and kind = 'read.run'")
        await database.execute("select pg_notify('conjunct_queue', 'delayed')")
        await asyncio.sleep(0.1)
        if not await stage.ask("select max(throttled_until) > now() + interval '2 s' from connection"):
            break
    asked = (await stats(stage))["requests"] - before
    require(asked == 0, f"{asked} requests reached the provider while it wanted a pause")
    stage.done["pauses"] += 1
    stage.done[ALL_KEPT] += claimed == len(stage.workers)


async def fail(stage: Stage, rules: list[str]) -> None:
    """Have requests to the provider fail by these rules."""
    (await stage.installed.hubspot.post("/_sim/fail", json={"rules": rules})).raise_for_status()


async def stats(stage: Stage) -> dict[str, Any]:
    """What the provider has counted."""
    found: dict[str, Any] = (await stage.installed.hubspot.get("/_sim/stats")).raise_for_status().json()
    return found


FAULTS: dict[str, Fault] = {
    "processes": kill_processes,
    "database": restart_database,
    "stalled": stall_workers,
    "destination": break_destination,
    "provider": break_provider,
    "pages": break_pages,
    "limits": storm,
}


async def end_waits(stage: Stage) -> None:
    """Make everything due that waits for its next attempt."""
    await stage.ask(
        """
        with ended as (update connection set throttled_until = null where throttled_until is not null),
        closed as (
            update destination set breaker_open_until = null, breaker_probe_until = null, consecutive_failures = 0
            where breaker_open_until is not null
        ),
        due as (update delivery_message set next_at = now() where next_at > now()),
        staged as (update job set run_at = now() where state = 'delayed' and run_at > now())
        select pg_notify('conjunct_queue', 'delayed')
        """
    )


def main() -> int:
    """Run the checks; 0 when everything holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faults", nargs="*", choices=[*FAULTS, []], help="which; all of them without any")
    parser.add_argument("--records", type=int, default=100_000, help="contacts in the simulated account")
    parser.add_argument("--within", type=float, default=900, help="seconds after which a check has failed")
    options = parser.parse_args()
    failed = [name for name in options.faults or FAULTS if not _holds(name, options.records, options.within)]
    print(f"FAILED: {', '.join(failed)}" if failed else "Everything holds.")
    return 1 if failed else 0


def _holds(name: str, records: int, within: float) -> bool:
    print(f"{name}:", flush=True)
    try:
        asyncio.run(_bounded(name, records, within))
    except Violation as violation:
        print(f"FAILED: {violation}", flush=True)
        return False
    return True


async def _bounded(name: str, records: int, within: float) -> None:
    try:
        async with asyncio.timeout(within):
            with _reachable_folder() as folder:
                async with _staged(folder, records) as stage:
                    await _break(stage, name, records)
    except TimeoutError:
        raise Violation(f"{name}: it did not end within {within:.0f} s") from None


@contextmanager
def _reachable_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="conjunct-fault-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # started by root, the database runs as another user and has to walk in
        yield folder


@asynccontextmanager
async def _staged(folder: Path, records: int) -> AsyncIterator[Stage]:
    """The platform with its backfill begun, and workers on further hosts."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(EmbeddedPostgres(folder / "postgres"))
        settings = quiet_settings(folder, server.url)
        up = Up(settings, UpOptions((Simulated("hubspot", records, seed=1),)))
        platform = await stack.enter_async_context(up)
        receiver = await stack.enter_async_context(receive())
        api = await stack.enter_async_context(
            httpx.AsyncClient(base_url=platform.url, headers=access(folder), timeout=30)
        )
        hubspot = await stack.enter_async_context(
            httpx.AsyncClient(base_url=platform.simulators["hubspot"], headers=TOKEN, timeout=30)
        )
        further = [await _further_host(stack, settings, platform, folder, number) for number in range(FURTHER_HOSTS)]
        database = await asyncpg.connect(server.url)
        stack.callback(database.terminate)
        while await database.fetchval("select count(*) from worker") <= FURTHER_HOSTS:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.1)
        path = await install(api, receiver)
        installed = Installed(api, hubspot, database, receiver, platform, path)
        workers = [platform.children["worker"], *further]
        yield Stage(folder, server.url, installed, workers, -(-records // PAGE))


async def _further_host(
    stack: AsyncExitStack, settings: Settings, platform: Platform, folder: Path, number: int
) -> Child:
    """A worker that shares nothing but the database, and the key that the operator gave it."""
    own = folder / f"host{number}"
    own.mkdir()
    environment = {
        **settings.environment(),
        "CONJUNCT_DATA_DIR": str(own),
        "CONJUNCT_PUBLIC_URL": platform.url,
        "CONJUNCT_PROVIDER_OVERRIDES": str(folder / "provider-overrides.yaml"),
        "CONJUNCT_MASTER_KEY": (folder / "master.key").read_text(),
    }
    lifeline = Lifeline()
    stack.callback(lifeline.close)
    child = await Child(Command(f"worker {number + 2}", ["worker"], environment), lifeline).start()
    stack.push_async_callback(child.stop)
    return child


async def _break(stage: Stage, name: str, records: int) -> None:
    """Break things until the backfill has ended, then see what arrived."""
    started = time.monotonic()
    backfill = await stage.ask("select operation_id from read_run")
    trouble = asyncio.ensure_future(FAULTS[name](stage))
    try:
        while await stage.ask("select status from operation where id = $1", backfill) in (None, "in_progress"):
            if trouble.done():
                trouble.result()
            marked = await stage.ask("select count(*) from read_object where watermark is not null")
            ended = await stage.ask("select status from operation where id = $1", backfill)
            require(not marked or ended != "in_progress", "there is a watermark before the backfill has ended")
            await asyncio.sleep(0.2)
    finally:
        trouble.cancel()
        await asyncio.wait({trouble})
    served = (await stats(stage))["recordsServed"]
    await _calm_down(stage)
    said = ", ".join(f"{count} {what}" for what, count in sorted(stage.done.items()))
    print(f"faults       {said or 'none'}, in {time.monotonic() - started:.1f} s")
    status = await stage.ask("select status || ': ' || coalesce(result, '') from operation where id = $1", backfill)
    require(status.startswith("success"), f"the backfill ended as {status}")
    require(stage.done.total() > 0, "the backfill had ended before anything was broken: use more records")
    receiver = stage.installed.receiver
    print(f"given        {served:,} records by the provider")
    print(f"refused      {receiver.refused} messages by the destination")
    if name == "pages":
        require(served <= records + PAGE, "pages were read again that had been committed")
    if name == "limits":
        require(stage.done[ALL_KEPT] > 0, "in no pause all workers took the read up")
    database = await asyncpg.connect(stage.url)
    try:
        await compare(replace(stage.installed, database=database), backfill, records)
        begun = await database.fetchval("select new_watermark from read_run where operation_id = $1", backfill)
        mark = await database.fetchval("select watermark from read_object")
        require(begun == mark, f"the watermark is {mark}, and the backfill's is {begun}")
    finally:
        await database.close()


async def _calm_down(stage: Stage) -> None:
    """Let all be well again, and everything that was kept be delivered."""
    stage.installed.receiver.status, stage.installed.receiver.delay = 204, 0.0
    (await stage.installed.hubspot.post("/_sim/fail", json={"rules": []})).raise_for_status()
    while await stage.ask("select count(*) from delivery_message") != 0:
        await end_waits(stage)
        await asyncio.sleep(0.3)


if __name__ == "__main__":
    sys.exit(main())
