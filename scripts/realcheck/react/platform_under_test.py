"""Conjunct as its users run it: `conjunct up` beside a simulated HubSpot, with a client and its log of requests."""

from __future__ import annotations

import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from scripts.realcheck.redmine.processes import CheckFailed, run, running, said, until

CONJUNCT = str(Path(sys.executable).with_name("conjunct"))
Request = tuple[str, str, int]  # method, path, status

_LOGGED = re.compile(r'\{"timestamp":[^{}\n]*?"event":"request"[^{}\n]*?"logger":"conjunct.http"\}')
_NAMED = re.compile(r"/(projects|connections|integrations|installations|revisions|providers|provider-apps)/[^/:]+")


@dataclass
class Platform:
    """A running platform. Paths are those below the project; `own` are the requests of the check itself."""

    url: str
    hubspot: str
    data_dir: Path
    log: Path
    environment: dict[str, str]
    client: httpx.Client
    own: Counter[Request] = field(default_factory=Counter)

    def deploy(self, folder: Path) -> None:
        """Deploy the manifest of a folder with the command line."""
        command = [CONJUNCT, "deploy", str(folder), "--data-dir", str(self.data_dir)]
        run(command, environment=self.environment, folder=self.data_dir, within=60)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One request; the JSON of its answer. Raises `CheckFailed` with the problem that it answers."""
        response = self.client.request(method, f"/v1/projects/default{path}", json=body)
        self.own[(method, response.request.url.path, response.status_code)] += 1
        if response.is_error:
            raise CheckFailed(f"Conjunct: {method} {path}: {response.status_code} {response.text[:1000]}")
        return response.json() if response.content else None

    def installations(self, group: str, integration: str = "crm") -> list[dict[str, Any]]:
        """A customer's installations of an integration."""
        listed: list[dict[str, Any]] = self.call("GET", f"/integrations/{integration}/installations")
        return [each for each in listed if each["group"]["groupRef"] == group]

    def connections(self, group: str) -> list[dict[str, Any]]:
        """A customer's connections."""
        listed: list[dict[str, Any]] = self.call("GET", f"/connections?groupRef={group}")
        return listed

    def provider_requests(self) -> Counter[str]:
        """What the simulated HubSpot was asked, by route."""
        stats = httpx.get(f"{self.hubspot}/_sim/stats", timeout=10).raise_for_status().json()
        return Counter(stats["requestsByRoute"])

    def requests(self) -> Counter[Request]:
        """What was asked by anyone but the check, by method, path without names, and status."""
        found: Counter[Request] = Counter()
        for line in _LOGGED.findall(self.log.read_text(errors="replace")):
            logged = json.loads(line)
            found[(logged["method"], logged["path"], logged["status"])] += 1
        found.subtract(self.own)
        shown: Counter[Request] = Counter()
        for (method, path, status), count in found.items():
            if count > 0:
                shown[(method, _NAMED.sub(r"/\1/{}", path), status)] += count
        return shown


def told(log: Path, what: str) -> str:
    """The address after some words in the log. Several processes write there, so anything may follow it."""
    found = re.search(re.escape(what) + r" (http://[0-9.]+:[0-9]+)", log.read_text(errors="replace"))
    if found is None:
        raise CheckFailed(f"the log does not tell {what!r}")
    return found[1]


@contextmanager
def conjunct(folder: Path, *, origin: str) -> Iterator[Platform]:
    """Run `conjunct up` in `folder` for the length of the block, with a HubSpot; pages of `origin` may use it."""
    data_dir, log = folder / "data", folder / "conjunct.log"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("CONJUNCT_")},
        "CONJUNCT_ALLOWED_NETWORKS": "127.0.0.0/8",
        "CONJUNCT_CORS_ORIGINS": origin,
        "CONJUNCT_LOG_FORMAT": "json",
    }
    environment.pop("DATABASE_URL", None)  # a database of its own
    command = [CONJUNCT, "up", "--data-dir", str(data_dir), "--port", "0", "--simulate", "hubspot"]
    with running(command, environment=environment, folder=folder, log=log) as process:
        until("Conjunct is ready", lambda: said(process, log, "Press Ctrl-C"), within=90)
        url, hubspot = told(log, "Conjunct is ready at"), told(log, "hubspot simulator:")
        access = json.loads((data_dir / "bootstrap.json").read_text())
        with httpx.Client(base_url=url, headers={"X-Api-Key": access["apiKey"]}, timeout=30) as client:
            yield Platform(url, hubspot, data_dir, log, environment, client)
