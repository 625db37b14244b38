"""How reads of an installation stand: what is read when, how far it has come, who paused it and why, what is held."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.actions.read.models import ReadObjectRow
from conjunct.actions.read.repository import ReadRepository
from conjunct.actions.read.runs import hold_of
from conjunct.actions.read.schedules import schedule_key
from conjunct.actions.read.schemas import HeldPages, LastOperation, Pause, ReadStatus
from conjunct.delivery import DeliveryService
from conjunct.installations import InstallationState, ReadObject
from conjunct.operations import OperationService
from conjunct.queue import Engine


class ReadOverview:
    """Tells builders how the reads of an installation stand."""

    def __init__(self, engine: Engine, delivery: DeliveryService, operations: OperationService) -> None:
        self._engine = engine
        self._delivery = delivery
        self._operations = operations

    async def of(self, session: AsyncSession, state: InstallationState) -> list[ReadStatus]:
        """The status of each object that is read, in the manifest's order."""
        names = list(state.read_objects)
        rows = await ReadRepository(session).peek(state.project_id, state.id)
        keys = {name: schedule_key(state.id, name) for name in names}
        due = await self._engine.next_times(session, state.project_id, list(keys.values()))
        holds = {name: hold_of(state.id, name) for name in names}
        held = await self._delivery.holds.counts(session, state.project_id, list(holds.values()))
        latest = await self._operations.latest_reads(
            session, state.project_id, state.id, [each.delivered_name for each in state.read_objects.values()]
        )
        return [
            _status(
                read_object,
                rows.get(name),
                next_read=due.get(keys[name]),
                held=held.get(holds[name]),
                last=latest.get(read_object.delivered_name),
            )
            for name, read_object in state.read_objects.items()
        ]


def _status(
    read_object: ReadObject,
    row: ReadObjectRow | None,
    *,
    next_read: datetime | None,
    held: tuple[int, int] | None,
    last: tuple[str, str, datetime] | None,
) -> ReadStatus:
    is_held = held is not None or read_object.delivery_mode == "onRequest"
    pages, owed = held or (0, 0)
    return ReadStatus(
        object_name=read_object.delivered_name,
        raw_object_name=read_object.object_name,
        destination=read_object.destination,
        schedule=read_object.schedule,
        next_read_time=next_read,
        read_until=row.watermark if row is not None else None,
        disabled=read_object.disabled,
        pause=_pause(row),
        held_pages=HeldPages(held=pages, owed=owed) if is_held else None,
        backfill_operation_id=row.backfill_operation_id if row is not None else None,
        last_operation=LastOperation(id=last[0], status=last[1], create_time=last[2]) if last is not None else None,
    )


def _pause(row: ReadObjectRow | None) -> Pause | None:
    if row is None or row.paused is None:
        return None
    by = "builder" if row.paused == "builder" else "failures"
    return Pause(by=by, note=row.pause_note, since=row.paused_at)
