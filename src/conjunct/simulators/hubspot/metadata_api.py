"""Schemas, pipelines and the account: what an integration asks before it reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from conjunct.simulators.contract import Answer, Call, Route
from conjunct.simulators.hubspot import bodies
from conjunct.simulators.hubspot.definitions import PORTAL_ID, ObjectType
from conjunct.simulators.hubspot.objects import Objects, Resolve

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
        return (
            Route("GET", "/crm/v3/schemas", self.schemas),
            Route("GET", "/crm/v3/schemas/{object}", self.schema),
            Route("GET", "/crm/v3/pipelines/{object}", self.pipelines),
            Route("GET", "/account-info/{version}/details", self.account),
            Route("GET", "/integrations/v1/me", self.me),
        )

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


def _schema(objects: Objects) -> dict[str, Any]:
    return objects.kind.to_wire(list(objects.store.definitions.values()))


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
