"""What all checks do: say what they are at, require what must be so, run in a folder and a time, tell their figures."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scripts.realcheck.processes import CheckFailed

Figures = Mapping[str, str]


def say(text: str) -> None:
    """Tell what is done."""
    print(f"{datetime.now(UTC):%H:%M:%S} {text}", flush=True)


def require(is_so: bool, complaint: str) -> None:
    """Raises `CheckFailed` with the complaint unless it is so."""
    if not is_so:
        raise CheckFailed(complaint)


def require_equal(what: str, wanted: Any, found: Any) -> None:
    """Raises `CheckFailed` when something else was found than wanted."""
    require(wanted == found, f"{what}: wanted {wanted}, found {found}")


def run_check(about: str | None, story: Callable[[Path], Figures], *, within: int) -> int:
    """Run a check as a command, in a folder that is gone at its end and for at most `within` seconds.

    `about` describes it; `story` is all of it, which raises `CheckFailed` or gives figures. Returns the exit status.
    """
    parser = argparse.ArgumentParser(description=(about or "").splitlines()[0])
    parser.add_argument("--keep", type=Path, help="copy the logs to this folder at the end")
    options = parser.parse_args()

    def too_long(*_given: object) -> None:
        raise CheckFailed(f"it was not done within {within} s")

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what runs is stopped, too
    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(within)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="conjunct-check-") as name:
        folder = Path(name)
        try:
            figures = {**story(folder), "whole check": f"{time.monotonic() - begun:.0f} s"}
        except CheckFailed as failure:
            print(f"\nFAILED: {failure}", file=sys.stderr)
            return 1
        finally:
            if options.keep:
                options.keep.mkdir(parents=True, exist_ok=True)
                for log in folder.glob("*.log"):
                    (options.keep / log.name).write_bytes(log.read_bytes())
    print("\nAll as it must be.")
    for what, figure in figures.items():
        print(f"  {what + ':':<30}{figure}")
    return 0
