"""What a definition can do: derived from what it says, never claimed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from conjunct.connectors.by_ids import can_hydrate_by_id
from conjunct.connectors.definition import ANY_OBJECT, Definition
from conjunct.connectors.plans import ObjectPlan, object_plan
from conjunct.connectors.write_definition import WriteRule
from conjunct.connectors.write_query import WRITE_TYPES, WriteType


@dataclass(frozen=True, slots=True)
class ObjectSupport:
    """What can be done with an object.

    `incremental`: a read can be limited to what changed since a time (by the provider, or by us after reading all).
    `pushed`: it is the provider that limits. `filter`: reads can be limited to equal values. `deleted`: deleted records
    can be read. `search`: records with given values can be searched. `count`: matching records can be counted.
    `by_ids`: records can be asked for by their ids. `associations`: names of objects whose records that belong to a
    record can be told; "*" stands for any. `describe`: fields are told by the provider. `upsert_fields`: fields can be
    created and changed. `write`: records can be created or updated; `create`, `update`, `upsert`, `delete` each.
    `batch`: the ways to write many with one request, each with the number of records that it holds.
    """

    read: bool = False
    incremental: bool = False
    pushed: bool = False
    filter: bool = False
    deleted: bool = False
    search: bool = False
    count: bool = False
    by_ids: bool = False
    associations: tuple[str, ...] = ()
    describe: bool = False
    upsert_fields: bool = False
    create: bool = False
    update: bool = False
    upsert: bool = False
    delete: bool = False
    batch: Mapping[WriteType, int] = field(default_factory=dict)

    @property
    def write(self) -> bool:
        """Whether records can be created or updated."""
        return self.create or self.update or self.upsert


@dataclass(frozen=True, slots=True)
class BatchSupport:
    """How many records a request holds: of objects that are not named, and of those that are, where it is another."""

    default: int
    by_object: Mapping[str, int]


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
    by_ids: bool
    associations: bool
    describe: bool
    upsert_fields: bool
    write: bool
    create: bool
    update: bool
    upsert: bool
    delete: bool
    batch: Mapping[WriteType, BatchSupport]
    custom_objects: bool


def object_support(definition: Definition, name: str) -> ObjectSupport:
    """What can be done with that object."""
    known = definition.object(name)
    if known is None:
        return ObjectSupport()
    writes = _writes(known.write)
    if known.read is None:
        return ObjectSupport(upsert_fields=known.upsert_fields is not None, **writes)
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
        by_ids=known.by_ids is not None or can_hydrate_by_id(plan),
        associations=tuple(known.associations),
        describe=known.schema_ is not None and bool({"describe", "introspection"} & set(known.schema_.sources)),
        upsert_fields=known.upsert_fields is not None,
        **writes,
    )


def support(definition: Definition) -> Support:
    """What the provider can do."""
    by_name = {name: object_support(definition, name) for name in definition.objects}
    each = by_name.values()
    return Support(
        proxy=True,
        read=any(one.read for one in each),
        incremental=any(one.incremental for one in each),
        filter=any(one.filter for one in each),
        deleted=any(one.deleted for one in each),
        search=any(one.search for one in each),
        count=any(one.count for one in each),
        by_ids=any(one.by_ids for one in each),
        associations=any(one.associations for one in each),
        describe=any(one.describe for one in each),
        upsert_fields=any(one.upsert_fields for one in each),
        write=any(one.write for one in each),
        create=any(one.create for one in each),
        update=any(one.update for one in each),
        upsert=any(one.upsert for one in each),
        delete=any(one.delete for one in each),
        batch={type_: told for type_ in WRITE_TYPES if (told := _batches(by_name, type_)) is not None},
        custom_objects=ANY_OBJECT in definition.objects,
    )


def _writes(rule: WriteRule | None) -> dict[str, Any]:
    """What an object's `write` can do, by the names of `ObjectSupport`."""
    if rule is None:
        return {}
    batch = {type_: many.max for type_ in WRITE_TYPES if (many := getattr(rule.batch, type_)) is not None}
    ways: dict[str, Any] = {type_: type_ in batch or getattr(rule, type_) is not None for type_ in WRITE_TYPES}
    return {**ways, "batch": batch}


def _batches(by_name: Mapping[str, ObjectSupport], type_: WriteType) -> BatchSupport | None:
    limits = {name: one.batch[type_] for name, one in by_name.items() if type_ in one.batch}
    if not limits:
        return None
    usual = limits.get(ANY_OBJECT) or Counter(limits.values()).most_common(1)[0][0]
    return BatchSupport(usual, {name: limit for name, limit in limits.items() if limit != usual})


def _names(plan: ObjectPlan) -> frozenset[str]:
    return plan.primary.names.union(*(variant.names for variant in plan.variants))
