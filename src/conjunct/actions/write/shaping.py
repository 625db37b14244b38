"""What is asked of the provider: the query that a write request comes to."""

from __future__ import annotations

from conjunct.actions.write.fitting import AcceptedWrite
from conjunct.actions.write.telling import without_id
from conjunct.connectors import Connector, WriteEntry, WriteQuery


async def shape(accepted: AcceptedWrite, operation_id: str, _connector: Connector) -> WriteQuery:
    """The query, with an entry for each record in order; the same whenever the operation is tried again.

    The idempotency keys are the operation's: it is done once. Raises what the connector raises.
    """
    request = accepted.request
    has_id = request.type != "create"
    entries = tuple(
        WriteEntry(
            record=without_id(entry.record) if has_id else entry.record,
            id=str(entry.record["id"]) if has_id else None,
            associations=entry.associations,
            idempotency_key=f"{operation_id}-{place}",
        )
        for place, entry in enumerate(request.entries)
    )
    return WriteQuery(
        accepted.object_name,
        request.type,
        entries,
        all_or_none=request.batch_policy is not None and request.batch_policy.all_or_none,
        headers={header.key: header.value for header in request.headers or ()},
    )
