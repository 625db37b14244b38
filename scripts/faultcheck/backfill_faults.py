"""Backfill 100,000 records by workers on three hosts while things go wrong, and count what arrives.

    .venv/bin/python -m scripts.faultcheck.backfill_faults
    .venv/bin/python -m scripts.faultcheck.backfill_faults stalled database --records 20000

It runs the platform as `conjunct up` does, and two workers more, each with a data folder of its own, as on other
hosts: they share the database and nothing else. One backfill is made for each fault:

- `processes`: workers, the API and PostgreSQL are killed in turn, every few seconds;
- `database`: PostgreSQL is restarted, in order and at once, every few seconds;
- `stalled`: a worker that reads is stopped for longer than its lease, and goes on afterwards;
- `destination`: it is down, slow and well by turns; waits for the next attempt are cut short in the end;
- `provider`: some requests fail, are cut off, or are cut short; waits are cut short;
- `limits`: the provider answers everything with 429 for some seconds, again and again.

In the end every contact has arrived, under as many message ids as there are pages; what came more than once had the
same id and the same bytes; the watermark is where the backfill began.

Prints what it saw; ends with 1 when any of this does not hold. Nothing leaves this machine.
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
PAGES_BETWEEN_KILLS = 15


@dataclass(frozen=True, slots=True)
class Stage:
    """A backfill that is under way, and what there is to break. `done` counts what was broken."""

    folder: Path
    url: str
    installed: Installed
    workers: list[Child]
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
    last = -BETWEEN_DATABASE_FAULTS
    for child in itertools.cycle(children):
        await receiver.until(partial(receiver.has, len(receiver.messages) + PAGES_BETWEEN_KILLS))
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
    """Let the destination be well, down, slow and well by turns, for ever."""
    receiver = stage.installed.receiver
    for status, delay, seconds in itertools.cycle([(204, 0.0, 2), (503, 0.0, 2), (204, 0.2, 2), (500, 0.1, 1)]):
        receiver.status, receiver.delay = status, delay
        await asyncio.sleep(seconds)
        stage.done["changes of the destination"] += 1
        await end_waits(stage)


async def break_provider(stage: Stage) -> None:
    """Let some requests to the provider fail in several ways; no wait lasts."""
    rules = {"rules": ["500:0.01", "reset:0.01", "truncate:0.01", "html:0.005"]}
    (await stage.installed.hubspot.post("/_sim/fail", json=rules)).raise_for_status()
    while True:
        await asyncio.sleep(0.5)
        await end_waits(stage)


async def storm(stage: Stage) -> None:
    """Have the provider answer everything with 429, for some seconds, again and again."""
    hubspot = stage.installed.hubspot
    while True:
        await asyncio.sleep(1)
        (await hubspot.post("/_sim/fail", json={"rules": ["429:1"]})).raise_for_status()
        before = (await hubspot.get("/_sim/stats")).json()["requests"]
        await asyncio.sleep(4)
        asked = (await hubspot.get("/_sim/stats")).json()["requests"] - before
        (await hubspot.post("/_sim/fail", json={"rules": []})).raise_for_status()
        stage.done["storms"] += 1
        stage.done["requests during storms"] += asked
        paused = await stage.ask("select max(throttled_until) > now() from connection")
        require(paused is not False or asked == 0, "the provider asked for a pause, and the connection has none")
        await end_waits(stage)


FAULTS: dict[str, Fault] = {
    "processes": kill_processes,
    "database": restart_database,
    "stalled": stall_workers,
    "destination": break_destination,
    "provider": break_provider,
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
    try:
        for name in options.faults or FAULTS:
            print(f"{name}:", flush=True)
            asyncio.run(_bounded(name, options.records, options.within))
    except Violation as violation:
        print(f"FAILED: {violation}", file=sys.stderr)
        return 1
    print("Everything holds.")
    return 0


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
        path = await install(api, receiver)
        installed = Installed(api, hubspot, database, receiver, platform, path)
        yield Stage(folder, server.url, installed, [platform.children["worker"], *further])


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
            await asyncio.sleep(0.2)
    finally:
        trouble.cancel()
        await asyncio.wait({trouble})
    await _calm_down(stage)
    said = ", ".join(f"{count} {what}" for what, count in sorted(stage.done.items()))
    print(f"faults       {said or 'none'}, in {time.monotonic() - started:.1f} s")
    status = await stage.ask("select status || ': ' || coalesce(result, '') from operation where id = $1", backfill)
    require(status.startswith("success"), f"the backfill ended as {status}")
    require(bool(stage.done), "the backfill had ended before anything was broken: use more records")
    receiver = stage.installed.receiver
    print(f"refused      {receiver.refused}")
    database = await asyncpg.connect(stage.url)
    try:
        await compare(replace(stage.installed, database=database), backfill, records)
        begun, mark = await database.fetchrow("select r.new_watermark, o.watermark from read_run r, read_object o")
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
