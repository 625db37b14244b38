"""`/crm/v3/lists`: lists of records, and who is on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from conjunct.simulators.contract import Answer, Call, Route
from conjunct.simulators.hubspot import bodies, errors, listing
from conjunct.simulators.hubspot.objects import Objects, Resolve

_NAMES = ("Newsletter", "Customers", "Trial users", "Partners", "Berlin", "Churned", "Webinar guests")
_EVERY = 7
"""A contact is on the list that its place leaves as a remainder."""


class ListsApi:
    """Answers for lists: seven of contacts, and those that were created since."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self.reset()

    def reset(self) -> None:
        """Return to the lists of the start."""
        self._lists = {str(number): _list(number, name, day=number) for number, name in enumerate(_NAMES, 1)}

    def routes(self) -> Sequence[Route]:
        """The routes; HubSpot's own client ends the one of creations with a slash."""
        return (
            Route("POST", "/crm/v3/lists/search", self.search, page=True),
            Route("POST", "/crm/v3/lists", self.create),
            Route("POST", "/crm/v3/lists/", self.create),
            Route("GET", "/crm/v3/lists/{id}", self.get),
            Route("DELETE", "/crm/v3/lists/{id}", self.delete),
            Route("GET", "/crm/v3/lists/{id}/memberships", self.memberships),
        )

    def search(self, call: Call) -> Answer:
        """Lists by a part of their name; `offset` is how many to skip."""
        body = bodies.read_object(call.body)
        count = listing.whole(body, "count", 20, 500) or 20
        start = listing.whole(body, "offset", 0, 10**9)
        words = str(body.get("query") or "").casefold()
        found = [item for item in self._lists.values() if words in item["name"].casefold()]
        shown = found[start : start + count]
        end = start + len(shown)
        answer = {"offset": end, "hasMore": end < len(found), "lists": shown, "total": len(found)}
        return bodies.json_answer(answer, records=len(shown))

    def create(self, call: Call) -> Answer:
        """Add an empty list."""
        body = bodies.read_object(call.body)
        name, kind = body.get("name"), body.get("objectTypeId")
        if not (isinstance(name, str) and name and isinstance(kind, str) and kind):
            raise errors.invalid("Some required fields were not set: [name, objectTypeId, processingType]")
        if any(item["name"] == name for item in self._lists.values()):
            raise errors.invalid(f"A list named '{name}' already exists")
        number = max(map(int, self._lists), default=0) + 1
        made = _list(number, name, day=1 + number % 28)
        made |= {"objectTypeId": kind, "processingType": str(body.get("processingType") or "MANUAL")}
        self._lists[str(number)] = made
        return bodies.json_answer({"list": made})

    def get(self, call: Call) -> Answer:
        """One list."""
        return bodies.json_answer({"list": self._list(call)})

    def delete(self, call: Call) -> Answer:
        """Take a list away."""
        del self._lists[self._list(call)["listId"]]
        return Answer(204)

    def memberships(self, call: Call) -> Answer:
        """The records on a list, a page at a time."""
        found = self._list(call)
        objects = self._resolve(found["objectTypeId"])
        number = int(found["listId"])
        members = list(_members(objects, number)) if number <= len(_NAMES) else []
        wire = [{"recordId": each, "membershipTimestamp": found["createdAt"]} for each in members]
        return listing.page(call, wire, default=100, most=250, total=True)

    def _list(self, call: Call) -> dict[str, Any]:
        found = self._lists.get(call.params["id"])
        if found is None:
            raise errors.HubSpotError(404, f"List does not exist with ID {call.params['id']}.", "OBJECT_NOT_FOUND")
        return found


def _members(objects: Objects, number: int) -> list[str]:
    return [objects.store.record_id(place) for place in objects.store.live() if place % _EVERY == number - 1]


def _list(number: int, name: str, *, day: int) -> dict[str, Any]:
    moment = f"2025-01-{day:02d}T20:00:31.738Z"
    return {
        "listId": str(number),
        "listVersion": 1,
        "createdAt": moment,
        "updatedAt": moment,
        "filtersUpdatedAt": moment,
        "processingStatus": "COMPLETE",
        "createdById": "101",
        "updatedById": "101",
        "processingType": "DYNAMIC",
        "objectTypeId": "0-1",
        "name": name,
        "additionalProperties": {"hs_list_reference_count": "0"},
    }
