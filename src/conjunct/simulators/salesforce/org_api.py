"""What the org tells of itself: versions of the API, resources, limits."""

from __future__ import annotations

from collections.abc import Sequence

from conjunct.simulators.contract import Answer, Call, Route
from conjunct.simulators.salesforce.access import Usage
from conjunct.simulators.salesforce.bodies import base, json_answer

_VERSIONS = tuple(range(31, 67))
_RESOURCES = ("sobjects", "query", "queryAll", "search", "composite", "limits", "tooling", "jobs")
_LIMITS = {
    "DailyBulkV2QueryFileStorageMB": 976_562,
    "DailyBulkV2QueryJobs": 10_000,
    "DailyBulkApiBatches": 15_000,
    "DataStorageMB": 1073,
    "FileStorageMB": 1073,
    "SingleEmail": 5000,
}


class OrgApi:
    """Answers `/services/data`, the resources of a version, and `/limits`."""

    def __init__(self, usage: Usage) -> None:
        self._usage = usage

    def open_routes(self) -> Sequence[Route]:
        """The routes that need no token."""
        return (Route("GET", "/services/data", self.versions),)

    def routes(self, root: str) -> Sequence[Route]:
        """The routes below `root`."""
        return (Route("GET", root, self.resources), Route("GET", f"{root}/limits", self.limits))

    def versions(self, _call: Call) -> Answer:
        """Every version of the API."""
        wire = [
            {"label": _season(number), "url": f"/services/data/v{number}.0", "version": f"{number}.0"}
            for number in _VERSIONS
        ]
        return json_answer(wire)

    def resources(self, call: Call) -> Answer:
        """What there is below a version."""
        return json_answer({name: f"{base(call)}/{name}" for name in _RESOURCES})

    def limits(self, _call: Call) -> Answer:
        """How much of everything is left."""
        calls = {"Max": self._usage.most, "Remaining": max(0, self._usage.most - self._usage.used)}
        others = {name: {"Max": most, "Remaining": most} for name, most in _LIMITS.items()}
        return json_answer({"DailyApiRequests": calls, **others})


def _season(number: int) -> str:
    """The release of a version: there are three a year, and 60 was that of spring 2024."""
    year, season = divmod(number - 60, 3)
    return f"{('Spring', 'Summer', 'Winter')[season]} '{24 + year + (season == 2)}"
