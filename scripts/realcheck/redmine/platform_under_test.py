"""Conjunct as its users run it: `conjunct up` with a data folder of its own, and a client of its public API."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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

    def operations(self, object_name: str) -> list[dict[str, Any]]:
        """The ended operations of an object, oldest first."""
        listed = self.platform.call("GET", f"{self.path}/operations")["results"]
        mine = [each for each in listed if object_name in each["metadata"]["objects"] and each["status"] in ENDED]
        return sorted(mine, key=lambda each: str(each["createTime"]))

    def next_operation(self, object_name: str, *, within: float = 150) -> dict[str, Any]:
        """The next operation of an object that begins after now, once it has ended."""
        known = {each["id"] for each in self._all(object_name)}

        def ended() -> dict[str, Any] | None:
            return next((each for each in self.operations(object_name) if each["id"] not in known), None)

        return until(f"a scheduled read of {object_name} ends", ended, within=within)

    def progress(self, object_name: str) -> dict[str, Any]:
        """The progress of an object's backfill."""
        found: dict[str, Any] = self.platform.call("GET", f"{self.path}/objects/{object_name}/backfill-progress")
        return found

    def _all(self, object_name: str) -> list[dict[str, Any]]:
        listed = self.platform.call("GET", f"{self.path}/operations")["results"]
        return [each for each in listed if object_name in each["metadata"]["objects"]]


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
