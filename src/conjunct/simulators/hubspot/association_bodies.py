"""What bodies say of associations, read with HubSpot's refusals, and the refusals of batches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conjunct.simulators.contract import Call
from conjunct.simulators.hubspot import errors
from conjunct.simulators.hubspot.association_types import AssociationType, AssociationTypes
from conjunct.simulators.hubspot.links import Links
from conjunct.simulators.hubspot.objects import Objects, Resolve


@dataclass(frozen=True, slots=True)
class Pair:
    """Associations go from the records of `one` object to those of the `other`."""

    one: Objects
    other: Objects


def ends_of(call: Call, pair: Pair) -> tuple[int, int]:
    """The places of the two records that a path names. Raises `HubSpotError`."""
    return ends({"from": {"id": call.params["id"]}, "to": {"id": call.params["to_id"]}}, pair)


def ends(item: Mapping[str, Any], pair: Pair) -> tuple[int, int]:
    """The places of the two records that `from` and `to` name. Raises `HubSpotError`."""
    places = []
    for key, objects in (("from", pair.one), ("to", pair.other)):
        named = item.get(key)
        identifier = str(named.get("id")) if isinstance(named, dict) else ""
        place = objects.store.place(identifier)
        if place is None or place in objects.store.archived:
            raise errors.unknown_records(objects.kind.full_name, [identifier])
        places.append(place)
    if pair.one is pair.other and places[0] == places[1]:
        identifier = pair.one.store.record_id(places[0])
        raise errors.invalid(f"Object {identifier} cannot be associated to itself ({identifier})")
    return places[0], places[1]


def read_types(wire: Any, pair: Pair, known: AssociationTypes) -> list[AssociationType]:
    """The types that `[{associationCategory, associationTypeId}]` lists. Raises `HubSpotError`."""
    if not isinstance(wire, list) or not wire or not all(isinstance(item, dict) for item in wire):
        raise errors.invalid("Invalid input JSON: association types must be an array of objects")
    found = []
    for item in wire:
        type_id, category = item.get("associationTypeId"), item.get("associationCategory")
        kind = known.find(pair.one.kind, pair.other.kind, type_id, category) if isinstance(type_id, int) else None
        if kind is None:
            names = f"{pair.one.kind.singular} to {pair.other.kind.singular}"
            raise errors.invalid(f"The association type {category} {type_id} is not valid for {names}")
        found.append(kind)
    return found


def read_wanted(
    body: Mapping[str, Any], objects: Objects, known: AssociationTypes, resolve: Resolve
) -> list[tuple[Objects, int, list[AssociationType]]]:
    """What a new record is to be associated with: the other object, the place there, the types.

    The types say which object it is. Raises `HubSpotError`.
    """
    listed = body.get("associations") or []
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise errors.invalid("Invalid input JSON: associations must be an array of objects")
    wanted = []
    for item in listed:
        types = item.get("types")
        first = types[0] if isinstance(types, list) and types else None
        target = known.target(objects.kind, first.get("associationTypeId")) if isinstance(first, dict) else None
        if target is None:
            raise errors.invalid(f"No such association type from {objects.kind.singular}: {types}")
        pair = Pair(objects, resolve(target))
        named = item.get("to")
        identifier = str(named.get("id")) if isinstance(named, dict) else ""
        place = pair.other.store.place(identifier)
        if place is None or place in pair.other.store.archived:
            raise errors.invalid(f"No {target} has the id {identifier}, so nothing can be associated with it")
        wanted.append((pair.other, place, read_types(types, pair, known)))
    return wanted


def read_label(body: Mapping[str, Any]) -> tuple[str, str, str | None]:
    """The name, label and inverse label that a body creates. Raises `HubSpotError`."""
    name, label, inverse = body.get("name"), body.get("label"), body.get("inverseLabel")
    if not (isinstance(name, str) and name and isinstance(label, str) and label):
        raise errors.invalid("Some required fields were not set: [name, label]")
    return name, label, inverse if isinstance(inverse, str) and inverse else None


def not_an_id(identifier: str) -> dict[str, Any]:
    """The fault of an input whose id is none."""
    return {
        "status": "error",
        "category": "VALIDATION_ERROR",
        "subCategory": "crm.associations.INVALID_IDENTIFIER",
        "message": f"{identifier} is not a valid ID",
        "context": {"id": [identifier]},
    }


def nothing(pair: Pair, identifier: str) -> dict[str, Any]:
    """The fault of a record that is associated with nothing."""
    one, other = pair.one.kind.singular, pair.other.kind.singular
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        "message": f"No {other} is associated with {one} {identifier}.",
        "context": {"fromObjectId": [identifier], "fromObjectType": [one], "toObjectType": [other]},
    }


def named_links(links: Links, one: Objects, place: int, other: Objects) -> list[dict[str, str]]:
    """Each associated record and type, as version 3 tells them."""
    if place in one.store.archived:
        return []
    return [
        {"id": other.store.record_id(at), "type": item.name}
        for at, types in links.of(one, place, other).items()
        for item in types
    ]
