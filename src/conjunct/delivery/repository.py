"""Queries on destinations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, literal_column, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from conjunct.core.database import rfc3339
from conjunct.core.paging import Page
from conjunct.delivery.destinations import destination_type
from conjunct.delivery.health import Health
from conjunct.delivery.models import DestinationRow
from conjunct.delivery.problems import DestinationNameTaken, DestinationNotFound
from conjunct.delivery.terms import PLAIN, Terms


def is_any_disabled(project_id: str, names: str) -> str:
    """SQL for whether one of a project's destinations of these names is disabled, given a text and a text array."""
    return (
        f"EXISTS (SELECT FROM destination WHERE destination.project_id = {project_id} "
        f"AND destination.name = ANY({names}) AND destination.state = 'disabled')"
    )


@dataclass(frozen=True, slots=True)
class StoredDestination:
    """A destination's row; the times are RFC 3339 text."""

    id: str
    project_id: str
    name: str
    type: str
    metadata: dict[str, Any]
    sealed_secrets: bytes = field(repr=False)
    create_time: str
    update_time: str | None
    terms: Terms = field(kw_only=True, default=PLAIN)
    health: Health = field(kw_only=True)


TERMS = (DestinationRow.rate_per_second, DestinationRow.ordered, DestinationRow.keep_hours)
HEALTH = (
    DestinationRow.state,
    DestinationRow.disabled_reason,
    DestinationRow.disabled_at,
    DestinationRow.failing_since,
    DestinationRow.consecutive_failures,
    DestinationRow.breaker_openings,
    DestinationRow.breaker_open_until,
    DestinationRow.breaker_probe_until,
)
STORED: tuple[Any, ...] = (
    DestinationRow.id,
    DestinationRow.project_id,
    DestinationRow.name,
    DestinationRow.type,
    DestinationRow.metadata_,
    DestinationRow.sealed_secrets,
    literal_column(rfc3339("destination.create_time")).label("created"),
    literal_column(rfc3339("destination.update_time")).label("updated"),
    *TERMS,
    *HEALTH,
)

_HEALED = {"consecutive_failures": 0, "breaker_openings": 0, "breaker_open_until": None, "breaker_probe_until": None}


def stored(row: Sequence[Any]) -> StoredDestination:
    """The destination from a row that begins with the columns `STORED`."""
    values = tuple(row)[: len(STORED)]
    rest, health = values[: -len(HEALTH)], values[-len(HEALTH) :]
    head, terms = rest[: -len(TERMS)], rest[-len(TERMS) :]
    return StoredDestination(*head, terms=terms_of(terms, head[3]), health=health_of(health))


def terms_of(values: tuple[Any, ...], type_name: str) -> Terms:
    """The terms from the values of the columns `TERMS`."""
    rate_per_second, ordered, keep_hours = values
    return Terms(rate_per_second, ordered, keep_hours, destination_type(type_name).pushes)


def health_of(values: tuple[Any, ...]) -> Health:
    """The health from the values of the columns `HEALTH`."""
    return Health(values[0] == "enabled", *values[1:])


async def create(session: AsyncSession, destination: StoredDestination) -> None:
    """Add a destination; `DestinationNameTaken`."""
    statement = insert(DestinationRow).values(
        id=destination.id,
        project_id=destination.project_id,
        name=destination.name,
        type=destination.type,
        metadata_=destination.metadata,
        sealed_secrets=destination.sealed_secrets,
        **destination.terms.columns,
    )
    try:
        await session.execute(statement)
    except IntegrityError:
        raise DestinationNameTaken(destination.name) from None


async def in_project(session: AsyncSession, project_id: str, page: Page) -> list[StoredDestination]:
    """A page of the project's destinations, oldest first."""
    statement = select(*STORED).where(DestinationRow.project_id == project_id)
    rows = await session.execute(page.of(statement, DestinationRow.id))
    return [stored(tuple(row)) for row in rows]


async def known_names(session: AsyncSession, project_id: str, names: Sequence[str]) -> set[str]:
    """Those of the names and ids that a destination of the project has."""
    statement = select(DestinationRow.id, DestinationRow.name).where(
        DestinationRow.project_id == project_id,
        or_(DestinationRow.id.in_(names), DestinationRow.name.in_(names)),
    )
    return {each for row in await session.execute(statement) for each in row}


