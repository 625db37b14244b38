"""Play the recorded exchanges of all providers with wrong answers, for as long as one likes, and count what comes.

    .venv/bin/python -m scripts.faultcheck.wrong_answers --minutes 10 --seed 7

Every kind of sample of every definition has its turn. It ends with 1 where something came that should not be: neither
pages, records and results that can be delivered and kept, nor an error that runs can decide by. Each of these is told
once, with the provider, the sample and the seed that repeat it. Nothing is sent anywhere.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
import traceback
from collections import Counter
from itertools import count

from tests.providers.fuzzing import play_one, samples


async def run(minutes: float, seed: int) -> bool:
    """Play until the time is over; returns whether all was well."""
    seen: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    end = time.monotonic() + minutes * 60
    for number in count(seed * 1_000_000):
        for provider, kind in samples():
            kinds[kind] += 1
            try:
                seen += await play_one(provider, kind, number)
            except Exception as error:  # noqa: BLE001 - told, and counted
                where = _where(error)
                if not faults[where]:
                    traceback.print_exception(error)
                faults[where] += 1
        if time.monotonic() >= end:
            break
    print(f"examples  {kinds.total():,}: {_told(kinds)}")
    print(f"seen      {_told(seen)}")
    print(f"faults    {_told(faults) or 'none'}")
    return not faults


def _where(error: Exception) -> str:
    *_, last = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} at {last.filename.rpartition('/')[2]}:{last.lineno}"


def _told(counted: Counter[str]) -> str:
    return ", ".join(f"{number:,} {name}" for name, number in sorted(counted.items()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    sys.exit(0 if asyncio.run(run(options.minutes, options.seed)) else 1)
