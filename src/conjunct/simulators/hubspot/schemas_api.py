"""`/crm/v3/schemas`: the account's objects, and new ones of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from conjunct.simulators.contract import Answer, Call, Route
from conjunct.simulators.hubspot import bodies, errors
from conjunct.simulators.hubspot.definitions import ObjectType
from conjunct.simulators.hubspot.objects import Objects, Resolve
from conjunct.simulators.hubspot.property_bodies import read_new
from conjunct.simulators.hubspot.property_makers import system

_FIRST_ID, _FIRST_TYPE = 7_000_000_000_001, 4_000_001


class SchemasApi:
    """Answers for schemas; `everything` lists the account's objects, `add` makes a new one known, `drop` forgets it."""

    def __init__(
        self,
        resolve: Resolve,
        everything: Callable[[], Sequence[Objects]],
        add: Callable[[ObjectType], Objects],
        drop: Callable[[Objects], None],
    ) -> None:
        self._resolve = resolve
        self._all = everything
        self._add = add
        self._drop = drop

    def routes(self) -> Sequence[Route]:
        """The routes, with those that HubSpot's own client takes."""
        return [
            route
            for base in ("/crm/v3/schemas", "/crm-object-schemas/v3/schemas", "/crm-object-schemas/{version}/schemas")
            for route in (
                Route("GET", base, self.list),
                Route("POST", base, self.create),
                Route("GET", f"{base}/{{object}}", self.get),
                Route("DELETE", f"{base}/{{object}}", self.delete),
            )
        ]

    def list(self, _call: Call) -> Answer:
        """The account's own objects."""
        return bodies.json_answer({"results": [_wire(objects) for objects in self._all() if objects.kind.custom]})

    def get(self, call: Call) -> Answer:
        """One object, with its properties."""
        return bodies.json_answer(_wire(self._resolve(call.params["object"])))

    def create(self, call: Call) -> Answer:
        """Add an object of the account's own, which has no records yet."""
        own = sum(objects.kind.custom for objects in self._all())
        kind = _read(bodies.read_object(call.body), own)
        if any(set(kind.aliases) & set(objects.kind.aliases) for objects in self._all()):
            raise errors.already_exists("object", kind.name)
        return bodies.json_answer(_wire(self._add(kind)), 201)

    def delete(self, call: Call) -> Answer:
        """Take an object of the account's own away; it must not have records."""
        objects = self._resolve(call.params["object"])
        if not objects.kind.custom or any(True for _ in objects.store.live()):
            raise errors.invalid(f"{objects.kind.name} cannot be deleted: it is HubSpot's own, or has records")
        self._drop(objects)
        return Answer(204)


def _wire(objects: Objects) -> dict[str, Any]:
    return objects.kind.to_wire(list(objects.store.definitions.values()))


def _read(body: dict[str, Any], own: int) -> ObjectType:
    """The object that a body creates. Raises `HubSpotError`."""
    name, labels, listed = body.get("name"), body.get("labels"), body.get("properties")
    if not (isinstance(name, str) and name.isidentifier() and isinstance(labels, dict)):
        raise errors.invalid("Some required fields were not set: [name, labels]")
    if not isinstance(listed, list) or not listed or not all(isinstance(item, dict) for item in listed):
        raise errors.invalid("Some required fields were not set: [properties]")
    name = name.lower()
    group = f"{name}_information"
    properties = tuple(read_new({"groupName": group, **item}) for item in listed)
    names = {item.name for item in properties}
    required = _names(body, "requiredProperties", names)
    searchable = _names(body, "searchableProperties", names) or (properties[0].name,)
    return ObjectType(
        name=name,
        singular=name,
        label=str(labels.get("singular") or name),
        type_id=f"2-{_FIRST_TYPE + own}",
        first_id=_FIRST_ID + own * 10**9,
        share=1,
        stamp="hs_lastmodifieddate",
        default=("hs_createdate", "hs_lastmodifieddate", "hs_object_id"),
        searchable=searchable,
        touched=properties[0].name,
        custom=True,
        required=required,
        secondary=_names(body, "secondaryDisplayProperties", names),
        created="hs_createdate",
        unique=next((item.name for item in properties if item.unique), None),
        properties=(*system("hs_lastmodifieddate", "hs_createdate"), *properties),
    )


def _names(body: dict[str, Any], key: str, known: set[str]) -> tuple[str, ...]:
    listed = body.get(key) or []
    if not isinstance(listed, list) or not all(isinstance(name, str) and name in known for name in listed):
        raise errors.invalid(f"{key} must be names of properties of the object")
    return tuple(listed)
