"""Ask one provider through several processes at once, more than it allows, and count what reaches it.

    .venv/bin/python -m scripts.faultcheck.limits

It runs `conjunct api` in three processes on one database, and a provider on loopback that documents a limit. For a
while many requests at once ask each process for something that it must ask the provider for, all over one connection.
Every request that reaches the provider is counted: no stretch of the limit's time may see more than the limit. What is
sent in time can arrive late and close to what follows, on a busy machine above all: so the stretch is shorter by what
requests need on their way, which is measured meanwhile. Whoever gets no answer must be told so, with the moment from
which to try again. Then the provider asks for a pause: nothing may reach it until that is over, but what was on its
way.

Prints figures; ends with 1 when any of this does not hold. Nothing leaves this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import httpx
from aiohttp import web

from conjunct.connectors.definition import Bucket
from conjunct.kit.slots import lot_seconds
from scripts.faultcheck.api_processes import ApiProcess, api_processes, scratch_database, settings

PROVIDER = """
spec: conjunct/provider@1
name: limited
display: Limited
inputs: [{{name: workspace, kind: url}}]
base_url: "{{workspace}}"
auth: {{type: apiKey, name: X-Key}}
rate_limit: {{buckets: {{default: {{requests: {requests}, seconds: {seconds}}}}}}}
objects: {{things: {{schema: {{source: sample}}, read: {{request: {{path: /things}}}}}}}}
"""
ASKED = "/v1/projects/default/providers/limited/objects/things/metadata?groupRef=limited"
AT_ONCE = 20
"""Requests under way at each process."""

PAUSE = 4
"""Seconds of pause that the provider asks for."""


@dataclass
class Counting:
    """A provider that notes when it is asked; told to, it asks for a pause instead of answering, once."""

    url: str = ""
    asked: list[float] = field(default_factory=list)
    refuses: bool = False
    refused_at: float | None = None

    async def handle(self, _request: web.Request) -> web.Response:
        """Its one endpoint."""
        now = time.monotonic()
        self.asked.append(now)
        if self.refuses:
            self.refuses, self.refused_at = False, now
            return web.json_response({"message": "slow down"}, status=429, headers={"Retry-After": str(PAUSE)})
        return web.json_response([{"id": 1, "name": "a"}])

    async def ping(self, _request: web.Request) -> web.Response:
        """Another, which does not count."""
        return web.Response()


def main() -> int:
    """Run the check; 0 when everything holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--requests", type=int, default=40, help="the limit: so many requests")
    parser.add_argument("--seconds", type=float, default=2, help="in so many seconds")
    parser.add_argument("--last", type=float, default=20, help="seconds for which more is asked")
    parser.add_argument("--database", help="a PostgreSQL server to make a database on, instead of an embedded one")
    options = parser.parse_args()
    faults = asyncio.run(_bounded(options))
    for fault in faults:
        print(f"FAILED: {fault}", file=sys.stderr)
    if not faults:
        print("Everything holds.")
    return 1 if faults else 0


async def _bounded(options: argparse.Namespace) -> list[str]:
    async with asyncio.timeout(options.last + 120):
        with tempfile.TemporaryDirectory(prefix="conjunct-fault-") as name:
            return await _run(Path(name), options)


async def _run(folder: Path, options: argparse.Namespace) -> list[str]:
    limit = Bucket(requests=options.requests, seconds=options.seconds)
    folders = [folder / f"host-{number}" for number in range(options.processes)]
    definition = PROVIDER.format(requests=limit.requests, seconds=limit.seconds)
    async with (
        scratch_database(folder, options.database) as url,
        _counting_server() as server,
        api_processes(folder, settings(folder, url, "limited", definition), folders) as processes,
    ):
        body = {"provider": "limited", "groupRef": "limited", "consumerRef": "limited", "apiKey": "k"}
        body["providerWorkspaceRef"] = server.url
        made = await processes[0].client.post("/v1/projects/default/connections:generate", json=body)
        if made.status_code != 201:
            return [f"there is no connection: {made.text[:500]}"]
        first = await processes[0].client.get(ASKED)
        if first.status_code != 200:
            return [f"it cannot be asked: {first.text[:500]}"]
        server.asked.clear()
        print(f"limit        {limit.requests} requests in {limit.seconds:g} s, {options.processes} processes")
        answers, on_its_way = await asyncio.gather(_ask(processes, options.last), _measure(server.url, options.last))
        faults = _judged(server.asked, answers, limit, on_its_way)
        server.refuses = True
        answers = await _ask(processes, PAUSE + 3 * limit.seconds)
        return faults + _pause_judged(server, answers, limit)


