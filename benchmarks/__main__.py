"""Measures the budgets of the paths that exist, each beside its bare baseline in the same run.

`make bench` runs all but what must install something first; `make bench ARGS="lists peers"` runs those that are named.
Ratios are what counts: machines differ and are noisy.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
import time

from benchmarks.report import Row
from conjunct.app.embedded import scratch_postgres

ALL = ("lists", "engine", "reads", "deliveries", "proxy", "schedules", "jobs", "startup")
ON_DEMAND = ("peers",)
"""Those that install other engines from the package index."""


async def main(names: list[str]) -> bool:
    """Run the named benchmarks; returns whether all budgets are kept."""
    kept = True
    async with scratch_postgres() as server:
        url = os.environ.get("CONJUNCT_BENCH_DATABASE_URL", server.url)
        for name in names:
            begin = time.perf_counter()
            rows: list[Row] = await importlib.import_module(f"benchmarks.{name}").run(url)
            print(f"\n{name} ({time.perf_counter() - begin:.0f} s)")
            for row in rows:
                _print(row)
                kept = kept and row.ok is not False
    return kept


def _print(row: Row) -> None:
    verdict = {True: "kept", False: "MISSED", None: ""}[row.ok]
    ratio = f"{row.ratio:.2f} of bare" if row.ratio is not None else ""
    print(f"  {row.path}")
    print(f"    measured {row.measured}   bare {row.baseline}   {ratio}")
    print(f"    budget   {row.budget}   {verdict}", flush=True)


if __name__ == "__main__":
    chosen = sys.argv[1:] or list(ALL)
    unknown = [name for name in chosen if name not in (*ALL, *ON_DEMAND)]
    if unknown:
        sys.exit(f"There is no benchmark {', '.join(unknown)}; there are {', '.join((*ALL, *ON_DEMAND))}.")
    sys.exit(0 if asyncio.run(main(chosen)) else 1)
