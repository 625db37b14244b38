"""Pages of short lists that stand in memory: owners, lists, marketing objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from conjunct.simulators.contract import Answer, Call
from conjunct.simulators.hubspot import bodies, errors


def whole(query: Mapping[str, Any], name: str, default: int, most: int) -> int:
    """A whole number, at least 0 and at most `most`. Raises `HubSpotError`."""
    value = query.get(name, default)
    text = "" if value is None or isinstance(value, bool) else str(value)
    if not text.isdecimal() or int(text[:10]) > most:
        raise errors.invalid(f"{name} must be between 0 and {most}, not '{value}'")
    return int(text)


def page(call: Call, entries: Sequence[dict[str, Any]], *, default: int, most: int, total: bool = False) -> Answer:
    """A page of `entries`: `limit` of them, after as many as `after` says."""
    limit = whole(call.query, "limit", default, most) or default
    start = whole(call.query, "after", 0, len(entries))
    shown, end = list(entries[start : start + limit]), start + limit
    body: dict[str, Any] = {"total": len(entries)} if total else {}
    body["results"] = shown
    if end < len(entries):
        rest = [(name, value) for name, value in call.query.items() if name != "after"]
        link = f"{call.origin}{call.path}?{urlencode([*rest, ('after', end)])}"
        body["paging"] = {"next": {"after": str(end), "link": link}}
    return bodies.json_answer(body, records=len(shown))


def latest_first(call: Call, entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The entries in the order that `sort` asks for: `updatedAt`, or `-updatedAt` for the latest first."""
    sort = call.query.get("sort")
    if sort is None:
        return list(entries)
    name = sort.removeprefix("-")
    if name not in ("createdAt", "updatedAt", "name"):
        raise errors.invalid(f"Cannot sort by '{sort}'")
    return sorted(entries, key=lambda entry: str(entry[name]), reverse=sort.startswith("-"))