async def _ask(processes: Sequence[ApiProcess], seconds: float) -> Counter[str]:
    """Ask all processes for so long; what was answered, by status, and whether it tells when to try again."""
    answers: Counter[str] = Counter()
    end = time.monotonic() + seconds

    async def asking(process: ApiProcess) -> None:
        while time.monotonic() < end:
            answer = await process.client.get(ASKED)
            told = answer.status_code == 503 and "Retry-After" in answer.headers
            answers[f"{answer.status_code}{' with Retry-After' if told else ''}"] += 1
            if answer.status_code != 200:
                await asyncio.sleep(0.2)

    await asyncio.gather(*(asking(process) for process in processes for _ in range(AT_ONCE)))
    return answers


async def _measure(url: str, seconds: float) -> float:
    """The longest that a request has needed to get there and back, in seconds."""
    longest, end = 0.0, time.monotonic() + seconds
    async with httpx.AsyncClient() as client:
        while (begun := time.monotonic()) < end:
            await client.get(f"{url}/ping")
            longest = max(longest, time.monotonic() - begun)
            await asyncio.sleep(0.02)
    return longest


def _largest(asked: Sequence[float], seconds: float) -> int:
    return max(bisect_left(asked, begin + seconds) - place for place, begin in enumerate(asked))


def _judged(asked: Sequence[float], answers: Counter[str], limit: Bucket, on_its_way: float) -> list[str]:
    stretch = limit.seconds - on_its_way
    largest = _largest(asked, stretch)
    lasted = asked[-1] - asked[0]
    used = len(asked) / (lasted / limit.seconds + 1) / limit.requests
    print(f"asked        {sum(answers.values()):,} times: {_told(answers)}")
    print(f"reached it   {len(asked):,} in {lasted:.1f} s, {used:.0%} of what it allows")
    arrived = _largest(asked, limit.seconds)
    print(f"largest      {arrived} arrived in any {limit.seconds:g} s, {largest} in any {stretch:.2f} s")
    return [
        *([f"{largest} requests in {stretch:.2f} s"] if largest > limit.requests else []),
        *([f"only {used:.0%} of the limit was used"] if used < 0.6 else []),
        *_unexpected(answers),
    ]


def _pause_judged(server: Counting, answers: Counter[str], limit: Bucket) -> list[str]:
    if server.refused_at is None:
        return ["it was not asked after the first while"]
    after = [moment - server.refused_at for moment in server.asked if moment > server.refused_at]
    # The others hear of a pause with their next lot; what they have in hand until then goes out.
    heard = lot_seconds(limit) + 0.5
    early = [moment for moment in after if heard < moment < PAUSE]
    gap = max((later - former for former, later in pairwise([0.0, *after])), default=0.0)
    print(f"pause        {PAUSE} s: {sum(moment <= heard for moment in after)} requests were on their way or in hand,")
    print(f"             {len(early)} came later than {heard:g} s; then none for {gap:.1f} s; {_told(answers)}")
    faults = [f"{len(early)} requests in the pause"] if early else []
    if not any(moment >= PAUSE for moment in after):
        faults.append("nothing was asked after the pause")
    return faults + _unexpected(answers)


def _unexpected(answers: Counter[str]) -> list[str]:
    others = {each: number for each, number in answers.items() if each not in ("200", "503 with Retry-After")}
    return [f"other answers: {others}"] if others else []


def _told(answers: Counter[str]) -> str:
    return ", ".join(f"{number:,} of {answer}" for answer, number in sorted(answers.items()))


@asynccontextmanager
async def _counting_server() -> AsyncIterator[Counting]:
    server = Counting()
    app = web.Application()
    app.router.add_get("/things", server.handle)
    app.router.add_get("/ping", server.ping)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    sys.exit(main())
