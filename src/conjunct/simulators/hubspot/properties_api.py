"""`/crm/v3/properties/{object}`: an object's properties and their groups, made, changed and archived."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from conjunct.simulators.contract import Answer, Call, Route
from conjunct.simulators.hubspot import bodies, errors, moments
from conjunct.simulators.hubspot.definitions import Property, PropertyGroup
from conjunct.simulators.hubspot.errors import HubSpotError
from conjunct.simulators.hubspot.objects import Objects, Resolve
from conjunct.simulators.hubspot.property_bodies import read_change, read_group, read_new

_MAX_INPUTS = 100


class PropertiesApi:
    """Answers for properties and property groups."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve

    def routes(self) -> Sequence[Route]:
        """The routes; those of groups stand before the one of a property that might be named `groups`."""
        properties = "/crm/v3/properties/{object}"
        return (
            Route("GET", f"{properties}/groups", self.groups),
            Route("POST", f"{properties}/groups", self.create_group),
            Route("GET", f"{properties}/groups/{{name}}", self.group),
            Route("POST", f"{properties}/batch/read", self.read_many),
            Route("POST", f"{properties}/batch/create", self.create_many),
            Route("POST", f"{properties}/batch/archive", self.archive_many),
            Route("GET", properties, self.properties),
            Route("POST", properties, self.create),
            Route("GET", f"{properties}/{{name}}", self.property),
            Route("PATCH", f"{properties}/{{name}}", self.update),
            Route("DELETE", f"{properties}/{{name}}", self.archive),
        )

    def properties(self, call: Call) -> Answer:
        """Every property of an object, or every one that was archived."""
        objects = self._resolve(call.params["object"])
        return bodies.json_answer({"results": [_wire(objects, item) for item in _definitions(objects, call).values()]})

    def property(self, call: Call) -> Answer:
        """One property."""
        objects = self._resolve(call.params["object"])
        definition = _definitions(objects, call).get(call.params["name"])
        if definition is None:
            raise errors.unknown_property(call.params["name"])
        return bodies.json_answer(_wire(objects, definition))

    def create(self, call: Call) -> Answer:
        """Add a property of the account's own."""
        objects = self._resolve(call.params["object"])
        return bodies.json_answer(_wire(objects, _create(objects, bodies.read_object(call.body))), 201)

    def update(self, call: Call) -> Answer:
        """Change a property of the account's own; one that gets another type loses its values."""
        objects = self._resolve(call.params["object"])
        current = _own(objects, call.params["name"])
        changed = read_change(current, bodies.read_object(call.body))
        _require_group(objects, changed)
        if changed.type != current.type:
            objects.undefine(current.name)
        changed = replace(changed, updated=moments.write(objects.now()))
        objects.define(changed)
        return bodies.json_answer({**_wire(objects, changed), "archived": False})

    def archive(self, call: Call) -> Answer:
        """Take away a property of the account's own."""
        objects = self._resolve(call.params["object"])
        _archive(objects, call.params["name"])
        return Answer(204)

    def read_many(self, call: Call) -> Answer:
        """Properties by their names; unknown ones are told in `errors`."""
        objects = self._resolve(call.params["object"])
        body, inputs = bodies.read_inputs(call.body, _MAX_INPUTS)
        known = objects.archived_properties if body.get("archived") is True else objects.store.definitions
        names = [str(item.get("name")) for item in inputs]
        found = [_wire(objects, known[name]) for name in names if name in known]
        faults = [errors.unknown_property(name).within_batch() for name in names if name not in known]
        return bodies.batch_answer(found, faults, objects.now())

    def create_many(self, call: Call) -> Answer:
        """Add properties; those that cannot be are told in `errors`."""
        objects = self._resolve(call.params["object"])
        _body, inputs = bodies.read_inputs(call.body, _MAX_INPUTS)
        made, faults = [], []
        for item in inputs:
            try:
                made.append(_wire(objects, _create(objects, item)))
            except HubSpotError as fault:
                faults.append(fault.within_batch({"name": [str(item.get("name"))]}))
        return bodies.batch_answer(made, faults, objects.now(), 201)

    def archive_many(self, call: Call) -> Answer:
        """Take properties of the account's own away; unknown ones are passed over."""
        objects = self._resolve(call.params["object"])
        _body, inputs = bodies.read_inputs(call.body, _MAX_INPUTS)
        for item in inputs:
            if str(item.get("name")) in objects.store.definitions:
                _archive(objects, str(item["name"]))
        return Answer(204)

    def groups(self, call: Call) -> Answer:
        """Every property group of an object."""
        objects = self._resolve(call.params["object"])
        return bodies.json_answer({"results": [group.to_wire() for group in objects.groups.values()]})

    def group(self, call: Call) -> Answer:
        """One property group."""
        group = self._resolve(call.params["object"]).groups.get(call.params["name"])
        if group is None:
            raise errors.unknown_group(call.params["name"])
        return bodies.json_answer(group.to_wire())

    def create_group(self, call: Call) -> Answer:
        """Add a property group."""
        objects = self._resolve(call.params["object"])
        created: PropertyGroup = read_group(bodies.read_object(call.body))
        if created.name in objects.groups:
            raise errors.already_exists("group", created.name)
        objects.groups[created.name] = created
        return bodies.json_answer(created.to_wire(), 201)


def _create(objects: Objects, body: dict[str, Any]) -> Property:
    created = read_new(body)
    if created.name in objects.store.definitions:
        raise errors.already_exists("property", created.name)
    _require_group(objects, created)
    moment = moments.write(objects.now())
    created = replace(created, created=moment, updated=moment)
    objects.define(created)
    return created


def _archive(objects: Objects, name: str) -> None:
    objects.archive_property(replace(_own(objects, name), archived_at=moments.write(objects.now())))


def _definitions(objects: Objects, call: Call) -> dict[str, Property]:
    return objects.archived_properties if bodies.flag(call.query, "archived") else objects.store.definitions


def _wire(objects: Objects, item: Property) -> dict[str, Any]:
    return item.to_wire(objects.kind.group)


def _own(objects: Objects, name: str) -> Property:
    definition = objects.store.definitions.get(name)
    if definition is None:
        raise errors.unknown_property(name)
    if not definition.custom:
        raise errors.invalid(f'"{name}" is defined by HubSpot: its definition is read only and cannot be archived')
    return definition


def _require_group(objects: Objects, item: Property) -> None:
    if item.group and item.group not in objects.groups:
        raise errors.invalid(f"Property group '{item.group}' does not exist")
