"""Every event has the shape that the specification of notifications gives it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import orjson
import pytest
from openapi_schema_validator import OAS30Validator, oas30_format_checker

from conjunct.notifications import EVENTS, ConnectionEvent, Event, EventType, InstallationEvent
from conjunct.notifications.messages import MAX_BYTES, body, message_id, too_large
from tests.notifications.conftest import payload_schema
from tests.support.specification import require_specification, specification

CONNECTION = {
    "project_id": "p",
    "connection_id": "c",
    "provider": "hubspot",
    "group_ref": "acme",
    "consumer_ref": "ada",
    "consumer_name": "Ada",
}
INSTALLATION = {
    **CONNECTION,
    "integration_id": "n",
    "integration_name": "crm",
    "installation_id": "i",
    "group_name": "Acme Inc",
}
CONFIG = {"read": {"objects": {"contacts": {"objectName": "contacts"}}}}
DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "notifications.md"
MOMENT = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
WINDOW = {"object_name": "contacts", "from_timestamp": MOMENT, "until_timestamp": MOMENT}

VALUES: dict[str, dict[str, Any]] = {
    "connection.created": CONNECTION,
    "connection.error": {**CONNECTION, "errors": ("The token was revoked.",)},
    "connection.refreshed": CONNECTION,
    "connection.updated": CONNECTION,
    "connection.deleted": CONNECTION,
    "installation.created": {**INSTALLATION, "config": CONFIG},
    "installation.updated": {**INSTALLATION, "config": CONFIG, "last_config": {}},
    "installation.deleted": {**INSTALLATION, "config": CONFIG},
    "read.schedule.paused": {**INSTALLATION, "config": CONFIG, "error": "No such field."},
    "read.backfill.done": {**INSTALLATION, "object_name": "contacts"},
    "read.triggered.done": {**INSTALLATION, **WINDOW},
    "read.triggered.error": {**INSTALLATION, **WINDOW, "error": "The provider failed."},
    "write.async.done": {
        **INSTALLATION,
        "object_name": "contacts",
        "success": False,
        "successful_record_ids": ("1", "2"),
        "errors": ("There is one like it.",),
    },
    "subscribe.create.error": {**INSTALLATION, "error": "Forbidden"},
    "destination.webhook.disabled": {
        "project_id": "p",
        "destination_id": "d",
        "destination_name": "hook",
        "url": "https://example.com/hook",
    },
}


def made(kind: type[Event]) -> Event:
    return kind.model_validate(VALUES[kind.type])


def test_there_are_the_event_types_of_the_specification_and_no_others() -> None:
    require_specification()
    document = specification()
    assert document is not None
    specified = document["components"]["schemas"]["NotificationEventType"]["enum"]
    assert [kind.type for kind in EVENTS] == specified == list(get_args(EventType))


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.type)
def test_an_event_is_told_as_specified(kind: type[Event]) -> None:
    require_specification()
    event = made(kind)
    told = orjson.loads(body(event, event.data()))
    schema = payload_schema(kind.type)
    assert schema is not None
    faults = OAS30Validator(schema, format_checker=oas30_format_checker).iter_errors(told)
    assert [f"{fault.json_path}: {fault.message}" for fault in faults] == []
    known = set(_properties(schema["properties"]["data"]))
    assert set(told["data"]) <= known
    assert told["notificationType"] == kind.type


def _properties(schema: dict[str, Any]) -> list[str]:
    parts = schema.get("allOf", [])
    return [*schema.get("properties", {}), *(name for part in parts for name in _properties(part))]


def test_times_are_told_in_utc_with_z() -> None:
    [kind] = [kind for kind in EVENTS if kind.type == "read.triggered.done"]
    data = made(kind).data()
    assert (data["fromTimestamp"], data["untilTimestamp"]) == ("2026-01-31T09:30:00Z", "2026-01-31T09:30:00Z")


def test_what_is_not_known_is_left_out() -> None:
    [kind] = [kind for kind in EVENTS if kind.type == "read.triggered.done"]
    data = kind.model_validate({**INSTALLATION, "object_name": "contacts"}).data()
    assert "fromTimestamp" not in data
    assert "untilTimestamp" not in data


def test_the_errors_of_a_connection_stand_under_their_former_name_too() -> None:
    [kind] = [kind for kind in EVENTS if kind.type == "connection.error"]
    data = made(kind).data()
    assert data["errors"] == data["error"] == ["The token was revoked."]


def test_long_errors_are_cut() -> None:
    [kind] = [kind for kind in EVENTS if kind.type == "subscribe.create.error"]
    assert len(kind.model_validate({**INSTALLATION, "error": "x" * 50_000}).data()["error"]) == 10_000


@pytest.mark.parametrize(
    ("config", "last_config", "by_link"),
    [
        (10, 10, []),
        (299_000, 10, []),
        (300_000, 10, ["config"]),
        (10, 300_000, ["lastConfig"]),
        (200_000, 150_000, ["config"]),
        (150_000, 200_000, ["lastConfig"]),
        (400_000, 400_000, ["config", "lastConfig"]),
    ],
)
def test_what_makes_a_message_too_large_goes_by_link_the_largest_first(
    config: int, last_config: int, by_link: list[str]
) -> None:
    [kind] = [kind for kind in EVENTS if kind.type == "installation.updated"]
    event = kind.model_validate(
        {**INSTALLATION, "config": {"a": "x" * config}, "last_config": {"a": "x" * last_config}}
    )
    data = event.data()
    assert too_large(event, data) == by_link
    assert len(body(event, {key: value for key, value in data.items() if key not in by_link})) < MAX_BYTES


def test_each_destination_has_a_message_id_of_its_own_for_an_event() -> None:
    event = "01a1fc1f-2015-76ce-8725-1ce13ba17028"
    ids = {message_id(event, destination) for destination in ("d1", "d2")}
    assert len(ids) == 2
    assert all(each.startswith("ntf_01a1fc1f201576ce87251ce13ba17028_") for each in ids)
    assert message_id(event, "d1") in ids


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.type)
def test_an_event_is_documented_once_and_says_when_it_happens(kind: type[Event]) -> None:
    lines = [
        line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if line.startswith(f"| `{kind.type}` |")
    ]
    assert len(lines) == 1
    assert " ".join((kind.__doc__ or "").split()) in lines[0]


@pytest.mark.parametrize(("name", "kind"), [("installation", InstallationEvent), ("connection", ConnectionEvent)])
def test_what_all_events_of_a_kind_tell_is_documented(name: str, kind: type[Event]) -> None:
    [told] = re.findall(
        rf"\*the {name}\* stands\s+for\s+([^;.]*)[;.]|\*the {name}\* for\s+([^;.]*)[;.]",
        DOCUMENT.read_text(encoding="utf-8"),
        re.IGNORECASE,
    )
    assert re.findall(r"`(\w+)`", "".join(told)) == [field.alias for field in kind.model_fields.values()]
