"""`/crm/v3/objects/{object}/batch/…`: up to a hundred records in one request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson

from conjunct.simulators.contract import Answer, Call, Route
from conjunct.simulators.hubspot import bodies, errors, moments
from conjunct.simulators.hubspot.association_bodies import read_wanted
from conjunct.simulators.hubspot.errors import HubSpotError
from conjunct.simulators.hubspot.links import Links
from conjunct.simulators.hubspot.objects import Objects, Resolve

_MAX_INPUTS = 100

_Written = tuple[int, dict[str, Any]]
"""The place of a record that was written, and what its result says besides."""


class BatchesApi:
    """Answers for batches. A creation may fail alone when every input has an `objectWriteTraceId`."""

    def __init__(self, resolve: Resolve, links: Links) -> None:
        self._resolve = resolve
        self._links = links

    def routes(self, base: str) -> Sequence[Route]:
        """The routes under `base`, such as `/crm/v3/objects`."""
        path = f"{base}/{{object}}/batch"
        return (
            Route("POST", f"{path}/read", self.read),
            Route("POST", f"{path}/create", self.create),
            Route("POST", f"{path}/update", self.update),
            Route("POST", f"{path}/upsert", self.upsert),
            Route("POST", f"{path}/archive", self.archive),
        )

    def read(self, call: Call) -> Answer:
        """Records by id, or by the unique property that `idProperty` names; 207 when some are missing."""
        objects = self._resolve(call.params["object"])
        body, inputs = bodies.read_inputs(call.body, _MAX_INPUTS)
        archived = bodies.flag(call.query, "archived")
        places, missing = _find(objects, inputs, _id_property(body), archived=archived)
        names = objects.renderer.choose(_names(body.get("properties")))
        return _complete(objects, objects.renderer.join(places, names), len(places), _missing(objects, missing))

    def create(self, call: Call) -> Answer:
        """Add records, perhaps with associations. Without trace ids the first fault refuses the batch, as every fault
        of a value does."""
        objects = self._resolve(call.params["object"])
        _body, inputs = bodies.read_inputs(call.body, _MAX_INPUTS)
        values = [bodies.read_properties(item) for item in inputs]
        objects.store.check_values(values)
        if not all("objectWriteTraceId" in item for item in inputs):
            _check_conflicts(objects, values)
            for item in inputs:
                read_wanted(item, objects, self._links.types, self._resolve)
        return _written(objects, inputs, lambda item: (self._create(objects, item), {}), status=201)

    def update(self, call: Call) -> Answer:
        """Change records; unknown ones are told in `errors`."""
        objects = self._resolve(call.params["object"])
        _body, inputs = bodies.read_inputs(call.body, _MAX_INPUTS)
        _check_repeated(inputs)
        objects.store.check_values([bodies.read_properties(item) for item in inputs])

        def change(item: dict[str, Any]) -> _Written:
            place = _named(objects, item)
            objects.update(place, item)
            return place, {}

        return _written(objects, inputs, change)

    def upsert(self, call: Call) -> Answer:
        """Change the records that have a value of a unique property, `idProperty`, and add the others."""
        objects = self._resolve(call.params["object"])
        _body, inputs = bodies.read_inputs(call.body, _MAX_INPUTS)
        _check_repeated(inputs)
        for item in inputs:
            objects.check_unique(str(item.get("idProperty")))
        objects.store.check_values([bodies.read_properties(item) for item in inputs])

        def put(item: dict[str, Any]) -> _Written:
            name, value = str(item["idProperty"]), str(item.get("id"))
            place = objects.store.place_by_unique(name, value)
            if place is not None:
                objects.update(place, item)
                return place, {"new": False}
            return objects.create({"properties": {name: value, **item["properties"]}}), {"new": True}

        return _written(objects, inputs, put)

    def archive(self, call: Call) -> Answer:
        """Archive records; unknown ones are passed over."""
        objects = self._resolve(call.params["object"])
        _body, inputs = bodies.read_inputs(call.body, _MAX_INPUTS)
        for item in inputs:
            place = objects.store.place(str(item.get("id")))
            if place is not None:
                objects.archive(place)
        return Answer(204)

    def _create(self, objects: Objects, item: dict[str, Any]) -> int:
        wanted = read_wanted(item, objects, self._links.types, self._resolve)
        place = objects.create(item)
        for link in wanted:
            self._links.add(objects, place, *link)
        return place


def _find(
    objects: Objects, inputs: list[dict[str, Any]], id_property: str | None, *, archived: bool
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


def _check_repeated(inputs: list[dict[str, Any]]) -> None:
    ids = [str(item.get("id")) for item in inputs]
    repeated = sorted({one for one in ids if ids.count(one) > 1})
    if repeated:
        message = f"Duplicate IDs found in batch input: [{', '.join(repeated)}]. IDs must be unique"
        raise HubSpotError(400, message, "VALIDATION_ERROR", extra={"context": {"ids": repeated}})


def _id_property(item: dict[str, Any]) -> str | None:
    name = item.get("idProperty")
    return None if name is None else str(name)


def _named(objects: Objects, item: dict[str, Any]) -> int:
    identifier = str(item.get("id"))
    try:
        return objects.find(identifier, _id_property(item))
    except HubSpotError as fault:
        if fault.status != 404:
            raise
        raise errors.unknown_records(objects.kind.full_name, [identifier]) from fault


def _written(
    objects: Objects, inputs: list[dict[str, Any]], write: Callable[[dict[str, Any]], _Written], status: int = 200
) -> Answer:
    """Write each input; what fails is told in `errors`, by the ids or the trace of the input."""
    results, faults = [], []
    for item in inputs:
        trace = {"objectWriteTraceId": str(item["objectWriteTraceId"])} if "objectWriteTraceId" in item else {}
        try:
            place, more = write(item)
        except HubSpotError as fault:
            faults.append(fault.within_batch({name: [value] for name, value in trace.items()}))
        else:
            results.append(objects.renderer.one(place, None, {**more, **trace}))
    return _complete(objects, b",".join(results), len(results), faults, status)


def _missing(objects: Objects, ids: list[str]) -> list[dict[str, Any]]:
    return [errors.unknown_records(objects.kind.full_name, ids).within_batch()] if ids else []


def _complete(objects: Objects, results: bytes, count: int, faults: list[dict[str, Any]], status: int = 200) -> Answer:
    moment = moments.write(objects.now()).encode()
    told = b',"numErrors":%d,"errors":%b' % (len(faults), orjson.dumps(faults)) if faults else b""
    body = b'{"completedAt":"%b","status":"COMPLETE","startedAt":"%b","results":[%b]%b}'
    return Answer(207 if faults else status, body % (moment, moment, results, told), records=count)
