"""What the headers of a request say to us: whose project, over which installation, and how. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from conjunct.actions.proxy.problems import ProxyHeadersWrong
from conjunct.core.problems import Issue

VERSION = "1"
_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class Asked:
    """An installation, by its id, or by its integration (id or name) and group."""

    installation_id: str | None
    integration: str = ""
    group_ref: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """The project (id or name), the installation, and whether known pauses of the provider are to be kept."""

    project: str
    asked: Asked
    throttles: bool


NAMES = (
    "x-amp-proxy-version",
    "x-amp-project-id",
    "x-amp-rate-limiter-mode",
    "x-amp-installation-id",
    "x-amp-integration-name",
    "x-amp-group-ref",
)


def read_wish(headers: Mapping[str, str | None]) -> Wish:
    """What the headers say, by their lower-case names (None: said twice). Raises `ProxyHeadersWrong`."""
    return _read(tuple(headers.get(name, "") for name in NAMES))


@lru_cache(maxsize=4096)  # the same few are sent again and again
def _read(values: tuple[str | None, ...]) -> Wish:
    issues: list[Issue] = []
    headers = dict(zip(NAMES, values, strict=True))

    def told(name: str) -> str:
        value = headers[name]
        if value is None:
            issues.append(Issue(name, "is there more than once", location="header"))
        elif len(value) > _LONGEST:
            issues.append(Issue(name, f"has more than {_LONGEST} characters", location="header"))
        return (value or "").strip()

    version, project, mode, installation, integration, group = map(told, NAMES)
    if version != VERSION:
        issues.append(Issue("x-amp-proxy-version", f"must be {VERSION}", location="header"))
    if not project:
        issues.append(Issue("x-amp-project-id", "is missing", location="header"))
    if not installation and not (integration and group):
        missing = "is missing, or x-amp-integration-name and x-amp-group-ref in its place"
        issues.append(Issue("x-amp-installation-id", missing, location="header"))
    if mode not in ("", "throttle"):
        issues.append(Issue("x-amp-rate-limiter-mode", "must be throttle, if it is there", location="header"))
    if issues:
        raise ProxyHeadersWrong(
            "; ".join(f"{issue.name} {issue.detail}" for issue in issues),
            remedy="Send x-amp-proxy-version: 1, x-amp-project-id, and x-amp-installation-id; see the guide.",
            issues=issues,
        )
    asked = Asked(installation) if installation else Asked(None, integration, group)
    return Wish(project, asked, mode == "throttle")
