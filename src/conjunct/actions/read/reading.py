"""One attempt at a run as a value: the run with all that it needs; and what may stand in its way."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.actions.read.messages import Envelope
from conjunct.actions.read.runs import Place, Run, hold_of
from conjunct.connections import ConnectionState
from conjunct.connectors import Connector, Page, ReadQuery
from conjunct.delivery import Channel, DeliveryService
from conjunct.installations import MappingPlan, ReadObject
from conjunct.queue import Job


@dataclass(frozen=True, slots=True)
class Reading:
    """A run with all that it needs. With `then_deleted`, deleted records follow the live ones."""

    job: Job
    run: Run
    connection: ConnectionState
    read_object: ReadObject
    plan: MappingPlan
    query: ReadQuery
    connector: Connector
    channel: Channel
    envelope: Envelope
    then_deleted: bool = False

    def fetch(self, place: Place) -> asyncio.Task[Page]:
        """The page there, being asked for."""
        # Deleted records are associated with nothing any more.
        query = replace(self.query, deleted=True, associations=()) if place.deleted else self.query
        return asyncio.create_task(self.connector.read_page(query, place.token))

    @property
    def holds(self) -> bool:
        """Whether its pages wait to be asked for, instead of being delivered."""
        return self.read_object.delivery_mode == "onRequest"

    @property
    def hold(self) -> str:
        """The hold that they wait in."""
        return hold_of(self.run.installation_id, self.run.object_name)


class RunGone(Exception):
    """The run is no more: its installation was deleted."""


class Blocked(Exception):
    """Nothing more can be handed over for now, for a reason in words; the read waits.

    `patient` is a read that waits for its builder, however long that takes.
    """

    def __init__(self, reason: str, *, patient: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.patient = patient


async def require_way(session: AsyncSession, delivery: DeliveryService, reading: Reading) -> None:
    """Raise `Blocked` if too much waits, to be delivered or to be asked for, or if the destination takes nothing.

    A disabled destination would have its messages set aside, and thrown away when they are old: what is not read yet
    is safer where it is.
    """
    channel = reading.channel
    name = channel.destination_name
    if reading.holds:
        if await delivery.holds.is_full(session, channel.project_id, reading.hold):
            raise Blocked("As many pages are held as may be. It goes on when some are asked for.", patient=True)
    elif await delivery.is_disabled(session, channel.project_id, channel.destination_id):
        raise Blocked(f"The destination {name!r} is disabled. It goes on when that is enabled.")
    if await delivery.spool_is_full(session, channel.project_id, channel.destination_id):
        raise Blocked(f"As much waits for the destination {name!r} as may be. It goes on when that takes messages.")
