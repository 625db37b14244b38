"""The records of one object as the API sees them: resolved, rendered, changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import islice
from typing import Any

from conjunct.simulators.hubspot import bodies, errors, moments
from conjunct.simulators.hubspot.definitions import ObjectType, Property, PropertyGroup
from conjunct.simulators.hubspot.rendering import Renderer
from conjunct.simulators.hubspot.search import Searches
from conjunct.simulators.hubspot.seeding import Seeder
from conjunct.simulators.hubspot.store import RecordStore


class Objects:
    """One object of the account: its store, and what is derived from it and kept in step."""

    def __init__(self, kind: ObjectType, seeder: Seeder, clock: Callable[[], datetime]) -> None:
        self.kind = kind
        self.store = RecordStore(kind, seeder)
        self.renderer = Renderer(self.store)
        self.searches = Searches(self.store)
        self.seeded = seeder.count
        names = dict.fromkeys(item.group or kind.group for item in kind.properties)
        self.groups = {name: PropertyGroup(name, f"{kind.label} information") for name in names}
        self.archived_properties: dict[str, Property] = {}
        self._clock = clock

    def now(self) -> int:
        """The present moment in ms."""
        return moments.to_millis(self._clock())

    def find(self, identifier: str, id_property: str | None, *, archived: bool = False) -> int:
        """The place of a record by its id, or by the value of the unique property. Raises `HubSpotError`."""
        if id_property is None or id_property == "hs_object_id":
            place = self.store.place(identifier)
        else:
            self.check_unique(id_property)
            place = self.store.place_by_unique(id_property, identifier)
        if place is None or (place in self.store.archived) != archived:
            raise errors.not_found()
        return place

    def check_unique(self, name: str) -> None:
        """Raises `HubSpotError` unless the property tells records apart."""
        if not self.store.is_unique(name):
            raise errors.invalid(f"Property '{name}' is not a unique identifier of {self.kind.name}")

    def page(self, start: int, limit: int, *, archived: bool) -> tuple[list[int], int | None]:
        """Up to `limit` places from `start` on, and the place at which the next page starts, if there is one."""
        places: Iterable[int]
        if archived:
            places = (place for place in sorted(self.store.archived.keys() - self.store.erased) if place >= start)
        else:
            places = self.store.live(start)
        found = list(islice(places, limit + 1))
        return (found[:limit], found[limit]) if len(found) > limit else (found, None)

    def create(self, item: dict[str, Any]) -> int:
        """Add the record that a body describes and return its place. Raises `HubSpotError`."""
        if self.kind.read_only:
            raise errors.read_only(self.kind.name)
        return self.store.create(bodies.read_properties(item), self.now())

    def update(self, place: int, item: dict[str, Any]) -> None:
        """Change a record as a body says. Raises `HubSpotError`."""
        if self.kind.read_only:
            raise errors.read_only(self.kind.name)
        self.store.update(place, bodies.read_properties(item), self.now())
        self.renderer.forget(place)

    def archive(self, place: int) -> None:
        """Archive a record."""
        self.store.archive(place, self.now())
        self.renderer.forget(place)

    def merge(self, kept: int, gone: int) -> None:
        """Give one record what it lacks of another, which is archived."""
        wanting, giving = self.store.properties(kept), self.store.properties(gone)
        always = {*self.kind.always, self.kind.unique}
        taken = {name: value for name, value in giving.items() if name not in wanting and name not in always}
        self.archive(gone)
        self.store.update(kept, taken, self.now())
        self.renderer.forget(kept)

    def erase(self, place: int) -> None:
        """Archive a record so that nothing tells of it."""
        self.store.erase(place)
        self.renderer.forget(place)

    def touch(self, count: int) -> list[str]:
        """Change records picked at random and return their ids."""
        places = self.store.touch(count, self.now())
        for place in places:
            self.renderer.forget(place)
        return [self.store.record_id(place) for place in places]

    def define(self, definition: Property) -> None:
        """Add a property, or replace the one of the same name."""
        self.archived_properties.pop(definition.name, None)
        self.store.define(definition)
        self.renderer.forget_all()

    def archive_property(self, definition: Property) -> None:
        """Take a property away, and keep its definition."""
        self.undefine(definition.name)
        self.archived_properties[definition.name] = definition

    def undefine(self, name: str) -> None:
        """Take a property away, with its values."""
        self.store.undefine(name)
        self.renderer.forget_all()


Resolve = Callable[[str], Objects]
