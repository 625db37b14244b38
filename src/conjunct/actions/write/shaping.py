"""What is asked of the provider: the query that a write request comes to."""

from __future__ import annotations

import hashlib
from typing import Any

from conjunct.actions.write.emptiness import with_filled_left_out
from conjunct.actions.write.field_rules import FieldRule, field_rules
from conjunct.actions.write.fitting import AcceptedWrite
from conjunct.actions.write.schemas import BatchEntry, WriteRequest
from conjunct.connectors import Connector, WriteEntry, WriteQuery
from conjunct.connectors.formats import UnusableValue
from conjunct.installations import WriteMapping, selector_of, write_mapping
from conjunct.kit.json_path import take


async def shape(accepted: AcceptedWrite, operation_id: str, connector: Connector) -> WriteQuery:
    """The query, with an entry for each record in order; the same whenever the operation is tried again.

    But for fields that are written only while they are empty: those are looked up, and left out once they are filled.
    Raises what the connector raises.
    """
    request = accepted.request
    mapping = mapping_of(accepted)
    rules = field_rules(accepted.config, request.type, mapping.provider_field) if request.type != "delete" else ()
    key_field = mapping.provider_field(request.external_id_field) if request.external_id_field else None
    entries = [
        _entry(request, entry, mapping, rules, key_field, _idempotency_key(accepted, operation_id, entry, place))
        for place, entry in enumerate(request.entries)
    ]
    if request.type == "update":
        entries = await with_filled_left_out(connector, accepted.object_name, entries, rules)
    return WriteQuery(
        accepted.object_name,
        request.type,
        tuple(entries),
        external_id_field=key_field,
        all_or_none=request.batch_policy is not None and request.batch_policy.all_or_none,
        headers={header.key: header.value for header in request.headers or ()},
    )


def mapping_of(accepted: AcceptedWrite) -> WriteMapping:
    """The mapping that applies: that of the read object, if the manifest lets writes inherit it."""
    declared = accepted.declared
    if not declared.inherit_mapping:
        return WriteMapping()
    state = accepted.state
    mapped_only = declared.unmapped_fields == "remove" and accepted.request.type != "delete"
    return write_mapping(state.integration, state.content, declared.object_name, mapped_only=mapped_only)


def _entry(
    request: WriteRequest,
    given: BatchEntry,
    mapping: WriteMapping,
    rules: tuple[FieldRule, ...],
    key_field: str | None,
    idempotency_key: str,
) -> WriteEntry:
    has_id = request.type in ("update", "delete")
    known = {name: value for name, value in given.record.items() if not (has_id and name == "id")}
    external_id: Any = None
    try:
        record = mapping.record(known)
        if key_field is not None:
            # Before the rules: it says which record, and is written with it in any case.
            external_id = take(record, selector_of(key_field), known.get(request.external_id_field or ""))
        for rule in rules:
            if rule.name != key_field:
                rule.apply(record)
    except ValueError as error:
        raise UnusableValue(str(error)) from None
    return WriteEntry(
        record=record,
        id=str(given.record["id"]) if has_id else None,
        external_id=external_id,
        associations=given.associations,
        idempotency_key=idempotency_key,
    )


def _idempotency_key(accepted: AcceptedWrite, operation_id: str, entry: BatchEntry, place: int) -> str:
    """The same for the same record: within the operation, or wherever the builder says that it is the same write.

    At most 45 characters: the least that a provider takes.
    """
    if entry.idempotency_key is None:
        return f"{operation_id}-{place}"
    parts = (accepted.state.id, accepted.object_name, accepted.request.type, entry.idempotency_key)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:40]
