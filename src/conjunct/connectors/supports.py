"""What a definition can do: derived from what it says, never claimed."""

from __future__ import annotations

from dataclasses import dataclass

from conjunct.connectors.definition import ANY_OBJECT, Definition
from conjunct.connectors.plans import ObjectPlan, object_plan


@dataclass(frozen=True, slots=True)
class ObjectSupport:
    """What can be done with an object.

    `incremental`: a read can be limited to what changed since a time (by the provider, or by us after reading all).
    `pushed`: it is the provider that limits. `filter`: reads can be limited to equal values. `deleted`: deleted records
    can be read. `search`: records with given values can be searched. `count`: matching records can be counted.
    `describe`: fields are told by the provider. `upsert_fields`: fields can be created and changed. `write`: records
    can be written; as yet no definition says how.
    """

    read: bool = False
    incremental: bool = False
    pushed: bool = False
    filter: bool = False
    deleted: bool = False
    search: bool = False
    count: bool = False
    describe: bool = False
    upsert_fields: bool = False
    write: bool = False


@dataclass(frozen=True, slots=True)
class Support:
    """What a provider can do with at least one of its objects, and `custom_objects`: names not listed are good too."""

    proxy: bool
    read: bool
    incremental: bool
    filter: bool
    deleted: bool
    search: bool
    count: bool
    describe: bool
    upsert_fields: bool
    write: bool
    custom_objects: bool


def object_support(definition: Definition, name: str) -> ObjectSupport:
    """What can be done with that object."""
    known = definition.object(name)
    if known is None or known.read is None:
        return ObjectSupport()
    plan = object_plan(definition, name)
    pushed = "since" in _names(plan)
    return ObjectSupport(
        read=True,
        incremental=pushed or known.read.client_filter is not None,
        pushed=pushed,
        filter="filter" in _names(plan),
        deleted="deleted" in _names(plan),
        search=known.search is not None,
        count=known.count is not None,
        describe=known.schema_ is not None and known.schema_.source == "describe",
        upsert_fields=known.upsert_fields is not None,
    )


def support(definition: Definition) -> Support:
    """What the provider can do."""
    each = [object_support(definition, name) for name in definition.objects]
    return Support(
        proxy=True,
        read=any(one.read for one in each),
        incremental=any(one.incremental for one in each),
        filter=any(one.filter for one in each),
        deleted=any(one.deleted for one in each),
        search=any(one.search for one in each),
        count=any(one.count for one in each),
        describe=any(one.describe for one in each),
        upsert_fields=any(one.upsert_fields for one in each),
        write=any(one.write for one in each),
        custom_objects=ANY_OBJECT in definition.objects,
    )


def _names(plan: ObjectPlan) -> frozenset[str]:
    return plan.primary.names.union(*(variant.names for variant in plan.variants))
