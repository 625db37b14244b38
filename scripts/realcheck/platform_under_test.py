"""Conjunct as its users run it: `conjunct up` with a data folder of its own, and a client of its public API."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from scripts.realcheck.processes import CheckFailed, run, running, said, until

CONJUNCT = str(Path(sys.executable).with_name("conjunct"))
Request = tuple[str, str, int]  # method, path, status


@dataclass
class Platform:
    """A running platform. Paths are those below the project; `own` are the requests of the check itself."""

    url: str
    data_dir: Path
    log: Path
    environment: dict[str, str]
    client: httpx.Client
    own: Counter[Request] = field(default_factory=Counter)

    def deploy(self, folder: Path) -> None:
        """Deploy the manifest of a folder with the command line."""
        command = [CONJUNCT, "deploy", str(folder), "--data-dir", str(self.data_dir)]
        run(command, environment=self.environment, folder=self.data_dir, within=60)

    def ask(self, method: str, path: str, body: Any = None, surface: str = "") -> httpx.Response:
        """One request; whatever it answers."""
        response = self.client.request(method, f"{surface}/v1/projects/default{path}", json=body)
        self.own[(method, response.request.url.path, response.status_code)] += 1
        return response

    def call(self, method: str, path: str, body: Any = None, surface: str = "") -> Any:
        """One request; the JSON of its answer. Raises `CheckFailed` with the problem that it answers."""
        response = self.ask(method, path, body, surface)
        if response.is_error:
            raise CheckFailed(f"Conjunct: {method} {path}: {response.status_code} {response.text[:1000]}")
        return response.json() if response.content else None

    def connections(self, group: str) -> list[dict[str, Any]]:
        """A customer's connections."""
        listed: list[dict[str, Any]] = self.call("GET", f"/connections?groupRef={group}")
        return listed


@contextmanager
def conjunct(folder: Path, settings: Mapping[str, str], arguments: Sequence[str] = ()) -> Iterator[Platform]:
    """Run `conjunct up` in `folder` for the length of the block; it may go to servers on loopback."""
    data_dir, log = folder / "data", folder / "conjunct.log"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("CONJUNCT_")},
        "CONJUNCT_ALLOWED_NETWORKS": "127.0.0.0/8",
        "CONJUNCT_LOG_FORMAT": "json",
        **settings,
    }
    environment.pop("DATABASE_URL", None)  # a database of its own
    command = [CONJUNCT, "up", "--data-dir", str(data_dir), "--port", "0", *arguments]
    with running(command, environment=environment, folder=folder, log=log) as process:
        url = until("Conjunct is ready", lambda: said(process, log, "Conjunct is ready at "), within=90)
        until("all of it is ready", lambda: said(process, log, "Press Ctrl-C"), within=90)
        access = json.loads((data_dir / "bootstrap.json").read_text())
        headers = {"X-Api-Key": access["apiKey"]}
        limits = httpx.Limits(keepalive_expiry=2)  # seconds: before the server lets go of an idle connection
        with httpx.Client(base_url=url, headers=headers, timeout=30, limits=limits) as client:
            yield Platform(url, data_dir, log, environment, client)
