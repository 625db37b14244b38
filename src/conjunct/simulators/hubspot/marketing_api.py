"""`/marketing/…`: emails, forms, campaigns and events; and links to meetings. They can be read only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from conjunct.simulators.contract import Answer, Call, Handler, Route
from conjunct.simulators.hubspot import bodies, errors, listing

_SUBJECTS = ("Spring news", "What is new", "Your invitation", "Thank you", "Webinar on Thursday")


def _moments(number: int) -> dict[str, str]:
    return {"createdAt": f"2025-0{number}-01T10:00:00.000Z", "updatedAt": f"2025-0{number}-15T10:00:00.500Z"}


def _email(number: int, name: str) -> dict[str, Any]:
    return {
        "id": str(212_476_546_300 + number),
        "name": name,
        "subject": name,
        "state": "DRAFT" if number % 2 else "PUBLISHED",
        "type": "BATCH_EMAIL",
        "language": "en",
        "activeDomain": "example.com",
        "archived": False,
        "isAb": False,
        "isPublished": number % 2 == 0,
        "sendOnPublish": True,
        "subcategory": "batch",
        "content": {},
        "from": {},
        "to": {},
        "subscriptionDetails": {},
        "webversion": {},
        **_moments(number),
    }


def _form(number: int, name: str) -> dict[str, Any]:
    return {
        "id": f"591e2731-c869-445d-b422-26f43145e9d{number}",
        "name": name,
        "formType": "hubspot",
        "archived": False,
        "fieldGroups": [],
        "configuration": {"language": "en"},
        "displayOptions": {"theme": "default_style", "submitButtonText": "Send"},
        "legalConsentOptions": {"type": "none"},
        **_moments(number),
    }


def _campaign(number: int, name: str) -> dict[str, Any]:
    properties = {"hs_name": name, "hs_notes": f"Campaign {number}"}
    return {
        "id": f"430318c4-abb7-4bf7-a75e-9c5fa8f475a{number}",
        "properties": properties,
        "businessUnits": [{"id": 0}],
        **_moments(number),
    }


def _event(number: int, name: str) -> dict[str, Any]:
    return {
        "objectId": str(555_442_196_800 + number),
        "externalEventId": f"event-{number}",
        "eventName": name,
        "eventOrganizer": "Ada Lovelace",
        "eventCancelled": False,
        "eventCompleted": False,
        "customProperties": [],
        "registrants": number,
        **_moments(number),
    }


def _meeting_link(number: int, name: str) -> dict[str, Any]:
    slug = f"ada/{name.lower().replace(' ', '-')}"
    return {
        "id": str(12_428_960 + number),
        "slug": slug,
        "link": f"https://meetings.example.com/{slug}",
        "name": name,
        "type": "PERSONAL_LINK",
        "organizerUserId": "101",
        "userIdsOfLinkMembers": ["101"],
        "defaultLink": number == 1,
        **_moments(number),
    }


_ENTRIES = {
    "emails": ([_email(number, name) for number, name in enumerate(_SUBJECTS, 1)], "id"),
    "forms": ([_form(number, name) for number, name in enumerate(_SUBJECTS, 1)], "id"),
    "campaigns": ([_campaign(number, name) for number, name in enumerate(_SUBJECTS, 1)], "id"),
    "marketing-events": ([_event(number, name) for number, name in enumerate(_SUBJECTS, 1)], "objectId"),
    "meeting-links": ([_meeting_link(number, name) for number, name in enumerate(_SUBJECTS, 1)], "id"),
}


class MarketingApi:
    """Answers for what marketing makes, under version 3 and the dated versions."""

    def routes(self) -> Sequence[Route]:
        """The routes; HubSpot's own client ends those of lists with a slash."""
        return [
            route
            for name in _ENTRIES
            for base in _bases(name)
            for route in (
                Route("GET", base, _lister(name), page=True),
                Route("GET", f"{base}/", _lister(name), page=True),
                Route("GET", f"{base}/{{id}}", _getter(name)),
            )
        ]


def _bases(name: str) -> tuple[str, str]:
    if name == "meeting-links":
        return "/scheduler/v3/meetings/meeting-links", "/scheduler/{version}/meetings/meeting-links"
    return f"/marketing/v3/{name}", f"/marketing/{name}/{{version}}"


def _lister(name: str) -> Handler:
    entries, _id = _ENTRIES[name]

    def answer(call: Call) -> Answer:
        found = [] if bodies.flag(call.query, "archived") else listing.latest_first(call, entries)
        return listing.page(call, _chosen(call, found), default=20, most=300, total=name in ("emails", "campaigns"))

    return answer


def _getter(name: str) -> Handler:
    entries, key = _ENTRIES[name]

    def answer(call: Call) -> Answer:
        found = [entry for entry in entries if entry[key] == call.params["id"]]
        if not found:
            raise errors.not_found()
        return bodies.json_answer(_chosen(call, found)[0])

    return answer


def _chosen(call: Call, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Campaigns have only those properties that are asked for."""
    names = bodies.requested(call.query) or ()
    return [
        {**entry, "properties": {name: value for name, value in entry["properties"].items() if name in names}}
        if "properties" in entry
        else entry
        for entry in entries
    ]
