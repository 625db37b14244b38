"""Play thousands of interleavings of workers, producers, crashes and faults, on a clock that stands still.

    .venv/bin/python -m scripts.faultcheck.interleavings --examples 5000

The queue and delivery run as they are, on a real PostgreSQL whose `now()` the simulation sets. Each simulated process
stops before it begins a transaction and before it commits; hypothesis chooses who goes on, how a commit ends (well,
not at all, or unknown to who asked for it), who is killed, how long nothing happens, and what destinations answer. What
is promised is checked after every step, and once more when all has come to rest. What is checked is said in
`tests/simulation`.

Prints what was played; ends with 1 when something did not hold, with the steps that lead there and the seed that
repeats them. Nothing leaves this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from functools import partial

from conjunct.app.embedded import scratch_postgres
from tests.simulation.environment import Environment, simulation
from tests.simulation.machines import MACHINES
from tests.simulation.playing import play

BATCH = 50


def main() -> int:
    """Play; 0 when everything held."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=500, help="how many to play of each machine")
    parser.add_argument("--seed", type=int, default=1, help="of the first 50 examples; the next 50 have the next")
    parser.add_argument("--machine", choices=sorted(MACHINES), action="append", help="play this one only")
    parser.add_argument("--minutes", type=float, default=60, help="after which no further 50 are begun")
    holds = asyncio.run(_on_a_server(partial(_play_all, parser.parse_args())))
    if holds:
        print("Everything holds.")
    return 0 if holds else 1


async def _on_a_server(work: Callable[[str], bool]) -> bool:
    """What it gives on the server that CONJUNCT_TEST_DATABASE_URL names, or else on an embedded one."""
    if given := os.environ.get("CONJUNCT_TEST_DATABASE_URL"):
        return await asyncio.to_thread(work, given)
    async with scratch_postgres() as server:
        return await asyncio.to_thread(work, server.url)


def _play_all(options: argparse.Namespace, server_url: str) -> bool:
    with simulation(server_url) as environment:
        return all(
            _play(environment, name, options.examples, options.seed, options.minutes * 60)
            for name in options.machine or MACHINES
        )


def _play(environment: Environment, name: str, examples: int, seed: int, seconds: float) -> bool:
    machine = MACHINES[name](environment)
    started = time.monotonic()
    for number in range(-(-examples // BATCH)):
        if time.monotonic() - started > seconds:
            print(f"{name}: the time is over")
            break
        count = min(BATCH, examples - number * BATCH)
        try:
            play(machine, examples=count, seed_=seed + number)
        except Exception:  # noqa: BLE001 - told, with how to repeat it
            traceback.print_exc()
            command = f"python -m scripts.faultcheck.interleavings --machine {name} --examples {count}"
            print(f"FAILED: repeat it by  .venv/bin/{command} --seed {seed + number}", file=sys.stderr)
            return False
        print(f"{name:9} seed {seed + number:5} held after {time.monotonic() - started:6.0f} s", flush=True)
    _tell(name, machine.PLAYED)
    return True


def _tell(name: str, played: Counter[str]) -> None:
    said = ", ".join(f"{count:,} {what}" for what, count in sorted(played.items()) if what not in ("examples", "steps"))
    print(f"{name:9} {played['examples']:,} examples, {played['steps']:,} steps; {said}")


if __name__ == "__main__":
    sys.exit(main())
