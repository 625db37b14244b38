"""Conjunct beside a simulated HubSpot, with its log of requests."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from scripts.realcheck import platform_under_test
from scripts.realcheck.platform_under_test import Request
from scripts.realcheck.processes import CheckFailed

_LOGGED = re.compile(r'\{"timestamp":[^{}\n]*?"event":"request"[^{}\n]*?"logger":"conjunct.http"\}')
_NAMED = re.compile(r"/(projects|connections|integrations|installations|revisions|providers|provider-apps)/[^/:]+")


@dataclass
class Platform(platform_under_test.Platform):
    """`hubspot` is where the simulated one is."""

    hubspot: str = ""

    def installations(self, group: str, integration: str = "crm") -> list[dict[str, Any]]:
        """A customer's installations of an integration."""
        listed: list[dict[str, Any]] = self.call("GET", f"/integrations/{integration}/installations")
        return [each for each in listed if each["group"]["groupRef"] == group]

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
def conjunct(folder: Path, *, origin: str, providers: Mapping[str, str]) -> Iterator[Platform]:
    """Run it in `folder` for the length of the block; pages of `origin` may use it.

    `providers` are addresses of servers that play providers besides the simulated HubSpot, by name.
    """
    overrides = folder / "overrides.yaml"
    overrides.write_text(json.dumps(providers))  # which is YAML, too
    settings = {"CONJUNCT_CORS_ORIGINS": origin, "CONJUNCT_PROVIDER_OVERRIDES": str(overrides)}
    with platform_under_test.conjunct(folder, settings, ["--simulate", "hubspot"]) as platform:
        yield Platform(**vars(platform), hubspot=told(platform.log, "hubspot simulator:"))
