"""Fields that are written only while they are empty: their values are looked up before an update."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

from conjunct.actions.write.field_rules import FieldRule, to_be_read
from conjunct.connectors import Connector, Record, WriteEntry, WriteNotSupported
from conjunct.connectors.plans import ReadNotSupported

EMPTY: tuple[Any, ...] = (None, "", [])


async def with_filled_left_out(
    connector: Connector, object_name: str, entries: Sequence[WriteEntry], rules: Sequence[FieldRule]
) -> list[WriteEntry]:
    """The entries without the fields that are to be written only while empty, and are not.

    Asks the provider for all these records at once, and only if a field needs it. Of a record that cannot be seen,
    such fields are left out. Raises `ProviderError` by its classes, `WriteNotSupported`.
    """
    asked = {place: list(to_be_read(rules, entry.record)) for place, entry in enumerate(entries)}
    ids = [entry.id for place, entry in enumerate(entries) if asked[place] and entry.id is not None]
    if not ids:
        return list(entries)
    fields = tuple(dict.fromkeys(rule.name for each in asked.values() for rule in each))
    there = await _records(connector, object_name, list(dict.fromkeys(ids)), fields)
    return [_left_out(entry, asked[place], there) for place, entry in enumerate(entries)]


async def _records(
    connector: Connector, object_name: str, ids: Sequence[str], fields: tuple[str, ...]
) -> Mapping[str, Record]:
    """The records that there are, by the ids that they were asked for by."""
    try:
        found = {record.id: record for record in await connector.get_by_ids(object_name, ids, fields)}
        for each in ids:
            if each not in found and len(alone := await connector.get_by_ids(object_name, [each], fields)) == 1:
                found[each] = alone[0]  # the provider writes the same id in several ways
    except ReadNotSupported as refusal:
        raise WriteNotSupported(
            f"The provider cannot be asked whether fields of '{object_name}' are empty: {refusal.detail}",
            remedy="Set writeOnUpdate of these fields to always or never.",
        ) from None
    return {each: found[each] for each in ids if each in found}


def _left_out(entry: WriteEntry, rules: Sequence[FieldRule], there: Mapping[str, Record]) -> WriteEntry:
    known = there.get(entry.id or "")
    filled = [rule for rule in rules if known is None or known.fields.get(rule.name.lower()) not in EMPTY]
    if not filled:
        return entry
    record = deepcopy(dict(entry.record))
    for rule in filled:
        rule.leave_out(record)
    return replace(entry, record=record)
