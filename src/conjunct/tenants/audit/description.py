"""What a request was about, as its entry in the audit log says it. Nothing of a body but its update mask is told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import Request, Response

from conjunct.core.telemetry import redact

LONGEST_TEXT = 200
MOST_MASKS = 50
_LARGEST_ANSWER = 1_000_000

_PARAMETER = re.compile(r"{(\w+)}")
_WHERE = ("projectIdOrName", "orgId")
"""Parameters that say where something is: the entry's project or org tells that."""


def resource_of(template: str, parameters: Mapping[str, str]) -> tuple[str, str | None]:
    """Kind and id of the resource that a path is about.

    >>> resource_of("/projects/{projectIdOrName}/integrations/{integrationId}:rollback", {"integrationId": "crm"})
    ('integration', 'crm')
    """
    kind, found = "", None
    for segment in template.strip("/").split("/"):
        if parameter := _PARAMETER.match(segment):
            found = parameters.get(parameter[1])
        else:
            kind, found = _singular(segment.partition(":")[0]), None
    return kind, found


def answered_id(response: Response) -> str | None:
    """The id of what the answer shows, if it shows one thing that has an id."""
    body = bytes(getattr(response, "body", b""))
    if not body.startswith(b"{") or len(body) > _LARGEST_ANSWER:
        return None
    found = orjson.loads(body).get("id")
    return found if isinstance(found, str) else None


def safe_parameters(request: Request) -> dict[str, str]:
    """The path's parameters, without anything that looks secret: an API key may stand in a path."""
    return _safe({name: value for name, value in request.path_params.items() if name not in _WHERE})


async def detail_of(request: Request) -> dict[str, Any]:
    """What the entry says besides: the other parameters of the path, the flags of the query, and the update mask."""
    parts = {
        "path": safe_parameters(request),
        "query": _flags(request.query_params),
        "updateMask": await _update_mask(request),
    }
    return {name: value for name, value in parts.items() if value}


async def _update_mask(request: Request) -> list[str]:
    if request.method != "PATCH":
        return []
    body = await request.json() if await request.body() else None
    masks = body.get("updateMask") if isinstance(body, dict) else None
    return [str(each)[:LONGEST_TEXT] for each in masks[:MOST_MASKS]] if isinstance(masks, list) else []


def _flags(query: Mapping[str, str]) -> dict[str, bool]:
    """What was switched on and off: other parameters may be secret, such as the code of an OAuth callback."""
    return {name: value == "true" for name, value in query.items() if value in ("true", "false")}


def _safe(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value)[:LONGEST_TEXT] for name, value in redact(None, "", dict(values)).items()}


def _singular(collection: str) -> str:
    return f"{collection[:-3]}y" if collection.endswith("ies") else collection.removesuffix("s")
