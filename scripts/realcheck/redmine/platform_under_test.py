"""Conjunct with schedules of a minute, and what it tells of operations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scripts.realcheck import platform_under_test
from scripts.realcheck.processes import until

ENDED = ("success", "failure")


@dataclass
class Platform(platform_under_test.Platform):
    """A running platform, asked about operations."""

    def operation(self, identifier: str) -> dict[str, Any]:
        """An operation as it is now."""
        found: dict[str, Any] = self.call("GET", f"/operations/{identifier}")
        return found

    def logs(self, identifier: str) -> list[dict[str, Any]]:
        """An operation's log lines."""
        lines: list[dict[str, Any]] = self.call("GET", f"/operations/{identifier}/logs")
        return lines


@dataclass(frozen=True)
class Installation:
    """One customer's installation of the integration."""

    platform: Platform
    path: str

    def operations(self) -> list[dict[str, Any]]:
        """The latest operations, newest first."""
        listed: list[dict[str, Any]] = self.platform.call("GET", f"{self.path}/operations")["results"]
        return listed

    def next_operations(self, objects: Sequence[str], *, within: float = 150) -> list[dict[str, Any]]:
        """For each of these objects the next operation that begins after now, once all of them have ended."""
        known = self._ids()

        def ended() -> list[dict[str, Any]] | None:
            first = {each["metadata"]["objects"][0]: each for each in self._ended_but(known)}
            return [first[name] for name in objects] if first.keys() >= set(objects) else None

        return until(f"a scheduled read of {', '.join(objects)} ends", ended, within=within, every=0.5)

    def next_operation(self, *, within: float = 150) -> dict[str, Any]:
        """The first operation of any object that begins after now, once it has ended."""
        known = self._ids()
        return until("a scheduled read ends", lambda: self._ended_but(known), within=within, every=0.5)[-1]

    def _ids(self) -> set[str]:
        return {each["id"] for each in self.operations()}

    def _ended_but(self, known: set[str]) -> list[dict[str, Any]]:
        return [each for each in self.operations() if each["id"] not in known and each["status"] in ENDED]

    def age_of_last(self, object_name: str) -> float:
        """Seconds since the latest operation of an object began."""
        begun = next(each["createTime"] for each in self.operations() if object_name in each["metadata"]["objects"])
        return (datetime.now(UTC) - datetime.fromisoformat(begun)).total_seconds()

    def progress(self, object_name: str) -> dict[str, Any]:
        """The progress of an object's backfill."""
        found: dict[str, Any] = self.platform.call("GET", f"{self.path}/objects/{object_name}/backfill-progress")
        return found


@contextmanager
def conjunct(folder: Path) -> Iterator[Platform]:
    """Run `conjunct up` in `folder` for the length of the block; reads may be scheduled each minute."""
    with platform_under_test.conjunct(folder, {"CONJUNCT_MINIMUM_SCHEDULE_SECONDS": "60"}) as platform:
        yield Platform(**vars(platform))
