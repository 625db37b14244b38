"""Properties, schemas, pipelines and the account: what an integration asks before it reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from conjunct.simulators.contract import Answer, Call, Route
from conjunct.simulators.hubspot import bodies, errors
from conjunct.simulators.hubspot.definitions import PORTAL_ID, ObjectType, Property
from conjunct.simulators.hubspot.errors import HubSpotError
from conjunct.simulators.hubspot.objects import Objects
from conjunct.simulators.hubspot.records_api import Resolve

_TYPES = ("bool", "date", "datetime", "enumeration", "number", "string")
_PIPELINES = {
    "contacts": ("contacts-lifecycle-pipeline", "Lifecycle Stage Pipeline", "lifecyclestage"),
    "deals": ("default", "Sales Pipeline", "dealstage"),
    "tickets": ("0", "Support Pipeline", "hs_pipeline_stage"),
}
_BEGINNING = "1970-01-01T00:00:00Z"


class MetadataApi:
    """Answers for metadata; `everything` lists the account's objects."""

    def __init__(self, resolve: Resolve, everything: Callable[[], Sequence[Objects]]) -> None:
        self._resolve = resolve
        self._everything = everything

    def routes(self) -> Sequence[Route]:
        """The routes, with those of the dated versions of the API that answer the same."""
        properties = "/crm/v3/properties/{object}"
        return (
            Route("GET", properties, self.properties),
            Route("POST", properties, self.create_property),
            Route("GET", f"{properties}/{{name}}", self.property),
            Route("DELETE", f"{properties}/{{name}}", self.archive_property),
            Route("GET", "/crm/v3/schemas", self.schemas),
            Route("GET", "/crm/v3/schemas/{object}", self.schema),
            Route("GET", "/crm/v3/pipelines/{object}", self.pipelines),
            Route("GET", "/account-info/{version}/details", self.account),
            Route("GET", "/integrations/v1/me", self.me),
        )

    def properties(self, call: Call) -> Answer:
        """Every property of an object."""
        objects = self._resolve(call.params["object"])
        return bodies.json_answer({"results": [_wire(objects, item) for item in objects.store.definitions.values()]})

    def property(self, call: Call) -> Answer:
        """One property."""
        objects = self._resolve(call.params["object"])
        return bodies.json_answer(_wire(objects, _find(objects, call.params["name"])))

    def create_property(self, call: Call) -> Answer:
        """Add a property of the account's own."""
        objects = self._resolve(call.params["object"])
        created = _parse(bodies.read_object(call.body))
        if created.name in objects.store.definitions:
            raise HubSpotError(409, f'A property named "{created.name}" already exists.', "CONFLICT")
        objects.define(created)
        return bodies.json_answer(_wire(objects, created), 201)

    def archive_property(self, call: Call) -> Answer:
        """Take away a property of the account's own."""
        objects = self._resolve(call.params["object"])
        definition = _find(objects, call.params["name"])
        if not definition.custom:
            raise errors.invalid(f'"{definition.name}" is defined by HubSpot and cannot be archived')
        objects.undefine(definition.name)
        return Answer(204)

    def schemas(self, _call: Call) -> Answer:
        """The account's own objects."""
        custom = [_schema(objects) for objects in self._everything() if objects.kind.custom]
        return bodies.json_answer({"results": custom})

    def schema(self, call: Call) -> Answer:
        """One object, with its properties."""
        return bodies.json_answer(_schema(self._resolve(call.params["object"])))

    def pipelines(self, call: Call) -> Answer:
        """The object's only pipeline, or none."""
        kind = self._resolve(call.params["object"]).kind
        return bodies.json_answer({"results": [_pipeline(kind)] if kind.name in _PIPELINES else []})

    def account(self, _call: Call) -> Answer:
        """The account."""
        return bodies.json_answer(
            {
                "portalId": PORTAL_ID,
                "accountType": "DEVELOPER_TEST",
                "timeZone": "US/Eastern",
                "companyCurrency": "USD",
                "additionalCurrencies": [],
                "utcOffset": "-05:00",
                "utcOffsetMilliseconds": -18_000_000,
                "uiDomain": "app.hubspot.com",
                "dataHostingLocation": "na1",
            }
        )

    def me(self, _call: Call) -> Answer:
        """The account, as the oldest of these paths tells it."""
        return bodies.json_answer(
            {"portalId": PORTAL_ID, "timeZone": "US/Eastern", "currency": "USD", "utcOffset": "-05:00"}
        )


def _wire(objects: Objects, item: Property) -> dict[str, Any]:
    return item.to_wire(objects.kind.group)


def _schema(objects: Objects) -> dict[str, Any]:
    return objects.kind.to_wire(list(objects.store.definitions.values()))


def _find(objects: Objects, name: str) -> Property:
    definition = objects.store.definitions.get(name)
    if definition is None:
        raise HubSpotError(404, f'Property "{name}" does not exist', "OBJECT_NOT_FOUND")
    return definition


def _parse(body: dict[str, Any]) -> Property:
    texts = {name: body.get(name) for name in ("name", "label", "type", "fieldType", "groupName")}
    missing = [name for name, value in texts.items() if not isinstance(value, str) or not value]
    if missing:
        raise errors.invalid(f"Some required fields were not set: {missing}")
    if texts["type"] not in _TYPES:
        raise errors.invalid(f"Invalid input JSON: unknown property type {texts['type']!r}, there are {_TYPES}")
    plain = Property(str(texts["name"]).lower(), str(texts["label"]), str(texts["type"]), str(texts["fieldType"]))
    group, options = str(texts["groupName"]), _options(body.get("options") or [])
    return replace(plain, group=group, options=options, custom=True, unique=body.get("hasUniqueValue") is True)


def _options(wire: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(wire, list) or not all(isinstance(item, dict) for item in wire):
        raise errors.invalid("Invalid input JSON: options must be an array of objects")
    return tuple((str(item.get("value", "")), str(item.get("label", ""))) for item in wire)


def _pipeline(kind: ObjectType) -> dict[str, Any]:
    pipeline_id, label, stage_property = _PIPELINES[kind.name]
    stages = next(item.options for item in kind.properties if item.name == stage_property)
    moments = {"createdAt": _BEGINNING, "updatedAt": _BEGINNING, "archived": False}
    return {
        "label": label,
        "displayOrder": 0,
        "id": pipeline_id,
        "stages": [
            {"label": name, "displayOrder": order, "metadata": {"state": "OPEN"}, "id": value, **moments}
            for order, (value, name) in enumerate(stages)
        ],
        **moments,
    }
