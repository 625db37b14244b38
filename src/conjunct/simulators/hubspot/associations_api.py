"""`/crm/v4/…associations…`: what records are associated with, one by one and in batches, and the labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from conjunct.simulators.contract import Answer, Call, Route
from conjunct.simulators.hubspot import association_bodies, bodies, errors
from conjunct.simulators.hubspot.association_bodies import Pair
from conjunct.simulators.hubspot.association_types import AssociationType
from conjunct.simulators.hubspot.errors import HubSpotError
from conjunct.simulators.hubspot.links import Links
from conjunct.simulators.hubspot.objects import Resolve

MAX_READ = 1000
MAX_WRITTEN = 2000
_PAGE = 500


class AssociationsApi:
    """Answers for associations in version 4, and for the batches of the dated version."""

    def __init__(self, resolve: Resolve, links: Links) -> None:
        self._resolve = resolve
        self._links = links

    def routes(self) -> Sequence[Route]:
        """The routes; the one of a default association stands before the one of an object named `default`."""
        one = "/crm/v4/objects/{from}/{id}/associations"
        batches = [
            Route("POST", f"{base}/{{from}}/{{to}}/batch/{path}", handler)
            for base in ("/crm/v4/associations", "/crm/associations/{version}")
            for path, handler in (
                ("read", self.read),
                ("create", self.create_many),
                ("associate/default", self.create_many_default),
                ("archive", self.archive_many),
                ("labels/archive", self.archive_labels),
            )
        ]
        labels = "/crm/v4/associations/{from}/{to}/labels"
        return (
            Route("GET", f"{one}/{{to}}", self.list, page=True),
            Route("PUT", f"{one}/default/{{to}}/{{to_id}}", self.create_default),
            Route("PUT", f"{one}/{{to}}/{{to_id}}", self.create),
            Route("DELETE", f"{one}/{{to}}/{{to_id}}", self.archive),
            *batches,
            Route("GET", labels, self.labels),
            Route("POST", labels, self.create_label),
            Route("DELETE", f"{labels}/{{type}}", self.delete_label),
        )

    def list(self, call: Call) -> Answer:
        """What a record is associated with; `after` is the last id of the page before."""
        pair = self._pair(call)
        after, limit = call.query.get("after", "0"), call.query.get("limit", str(_PAGE))
        if not after.isdecimal() or not limit.isdecimal() or not 1 <= int(limit[:9]) <= _PAGE:
            raise errors.invalid(f"limit must be between 1 and {_PAGE}, and after an id")
        shown, following = self._page(pair, pair.one.find(call.params["id"], None), after, int(limit))
        paging = {}
        if following is not None:
            link = f"{call.origin}{call.path}?{urlencode({'limit': limit, 'after': following})}"
            paging = {"paging": {"next": {"after": following, "link": link}}}
        return bodies.json_answer({"results": shown, **paging}, records=len(shown))

    def create(self, call: Call) -> Answer:
        """Associate two records in the ways that the body lists."""
        pair = self._pair(call)
        place, at = association_bodies.ends_of(call, pair)
        types = association_bodies.read_types(bodies.read_list(call.body), pair, self._links.types)
        self._links.add(pair.one, place, pair.other, at, types)
        return bodies.json_answer(_created(pair, place, at, types), 201)

    def create_default(self, call: Call) -> Answer:
        """Associate two records without a label."""
        pair = self._pair(call)
        place, at = association_bodies.ends_of(call, pair)
        moment = pair.one.now()
        return bodies.batch_answer(list(self._default(pair, place, at)), [], moment)

    def archive(self, call: Call) -> Answer:
        """Take every association between two records away."""
        pair = self._pair(call)
        place, at = association_bodies.ends_of(call, pair)
        self._links.remove(pair.one, place, pair.other, at)
        return Answer(204)

    def read(self, call: Call) -> Answer:
        """What many records are associated with; those with nothing are told in `errors`."""
        pair = self._pair(call)
        _body, inputs = bodies.read_inputs(call.body, MAX_READ)
        results: list[dict[str, Any]] = []
        faults: list[dict[str, Any]] = []
        for item in inputs:
            identifier, after = str(item.get("id")), str(item.get("after") or "0")
            if not identifier.isdecimal() or not after.isdecimal():
                faults.append(association_bodies.not_an_id(identifier))
                continue
            place = pair.one.store.place(identifier)
            shown, following = self._page(pair, place, after, _PAGE) if place is not None else ([], None)
            if not shown:
                faults.append(association_bodies.nothing(pair, identifier))
                continue
            paging = {"paging": {"next": {"after": following}}} if following is not None else {}
            results.append({"from": {"id": identifier}, "to": shown, **paging})
        return bodies.batch_answer(results, faults, pair.one.now())

    def create_many(self, call: Call) -> Answer:
        """Associate pairs of records in the ways that each input lists."""
        pair = self._pair(call)
        _body, inputs = bodies.read_inputs(call.body, MAX_WRITTEN)
        results, faults = [], []
        for item in inputs:
            try:
                place, at = association_bodies.ends(item, pair)
                types = association_bodies.read_types(item.get("types"), pair, self._links.types)
            except HubSpotError as fault:
                faults.append(fault.within_batch())
                continue
            self._links.add(pair.one, place, pair.other, at, types)
            results.append(_created(pair, place, at, types))
        return bodies.batch_answer(results, faults, pair.one.now(), 201)

    def create_many_default(self, call: Call) -> Answer:
        """Associate pairs of records without a label."""
        pair = self._pair(call)
        _body, inputs = bodies.read_inputs(call.body, MAX_WRITTEN)
        found = [association_bodies.ends(item, pair) for item in inputs]
        results = [made for place, at in found for made in self._default(pair, place, at)]
        return bodies.batch_answer(results, [], pair.one.now())

    def archive_many(self, call: Call) -> Answer:
        """Take every association between records away: `to` of each input is a list."""
        pair = self._pair(call)
        _body, inputs = bodies.read_inputs(call.body, MAX_WRITTEN)
        for item in inputs:
            listed = item.get("to")
            for target in listed if isinstance(listed, list) else []:
                place, at = association_bodies.ends({**item, "to": target}, pair)
                self._links.remove(pair.one, place, pair.other, at)
        return Answer(204)

    def archive_labels(self, call: Call) -> Answer:
        """Take some types of association between records away."""
        pair = self._pair(call)
        _body, inputs = bodies.read_inputs(call.body, MAX_WRITTEN)
        for item in inputs:
            place, at = association_bodies.ends(item, pair)
            types = association_bodies.read_types(item.get("types"), pair, self._links.types)
            self._links.remove(pair.one, place, pair.other, at, types)
        return Answer(204)

    def labels(self, call: Call) -> Answer:
        """Every type of association from one object to another."""
        pair = self._pair(call)
        return bodies.json_answer({"results": [item.to_wire() for item in self._types(pair)]})

    def create_label(self, call: Call) -> Answer:
        """Make a label of the account's own; it is answered with its inverse."""
        pair = self._pair(call)
        name, label, inverse = association_bodies.read_label(bodies.read_object(call.body))
        if any(item.label == label for item in self._types(pair)):
            raise errors.invalid(f"There is a label '{label}' between these objects already")
        made = self._links.types.label(pair.one.kind, pair.other.kind, name, label, inverse)
        back = self._links.types.find(pair.other.kind, pair.one.kind, made.inverse)
        return bodies.json_answer({"results": [item.to_wire() for item in (made, back) if item is not None]})

    def delete_label(self, call: Call) -> Answer:
        """Take a label of the account's own away."""
        pair, type_id = self._pair(call), call.params["type"]
        if type_id.isdecimal() and len(type_id) < 10:
            self._links.types.unlabel(pair.one.kind, pair.other.kind, int(type_id))
        return Answer(204)

    def _pair(self, call: Call) -> Pair:
        return Pair(self._resolve(call.params["from"]), self._resolve(call.params["to"]))

    def _types(self, pair: Pair) -> Sequence[AssociationType]:
        return self._links.types.between(pair.one.kind, pair.other.kind)

    def _page(self, pair: Pair, place: int, after: str, limit: int) -> tuple[Sequence[dict[str, Any]], str | None]:
        """The associations after an id, and the last id when there are more."""
        found = self._links.of(pair.one, place, pair.other) if place not in pair.one.store.archived else {}
        start = int(after[:18]) - pair.other.kind.first_id
        listed = list(islice(((at, types) for at, types in found.items() if at > start), limit + 1))
        shown = [
            {"toObjectId": pair.other.kind.first_id + at, "associationTypes": [item.to_wire() for item in types]}
            for at, types in listed[:limit]
        ]
        return shown, str(shown[-1]["toObjectId"]) if len(listed) > limit else None

    def _default(self, pair: Pair, place: int, at: int) -> Iterator[dict[str, Any]]:
        kind = self._types(pair)[0]
        self._links.add(pair.one, place, pair.other, at, [kind])
        for one, first, other, second, type_id in (
            (pair.one, place, pair.other, at, kind.id),
            (pair.other, at, pair.one, place, kind.inverse),
        ):
            yield {
                "from": {"id": one.store.record_id(first)},
                "to": {"id": other.store.record_id(second)},
                "associationSpec": {"associationCategory": kind.category, "associationTypeId": type_id},
            }


def _created(pair: Pair, place: int, at: int, types: Sequence[AssociationType]) -> dict[str, Any]:
    return {
        "fromObjectTypeId": pair.one.kind.type_id,
        "fromObjectId": pair.one.kind.first_id + place,
        "toObjectTypeId": pair.other.kind.type_id,
        "toObjectId": pair.other.kind.first_id + at,
        "labels": [item.label for item in types if item.label is not None],
    }
