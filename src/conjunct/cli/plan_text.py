"""A plan, for people to read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_HEADS = {
    "created": "+ {name} ({provider}): new",
    "changed": "~ {name} ({provider}): changed",
    "unchanged": "  {name} ({provider}): unchanged",
    "notInManifest": "  {name} ({provider}): not in the manifest, stays as it is",
}
_NAMED = 5


def lines(plan: Mapping[str, Any]) -> Iterator[str]:
    """The lines of a plan as the API answers it: each integration, what changes, for whom, and what to look at."""
    for integration in plan["integrations"]:
        yield from _integration(integration)
    changing = sum(each["kind"] in ("created", "changed") for each in plan["integrations"])
    warnings = sum(len(each["warnings"]) for each in plan["integrations"])
    yield f"A deploy would change {changing} of {len(plan['integrations'])} integrations; {warnings} to look at."


def _integration(integration: Mapping[str, Any]) -> Iterator[str]:
    yield _HEADS[integration["kind"]].format_map(integration)
    yield from (f"    {line}" for line in integration["changes"]["summary"])
    yield from (f"    > {each['detail']}{_groups(each)}" for each in integration["effects"])
    for warning in integration["warnings"]:
        yield f"    ! {warning['detail']}"
        yield f"      {warning['remedy']}"


def _groups(effect: Mapping[str, Any]) -> str:
    named = [each["groupRef"] for each in effect["installations"][:_NAMED]]
    further = effect["total"] - len(named)
    return f" ({', '.join(named)}{f' and {further} more' if further else ''})"
