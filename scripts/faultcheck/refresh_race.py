"""Race for one expired token in three processes, then kill them in the middle of refreshes, and count what is lost.

    .venv/bin/python -m scripts.faultcheck.refresh_race

It runs three `conjunct api` processes on one database, and an OAuth server that rotates refresh tokens and ends the
whole grant when one is used twice. Then

- 100 requests at once over the three, `GET …/connections/{id}?refresh=ifExpired&includeCreds=true`, on one expired
  token: the server must be asked once, and all must get the same new token. Repeated 50 times;
- the process that refreshes is killed with SIGKILL: before the server has acted, after it has acted but before its
  answer, after its answer but before our commit (its row is locked meanwhile), and at any moment. 20 times. The others
  are asked at once. Each connection must come back by itself, or be told of: `bad_credentials`, with words that say
  that a refresh was interrupted. Telling is right only where the server had acted, and nobody has got its answer.

`--apart` gives each process a data folder of its own, as on several hosts; the killed one is started again at once.
Prints figures; ends with 1 when any of this does not hold. Nothing leaves this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any, Literal

import asyncpg
import httpx
import yaml

from scripts.faultcheck.api_processes import ApiProcess, api_processes, scratch_database, settings
from scripts.faultcheck.rotating_server import CLIENT_ID, CLIENT_SECRET, RotatingServer, rotating_server

PROCESSES = 3
REQUESTS = 100
CONNECTIONS = "/v1/projects/default/connections"
PROVIDER = """
spec: conjunct/provider@1
name: racing
display: Racing
base_url: https://racing.example.com
auth: {type: oauth2, authorize_url: https://racing.example.com/authorize, token_url: https://racing.example.com/token}
objects: {things: {read: {request: {path: /things}}}}
"""

Moment = Literal["before it acts", "before its answer", "before its answer, repeatable", "before our commit", "any"]
MOMENTS: tuple[Moment, ...] = (
    "before it acts",
    "before our commit",
    "before its answer",
    "any",
    "before its answer, repeatable",
)
Outcome = Literal["recovered", "reported", "LOST"]


class Violation(Exception):
    """Something that Conjunct promises did not hold."""


def require(holds: bool, what: str) -> None:
    """Raise `Violation` unless it holds."""
    if not holds:
        raise Violation(what)


@dataclass(frozen=True)
class World:
    """The processes, the server that they ask, and their database."""

    processes: list[ApiProcess]
    server: RotatingServer
    database: asyncpg.Connection
    apart: bool

    async def call(self, process: ApiProcess, method: str, path: str, body: Any = None) -> Any:
        """One request that must succeed."""
        answer = await process.client.request(method, path, json=body)
        require(answer.is_success, f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json()

    async def connection(self, name: str) -> str:
        """A connection whose access token has ended; gives its id."""
        grant = self.server.grant(name)
        tokens = {"accessToken": {"token": grant.access}, "refreshToken": {"token": grant.refresh}}
        body = {"provider": "racing", "groupRef": name, "consumerRef": name, "oauth2AuthorizationCode": tokens}
        made: str = (await self.call(self.processes[0], "POST", f"{CONNECTIONS}:generate", body))["id"]
        await self.database.execute(
            "UPDATE connection SET provider_app_id = (SELECT id FROM provider_app) WHERE id = $1", made
        )
        await self.expire(made)
        return made

    async def expire(self, connection_id: str) -> None:
        """Let the connection's access token end."""
        await self.database.execute(
            "UPDATE connection SET access_token_expires_at = now() - interval '1 minute' WHERE id = $1", connection_id
        )


def main() -> int:
    """Run the check; 0 when everything holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--races", type=int, default=50, help="how often 100 requests race")
    parser.add_argument("--kills", type=int, default=20, help="how often a process is killed")
    parser.add_argument("--apart", action="store_true", help="a data folder for each process")
    parser.add_argument("--seed", type=int, default=1, help="what the moments of kills at any moment are drawn from")
    parser.add_argument("--database", help="a PostgreSQL server to make a database on, instead of an embedded one")
    parser.add_argument("--within", type=float, default=1500, help="seconds after which the check has failed")
    options = parser.parse_args()
    try:
        asyncio.run(_bounded(options))
    except Violation as violation:
        print(f"FAILED: {violation}", file=sys.stderr)
        return 1
    print("Everything holds.")
    return 0


async def _bounded(options: argparse.Namespace) -> None:
    try:
        async with asyncio.timeout(options.within):
            with tempfile.TemporaryDirectory(prefix="conjunct-fault-") as folder:
                await _run(Path(folder), options)
    except TimeoutError:
        raise Violation(f"it did not end within {options.within:.0f} s") from None


async def _run(folder: Path, options: argparse.Namespace) -> None:
    async with (
        scratch_database(folder, options.database) as url,
        rotating_server() as server,
        _world(folder, url, server, apart=options.apart) as world,
    ):
        where = "a data folder each" if options.apart else "one data folder"
        print(f"processes    {PROCESSES}, {where}")
        await _race(world, options.races)
        await _kill(world, options.kills, random.Random(options.seed))


@asynccontextmanager
async def _world(folder: Path, url: str, server: RotatingServer, *, apart: bool) -> AsyncIterator[World]:
    environment = settings(folder, url, "racing", PROVIDER)
    overrides = folder / "overrides.yaml"
    overrides.write_text(yaml.safe_dump({"racing": server.url}))
    environment["CONJUNCT_PROVIDER_OVERRIDES"] = str(overrides)
    folders = [folder / f"host-{number}" if apart else folder for number in range(PROCESSES)]
    async with api_processes(folder, environment, folders) as processes:
        database = await asyncpg.connect(url)
        try:
            world = World(processes, server, database, apart)
            app = {"provider": "racing", "clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET, "scopes": ["things"]}
            await world.call(processes[0], "POST", "/v1/projects/default/provider-apps", app)
            yield world
        finally:
            await database.close()


async def _race(world: World, races: int) -> None:
    """Many at once on one expired token, again and again."""
    connection_id = await world.connection("race")
    grant, seconds = world.server.grants["race"], []
    world.server.delay = 0.1
    path = f"{CONNECTIONS}/{connection_id}?refresh=ifExpired&includeCreds=true"
    for number in range(1, races + 1):
        await world.expire(connection_id)
        begun = time.monotonic()
        turns = islice(cycle(world.processes), REQUESTS)
        answers = await asyncio.gather(*(world.call(process, "GET", path) for process in turns))
        seconds.append(time.monotonic() - begun)
        tokens = Counter(answer["oauth2AuthorizationCode"]["accessToken"]["token"] for answer in answers)
        require(grant.renewals == number, f"race {number}: {grant.renewals - number + 1} refreshes instead of 1")
        require(grant.refusals == 0, f"race {number}: a used refresh token was sent")
        require(tokens == {grant.access: REQUESTS}, f"race {number}: not all have the new token")
    world.server.delay = 0.0
    if seconds:
        print(f"races        {races} of {REQUESTS} requests: 1 refresh each, all with the same new token")
        print(f"             median {median(seconds):.2f} s, longest {max(seconds):.2f} s, of which 0.1 s the server's")


async def _kill(world: World, kills: int, moments: random.Random) -> None:
    """Kill whoever refreshes, at each kind of moment in turn."""
    seen: dict[Moment, list[tuple[Outcome, float]]] = {moment: [] for moment in MOMENTS}
    for number, moment in enumerate(islice(cycle(MOMENTS), kills), start=1):
        outcome, seconds = await _kill_once(world, number, moment, moments)
        seen[moment].append((outcome, seconds))
        print(f"  kill {number:2}, {moment}: {outcome} after {seconds:.1f} s", flush=True)
    for moment, outcomes in seen.items():
        counted = Counter(outcome for outcome, _ in outcomes)
        if outcomes:
            told = ", ".join(f"{count} {outcome}" for outcome, count in counted.items())
            print(f"{moment:30} {told}; median {median(seconds for _, seconds in outcomes):.1f} s")
        require(counted["LOST"] == 0, f"killed {moment}: a connection was lost without a word")


async def _kill_once(world: World, number: int, moment: Moment, moments: random.Random) -> tuple[Outcome, float]:
    """Kill the process that refreshes a connection, ask the others; gives what became of it, and after how long."""
    name = f"kill{number}"
    connection_id = await world.connection(name)
    grant, server = world.server.grants[name], world.server
    victim, *others = islice(cycle(world.processes), number % PROCESSES, number % PROCESSES + PROCESSES)
    path = f"{CONNECTIONS}/{connection_id}?refresh=ifExpired&includeCreds=true"
    server.forgiving = moment == "before its answer, repeatable"
    asking = asyncio.create_task(victim.client.get(path))
    match moment:
        case "before it acts":
            await _held(server, "before")
            await victim.kill()
        case "before its answer" | "before its answer, repeatable":
            await _held(server, "after")
            await victim.kill()
        case "before our commit":
            await _held(server, "after")
            async with world.database.transaction():
                await world.database.execute("SELECT id FROM connection WHERE id = $1 FOR UPDATE", connection_id)
                server.go.set()
                await _until_stuck(world.database)
                await victim.kill()
        case "any":
            server.delay = 0.05
            await asyncio.sleep(moments.uniform(0.0, 0.15))
            await victim.kill()
            server.delay = 0.0
    server.holding(None)
    begun = time.monotonic()
    restarting = asyncio.create_task(victim.start())
    answers = await asyncio.gather(*(process.client.get(path) for process in others * 5))
    seconds = time.monotonic() - begun
    await asyncio.gather(asking, restarting, return_exceptions=True)
    require(restarting.exception() is None, "a killed process could not be started again")
    acted = grant.renewals > 0
    outcome = await _outcome(world, connection_id, grant.access, answers)
    if outcome == "reported":
        impossible = acted and moment in ("before its answer", "any")
        require(impossible, f"killed {moment}: told as lost, though it need not be")
    return outcome, seconds


async def _held(server: RotatingServer, where: Literal["before", "after"]) -> None:
    server.holding(where)
    await server.held.wait()


async def _until_stuck(database: asyncpg.Connection) -> None:
    """Wait until a commit waits for the row that we have locked: the answer is there."""
    stuck = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    while not await database.fetchval(stuck):  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.01)


async def _outcome(world: World, connection_id: str, access: str, answers: list[httpx.Response]) -> Outcome:
    """Recovered: the newest token is stored, and another can be had. Reported: the connection says what happened."""
    process = world.processes[0]
    statuses = {answer.status_code for answer in answers}
    told = any("interrupted" in answer.text for answer in answers)
    path = f"{CONNECTIONS}/{connection_id}?includeCreds=true"
    shown = await world.call(process, "GET", path)
    stored = shown["oauth2AuthorizationCode"]["accessToken"]["token"]
    again = await process.client.get(f"{path}&refresh=force")
    if stored == access and again.status_code == 200 and statuses == {200}:
        return "recovered"
    if shown["status"] == "bad_credentials" and told and statuses == {422} and again.status_code == 422:
        return "reported"
    print(f"    {shown['status']}, answers {sorted(statuses)}, then {again.status_code}: {again.text[:300]}")
    return "LOST"


if __name__ == "__main__":
    sys.exit(main())
