"""`/crm/v3/pipelines`: the stages that records of an object go through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from conjunct.simulators.contract import Answer, Call, Route
from conjunct.simulators.hubspot import bodies, errors
from conjunct.simulators.hubspot.definitions import ObjectType
from conjunct.simulators.hubspot.objects import Resolve

_PIPELINES = {
    "contacts": ("contacts-lifecycle-pipeline", "Lifecycle Stage Pipeline", "lifecyclestage"),
    "deals": ("default", "Sales Pipeline", "dealstage"),
    "tickets": ("0", "Support Pipeline", "hs_pipeline_stage"),
}
_BEGINNING = "1970-01-01T00:00:00Z"


class PipelinesApi:
    """Answers for pipelines: an object has one, or none."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve

    def routes(self) -> Sequence[Route]:
        """The routes."""
        base = "/crm/v3/pipelines/{object}"
        return (
            Route("GET", base, self.list),
            Route("GET", f"{base}/{{id}}", self.get),
            Route("GET", f"{base}/{{id}}/stages", self.stages),
            Route("GET", f"{base}/{{id}}/stages/{{stage}}", self.stage),
        )

    def list(self, call: Call) -> Answer:
        """Every pipeline of an object."""
        kind = self._resolve(call.params["object"]).kind
        return bodies.json_answer({"results": [_pipeline(kind)] if kind.name in _PIPELINES else []})

    def get(self, call: Call) -> Answer:
        """One pipeline."""
        return bodies.json_answer(self._pipeline(call))

    def stages(self, call: Call) -> Answer:
        """The stages of a pipeline."""
        return bodies.json_answer({"results": self._pipeline(call)["stages"]})

    def stage(self, call: Call) -> Answer:
        """One stage."""
        found = [stage for stage in self._pipeline(call)["stages"] if stage["id"] == call.params["stage"]]
        if not found:
            raise errors.not_found()
        return bodies.json_answer(found[0])

    def _pipeline(self, call: Call) -> dict[str, Any]:
        kind = self._resolve(call.params["object"]).kind
        if kind.name not in _PIPELINES or _PIPELINES[kind.name][0] != call.params["id"]:
            raise errors.not_found()
        return _pipeline(kind)


def _pipeline(kind: ObjectType) -> dict[str, Any]:
    pipeline_id, label, stage_property = _PIPELINES[kind.name]
    stages = next(item.options for item in kind.properties if item.name == stage_property)
    told = {"createdAt": _BEGINNING, "updatedAt": _BEGINNING, "archived": False}
    return {
        "label": label,
        "displayOrder": 0,
        "id": pipeline_id,
        "stages": [
            {"label": name, "displayOrder": order, "metadata": {"state": "OPEN"}, "id": value, **told}
            for order, (value, name) in enumerate(stages)
        ],
        **told,
    }
