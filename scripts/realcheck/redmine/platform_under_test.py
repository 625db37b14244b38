"""Conjunct as its users run it: `conjunct up` with a data folder of its own, and a client of its public API."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from processes import CheckFailed, run, running, said, until

CONJUNCT = str(Path(sys.executable).with_name("conjunct"))
ENDED = ("success", "failure")


@dataclass(frozen=True)
class Platform:
    """A running platform. Paths are those below the project."""

    url: str
    data_dir: Path
    environment: dict[str, str]
    client: httpx.Client

    def deploy(self, folder: Path) -> None:
        """Deploy the manifest of a folder with the command line."""
        command = [CONJUNCT, "deploy", str(folder), "--data-dir", str(self.data_dir)]
        run(command, environment=self.environment, folder=self.data_dir, within=60)

    def call(self, method: str, path: str, body: Any = None, surface: str = "") -> Any:
        """One request; the JSON of its answer. Raises `CheckFailed` with the problem that it answers."""
        response = self.client.request(method, f"{surface}/v1/projects/default{path}", json=body)
        if response.is_error:
            raise CheckFailed(f"Conjunct: {method} {path}: {response.status_code} {response.text[:1000]}")
        return response.json() if response.content else None

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
    data_dir, log = folder / "data", folder / "conjunct.log"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("CONJUNCT_")},
        "CONJUNCT_ALLOWED_NETWORKS": "127.0.0.0/8",
        "CONJUNCT_MINIMUM_SCHEDULE_SECONDS": "60",
        "CONJUNCT_LOG_FORMAT": "json",
    }
    environment.pop("DATABASE_URL", None)  # a database of its own
    command = [CONJUNCT, "up", "--data-dir", str(data_dir), "--port", "0"]
    with running(command, environment=environment, folder=folder, log=log) as process:
        url = until("Conjunct is ready", lambda: said(process, log, "Conjunct is ready at "), within=90)
        access = json.loads((data_dir / "bootstrap.json").read_text())
        with httpx.Client(base_url=url, headers={"X-Api-Key": access["apiKey"]}, timeout=30) as client:
            yield Platform(url, data_dir, environment, client)