async def find(
    session: AsyncSession, project_id: str, name_or_id: str, *, for_update: bool = False
) -> StoredDestination:
    """The project's destination with this id, or else with this name; `DestinationNotFound`."""
    if "\x00" in name_or_id:  # which no text in Postgres has
        raise DestinationNotFound(name_or_id)
    statement = (
        select(*STORED)
        .where(
            DestinationRow.project_id == project_id,
            or_(DestinationRow.id == name_or_id, DestinationRow.name == name_or_id),
        )
        .order_by((DestinationRow.id == name_or_id).desc())
        .limit(1)
    )
    row = (await session.execute(statement.with_for_update() if for_update else statement)).one_or_none()
    if row is None:
        raise DestinationNotFound(name_or_id)
    return stored(tuple(row))


async def save(session: AsyncSession, destination: StoredDestination, *, heal: bool = False) -> None:
    """Store name, metadata, secrets and terms; `heal` forgets failures too. `DestinationNameTaken`."""
    statement = (
        update(DestinationRow)
        .where(*_is(destination.project_id, destination.id))
        .values(
            name=destination.name,
            metadata_=destination.metadata,
            sealed_secrets=destination.sealed_secrets,
            **destination.terms.columns,
            update_time=func.now(),
            **(_HEALED if heal else {}),
        )
    )
    try:
        await session.execute(statement)
    except IntegrityError:
        raise DestinationNameTaken(destination.name) from None


async def remove(session: AsyncSession, project_id: str, destination_id: str) -> None:
    """Remove the destination, and with it the messages that wait for it."""
    await session.execute(delete(DestinationRow).where(*_is(project_id, destination_id)))


async def read_health(connection: AsyncConnection, project_id: str, destination_id: str) -> Health | None:
    """The destination's health; None when it was removed."""
    row = (await connection.execute(select(*HEALTH).where(*_is(project_id, destination_id)))).one_or_none()
    return None if row is None else health_of(tuple(row))


async def keep(session: AsyncSession, project_id: str, destination_id: str) -> Health | None:
    """The destination's health; nobody removes it till the transaction ends. None when it was removed."""
    statement = select(*HEALTH).where(*_is(project_id, destination_id)).with_for_update(read=True, key_share=True)
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else health_of(tuple(row))


async def find_terms(session: AsyncSession, project_id: str, destination_id: str) -> Terms:
    """The destination's terms; the plain ones when it was removed."""
    statement = select(*TERMS, DestinationRow.type).where(*_is(project_id, destination_id))
    row = (await session.execute(statement)).one_or_none()
    return PLAIN if row is None else terms_of(tuple(row)[:-1], row[-1])


async def lock_health(
    session: AsyncSession, project_id: str, destination_id: str
) -> tuple[Health, str, str, str] | None:
    """The health, name, type and URL (or type) of the destination; none of it changes till the transaction ends."""
    row: tuple[Any, ...] | None = (
        await session.execute(
            select(
                *HEALTH,
                DestinationRow.name,
                DestinationRow.type,
                func.coalesce(DestinationRow.metadata_["url"].astext, DestinationRow.type),
            )
            .where(*_is(project_id, destination_id))
            .with_for_update(key_share=True)
        )
    ).one_or_none()
    return None if row is None else (health_of(tuple(row[: len(HEALTH)])), row[-3], row[-2], row[-1])


async def save_health(session: AsyncSession, project_id: str, destination_id: str, health: Health) -> None:
    """Store the health."""
    await session.execute(
        update(DestinationRow)
        .where(*_is(project_id, destination_id))
        .values(
            state="enabled" if health.enabled else "disabled",
            disabled_reason=health.disabled_reason,
            disabled_at=health.disabled_at,
            failing_since=health.failing_since,
            consecutive_failures=health.consecutive_failures,
            breaker_openings=health.breaker_openings,
            breaker_open_until=health.breaker_open_until,
            breaker_probe_until=health.breaker_probe_until,
        )
    )


async def claim_probe(
    session: AsyncSession, project_id: str, destination_id: str, now: datetime, until: datetime
) -> bool:
    """Become the one who probes a half-open destination; others see it blocked `until` then."""
    claimed = await session.scalar(
        update(DestinationRow)
        .where(
            *_is(project_id, destination_id),
            DestinationRow.state == "enabled",
            DestinationRow.breaker_open_until <= now,
            or_(DestinationRow.breaker_probe_until.is_(None), DestinationRow.breaker_probe_until <= now),
        )
        .values(breaker_probe_until=until)
        .returning(DestinationRow.id)
    )
    return claimed is not None


def _is(project_id: str, destination_id: str) -> tuple[ColumnElement[bool], ...]:
    return DestinationRow.project_id == project_id, DestinationRow.id == destination_id
