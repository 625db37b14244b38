"""`/events/v3/events`: what people did, such as visiting a page. It can be read only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from conjunct.simulators.contract import Answer, Call, Route
from conjunct.simulators.hubspot import bodies, errors, listing, moments
from conjunct.simulators.hubspot.objects import Resolve

_TYPES = {"e_visited_page": ("contacts", "CONTACT"), "e_deal_closed": ("deals", "DEAL")}
_COUNT = 24
_EVERY = 3_600_000


class EventsApi:
    """Answers for events: one an hour of each type, up to the moment `as_of` (ms)."""

    def __init__(self, resolve: Resolve, as_of: int) -> None:
        self._resolve = resolve
        self._as_of = as_of

    def routes(self) -> Sequence[Route]:
        """The routes; HubSpot's own client ends the first with a slash."""
        bases = ("/events/v3/events", "/events/event-occurrences/{version}")
        return (
            Route("GET", "/events/v3/events/event-types", self.types),
            *(Route("GET", path, self.list, page=True) for base in bases for path in (base, f"{base}/")),
        )

    def types(self, _call: Call) -> Answer:
        """The types of which there are events."""
        return bodies.json_answer({"eventTypes": list(_TYPES)})

    def list(self, call: Call) -> Answer:
        """Events of a type, the latest first, after one moment and before another."""
        kind = call.query.get("eventType")
        if kind not in _TYPES:
            raise errors.invalid(f"Event type {kind} does not exist")
        after, before = (_moment(call, name) for name in ("occurredAfter", "occurredBefore"))
        found = [
            self._event(kind, number)
            for number in range(_COUNT)
            if (after is None or self._at(number) > after) and (before is None or self._at(number) < before)
        ]
        return listing.page(call, found, default=20, most=1000)

    def _at(self, number: int) -> int:
        return self._as_of - (number + 1) * _EVERY

    def _event(self, kind: str, number: int) -> dict[str, Any]:
        name, object_type = _TYPES[kind]
        store = self._resolve(name).store
        record_id, moment = store.record_id(number % max(store.count, 1)), self._at(number)
        return {
            "objectType": object_type,
            "objectId": record_id,
            "eventType": kind,
            "occurredAt": moments.write(moment),
            "id": f"simulated-{record_id}-{moment}",
            "properties": {"hs_country": "pt"} if kind == "e_visited_page" else {"hs_closed_state": "CLOSED_WON"},
        }


def _moment(call: Call, name: str) -> int | None:
    text = call.query.get(name)
    if text is None:
        return None
    try:
        return moments.read(text)
    except ValueError as fault:
        raise errors.invalid(f"{name} is not a moment: '{text}'") from fault
