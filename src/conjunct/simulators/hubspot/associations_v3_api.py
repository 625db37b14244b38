"""`/crm/v3/associations` and `/crm/v3/objects/…/associations`: associations by the names of their types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from conjunct.simulators.contract import Answer, Call, Route
from conjunct.simulators.hubspot import association_bodies, bodies, errors
from conjunct.simulators.hubspot.association_bodies import Pair
from conjunct.simulators.hubspot.association_types import AssociationType
from conjunct.simulators.hubspot.associations_api import MAX_READ, MAX_WRITTEN
from conjunct.simulators.hubspot.links import Links
from conjunct.simulators.hubspot.objects import Resolve


class OlderAssociationsApi:
    """Answers for associations in version 3."""

    def __init__(self, resolve: Resolve, links: Links) -> None:
        self._resolve = resolve
        self._links = links

    def routes(self) -> Sequence[Route]:
        """The routes."""
        one, many = "/crm/v3/objects/{from}/{id}/associations/{to}", "/crm/v3/associations/{from}/{to}"
        return (
            Route("GET", one, self.list),
            Route("PUT", f"{one}/{{to_id}}/{{type}}", self.create),
            Route("DELETE", f"{one}/{{to_id}}/{{type}}", self.archive),
            Route("GET", f"{many}/types", self.types),
            Route("POST", f"{many}/batch/read", self.read),
            Route("POST", f"{many}/batch/create", self.create_many),
            Route("POST", f"{many}/batch/archive", self.archive_many),
        )

    def list(self, call: Call) -> Answer:
        """What a record is associated with."""
        pair = self._pair(call)
        place = pair.one.find(call.params["id"], None)
        return bodies.json_answer({"results": association_bodies.named_links(self._links, pair.one, place, pair.other)})

    def create(self, call: Call) -> Answer:
        """Associate two records; the type is named by its id or its name."""
        pair = self._pair(call)
        place, at = association_bodies.ends(
            {"from": {"id": call.params["id"]}, "to": {"id": call.params["to_id"]}}, pair
        )
        self._links.add(pair.one, place, pair.other, at, [self._type(pair, call.params["type"])])
        return Answer(200, pair.one.renderer.one(place, pair.one.kind.default))

    def archive(self, call: Call) -> Answer:
        """Take a type of association between two records away."""
        pair = self._pair(call)
        place, at = association_bodies.ends(
            {"from": {"id": call.params["id"]}, "to": {"id": call.params["to_id"]}}, pair
        )
        self._links.remove(pair.one, place, pair.other, at, [self._type(pair, call.params["type"])])
        return Answer(204)

    def types(self, call: Call) -> Answer:
        """Every type of association from one object to another."""
        pair = self._pair(call)
        known = self._links.types.between(pair.one.kind, pair.other.kind)
        return bodies.json_answer({"results": [{"id": str(item.id), "name": item.name} for item in known]})

    def read(self, call: Call) -> Answer:
        """What many records are associated with; those with nothing are told in `errors`."""
        pair = self._pair(call)
        _body, inputs = bodies.read_inputs(call.body, MAX_READ)
        results, faults = [], []
        for item in inputs:
            identifier = str(item.get("id"))
            place = pair.one.store.place(identifier)
            found = (
                association_bodies.named_links(self._links, pair.one, place, pair.other) if place is not None else []
            )
            if found:
                results.append({"from": {"id": identifier}, "to": found})
            else:
                faults.append(association_bodies.nothing(pair, identifier))
        return bodies.batch_answer(results, faults, pair.one.now())

    def create_many(self, call: Call) -> Answer:
        """Associate pairs of records; each input names a type."""
        pair = self._pair(call)
        results = []
        for item, place, at, kind in self._inputs(call, pair):
            self._links.add(pair.one, place, pair.other, at, [kind])
            results.append({"from": item["from"], "to": item["to"], "type": kind.name})
        return bodies.batch_answer(results, [], pair.one.now(), 201)

    def archive_many(self, call: Call) -> Answer:
        """Take associations between pairs of records away."""
        pair = self._pair(call)
        for _item, place, at, kind in self._inputs(call, pair):
            self._links.remove(pair.one, place, pair.other, at, [kind])
        return Answer(204)

    def _inputs(self, call: Call, pair: Pair) -> Sequence[tuple[dict[str, Any], int, int, AssociationType]]:
        _body, inputs = bodies.read_inputs(call.body, MAX_WRITTEN)
        return [
            (item, *association_bodies.ends(item, pair), self._type(pair, str(item.get("type")))) for item in inputs
        ]

    def _pair(self, call: Call) -> Pair:
        return Pair(self._resolve(call.params["from"]), self._resolve(call.params["to"]))

    def _type(self, pair: Pair, named: str) -> AssociationType:
        for item in self._links.types.between(pair.one.kind, pair.other.kind):
            if named in (str(item.id), item.name):
                return item
        raise errors.invalid(f"{named} is not a valid association type")
