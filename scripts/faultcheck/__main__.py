"""Run the fault checks one after another, at full size or small.

    .venv/bin/python -m scripts.faultcheck
    .venv/bin/python -m scripts.faultcheck --small
    .venv/bin/python -m scripts.faultcheck --small interleavings limits

Without `--small` and without names it lists what there is. Each check is a command of its own; what it prints is
shown. A summary follows; it ends with 1 when a check failed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

SMALL: dict[str, str] = {
    "kill_worker": "--records 8000 --kills 3 --within 240",
    "backfill_faults": "--records 5000 --within 240",
    "interleavings": "--examples 20 --minutes 4",
    "kill_writes": "--writes 20 --kills 4 --within 240",
    "refresh_race": "--races 5 --kills 4 --within 240",
    "rotate_keys": "--values 3000 --kills 2 --within 600",
    "limits": "--last 6",
    "proxy_streams": "--megabytes 128 --connections 500 --within 240",
    "wrong_answers": "--minutes 0.5",
}
"""All checks, with the options of their small versions: minutes on two cores, all together."""


def main() -> int:
    """List the checks, or run them; 0 when everything holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="check", help="which; with --small all of them without any")
    parser.add_argument("--small", action="store_true", help="with less of everything, to see whether they work")
    options = parser.parse_args()
    if unknown := sorted(set(options.names) - SMALL.keys()):
        parser.error(f"there is no check {', '.join(unknown)}; there are {', '.join(SMALL)}")
    if not options.names and not options.small:
        _list()
        return 0
    results = {name: _run(name, small=options.small) for name in options.names or SMALL}
    print("\nSummary")
    for name, (holds, seconds) in results.items():
        print(f"{name:16} {'holds' if holds else 'FAILED':7} {seconds:6.0f} s")
    return 0 if all(holds for holds, _ in results.values()) else 1


def _list() -> None:
    for name in SMALL:
        print(f"{name:16} {_purpose(name)}")


def _purpose(name: str) -> str:
    """The first line of its documentation."""
    found = find_spec(f"scripts.faultcheck.{name}")
    if found is None or found.origin is None:
        raise LookupError(f"there is no check {name}")
    return Path(found.origin).read_text().partition("\n")[0].strip('"')


def _run(name: str, *, small: bool) -> tuple[bool, float]:
    """Whether it holds, and the seconds that it took."""
    arguments = SMALL[name].split() if small else []
    print(f"\n{name} {' '.join(arguments)}", flush=True)
    started = time.monotonic()
    ended = subprocess.run([sys.executable, "-m", f"scripts.faultcheck.{name}", *arguments], check=False)
    return ended.returncode == 0, time.monotonic() - started


if __name__ == "__main__":
    sys.exit(main())
