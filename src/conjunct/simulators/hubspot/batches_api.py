"""`/crm/v3/objects/{object}/batch/…`: up to a hundred records in one request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from conjunct.simulators.contract import Answer, Call, Route
from conjunct.simulators.hubspot import bodies, errors, moments
from conjunct.simulators.hubspot.errors import HubSpotError
from conjunct.simulators.hubspot.objects import Objects
from conjunct.simulators.hubspot.records_api import Resolve

_MAX_INPUTS = 100


class BatchesApi:
    """Answers for batches. A creation may fail alone when every input has an `objectWriteTraceId`."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve

    def routes(self, base: str) -> Sequence[Route]:
        """The routes under `base`, such as `/crm/v3/objects`."""
        path = f"{base}/{{object}}/batch"
        return (
            Route("POST", f"{path}/read", self.read),
            Route("POST", f"{path}/create", self.create),
            Route("POST", f"{path}/update", self.update),
            Route("POST", f"{path}/archive", self.archive),
        )

    def read(self, call: Call) -> Answer:
        """Records by id, or by the unique property that `idProperty` names; 207 when some are missing."""
        objects = self._resolve(call.params["object"])
        body, inputs = bodies.read_inputs(call.body, _MAX_INPUTS)
        archived = bodies.flag(call.query, "archived")
        places, missing = _find(objects, inputs, body.get("idProperty"), archived=archived)
        names = objects.renderer.choose(_names(body.get("properties")))
        return _complete(objects, objects.renderer.join(places, names), len(places), _missing(objects, missing))

    def create(self, call: Call) -> Answer:
        """Add records. Without trace ids the first fault refuses the batch, as every fault of a value does."""
        objects = self._resolve(call.params["object"])
        _body, inputs = bodies.read_inputs(call.body, _MAX_INPUTS)
        values = [bodies.read_properties(item) for item in inputs]
        objects.store.check_values(values)
        if not all("objectWriteTraceId" in item for item in inputs):
            _check_conflicts(objects, values)
        places, faults = [], []
        for item in inputs:
            try:
                places.append(objects.create(item))
            except HubSpotError as fault:
                faults.append(_traced(fault, item))
        return _complete(objects, _all(objects, places), len(places), faults, status=201)

    def update(self, call: Call) -> Answer:
        """Change records; unknown ones are told in `errors`."""
        objects = self._resolve(call.params["object"])
        _body, inputs = bodies.read_inputs(call.body, _MAX_INPUTS)
        ids = [str(item.get("id")) for item in inputs]
        repeated = sorted({one for one in ids if ids.count(one) > 1})
        if repeated:
            listed = ", ".join(repeated)
            message = f"Duplicate IDs found in batch input: [{listed}]. IDs must be unique"
            raise HubSpotError(400, message, "VALIDATION_ERROR", extra={"context": {"ids": repeated}})
        objects.store.check_values([bodies.read_properties(item) for item in inputs])
        places, faults = [], []
        for item in inputs:
            try:
                place = objects.find(str(item.get("id")), item.get("idProperty"))
                objects.update(place, item)
                places.append(place)
            except HubSpotError as fault:
                faults.append(
                    _missing(objects, [str(item.get("id"))])[0] if fault.status == 404 else _traced(fault, item)
                )
        return _complete(objects, _all(objects, places), len(places), faults)

    def archive(self, call: Call) -> Answer:
        """Archive records; unknown ones are passed over."""
        objects = self._resolve(call.params["object"])
        _body, inputs = bodies.read_inputs(call.body, _MAX_INPUTS)
        for item in inputs:
            place = objects.store.place(str(item.get("id")))
            if place is not None:
                objects.archive(place)
        return Answer(204)


def _find(
    objects: Objects, inputs: list[dict[str, Any]], id_property: Any, *, archived: bool
) -> tuple[list[int], list[str]]:
    places, missing = [], []
    for identifier in dict.fromkeys(str(item.get("id")) for item in inputs):
        try:
            places.append(objects.find(identifier, id_property, archived=archived))
        except HubSpotError as fault:
            if fault.status != 404:
                raise
            missing.append(identifier)
    return places, missing


def _check_conflicts(objects: Objects, items: list[dict[str, str | None]]) -> None:
    unique = objects.kind.unique
    seen: set[str] = set()
    for values in items:
        objects.store.check_conflict(values)
        value = (values.get(unique) or "").casefold() if unique else ""
        if value and value in seen:
            raise HubSpotError(409, f"{objects.kind.label} already exists", "CONFLICT")
        seen.add(value)


def _names(value: Any) -> list[str] | None:
    if not value:
        return None
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise errors.invalid("Invalid input JSON: properties must be an array of strings")
    return value


def _all(objects: Objects, places: list[int]) -> bytes:
    return b",".join([objects.renderer.one(place) for place in places])


def _missing(objects: Objects, ids: list[str]) -> list[dict[str, Any]]:
    if not ids:
        return []
    message = (
        f"Could not get some {objects.kind.full_name} objects, they may be deleted or not exist. "
        "Check that ids are valid."
    )
    return [{"status": "error", "category": "OBJECT_NOT_FOUND", "message": message, "context": {"ids": ids}}]


def _traced(fault: HubSpotError, item: dict[str, Any]) -> dict[str, Any]:
    context = {"objectWriteTraceId": [str(item.get("objectWriteTraceId", ""))]}
    return {"status": "error", "category": fault.category, "message": fault.message, "context": context}


def _complete(objects: Objects, results: bytes, count: int, faults: list[dict[str, Any]], status: int = 200) -> Answer:
    moment = moments.write(objects.now()).encode()
    told = b',"numErrors":%d,"errors":%b' % (len(faults), orjson.dumps(faults)) if faults else b""
    body = b'{"completedAt":"%b","status":"COMPLETE","startedAt":"%b","results":[%b]%b}'
    return Answer(207 if faults else status, body % (moment, moment, results, told), records=count)
