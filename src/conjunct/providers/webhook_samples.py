"""Samples of requests with which providers tell of changes: what such a request tells, or how it is answered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from conjunct.connectors.event_definition import Events
from conjunct.connectors.event_proofs import verify
from conjunct.connectors.events import Event, EventRefused, EventRequest, answer_to, challenged, parse


def what_it_tells(rule: Events | None, wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The events of a sample's request; or the `answer` to a challenge; or why it is `refused`."""
    if rule is None:
        return [{"refused": "the definition has no events"}]
    request = event_request(wanted)
    try:
        found = challenged(rule, request)
        if found is None or found[0].signed:
            verify(rule, request, wanted.get("secrets", ()), datetime.fromisoformat(wanted["now"]))
        if found is None:
            return [_event(event) for event in parse(rule, request)]
    except EventRefused as refused:
        return [{"refused": refused.reason}]
    answer = answer_to(*found)
    told = {"body": answer.body.decode(), "headers": dict(answer.headers), "secret": answer.secret}
    return [{"answer": {key: value for key, value in told.items() if value}}]


def event_request(wanted: Mapping[str, Any]) -> EventRequest:
    """The request of a sample. Its body is the text that is there, or the JSON without any space."""
    asked = wanted["request"]
    body = asked.get("body", "")
    text = body if isinstance(body, str) else json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    return EventRequest(asked.get("method", "POST"), wanted["url"], asked.get("headers", {}), text.encode())


def _event(event: Event) -> dict[str, Any]:
    told = {
        "kind": event.kind,
        "name": event.name,
        "object": event.object,
        "id": event.id,
        "changed": list(event.changed),
        "time": event.time.isoformat() if event.time is not None else None,
        "account": event.account,
    }
    return {key: value for key, value in told.items() if value}
