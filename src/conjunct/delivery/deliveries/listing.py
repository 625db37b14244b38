"""Queries that show deliveries: every message that was handed over for a destination, and what became of it.

What waits stands in `delivery_message`. What has ended, well or not, is known by its attempts: the first stored one
stands for the message. A list walks one index of each, newest first, and looks at no more rows than it shows but for
those that a filter leaves out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.core.database import rfc3339
from conjunct.core.paging import Items, Page

Status = Literal["pending", "delivered", "exhausted", "setAside", "held", "expired"]

MAX_ATTEMPTS_SHOWN = 100

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_WAITING_STATES: dict[str, str] = {
    "pending": "m.state = 'pending' and m.next_at is not null",
    "setAside": "m.state = 'pending' and m.next_at is null",
    "exhausted": "m.state = 'exhausted'",
    "held": "m.state = 'held'",
}
_DELIVERED = """(
    select count(*) from delivery_attempt d where d.project_id = :project_id and d.message_id = a.message_id
        and d.destination_id = :destination_id and d.error is null
) > 0"""
_ENDED_STATES: dict[str, str] = {
    "delivered": f"(a.error is null or {_DELIVERED})",
    "expired": f"not ({_DELIVERED})",
}

_IS_FIRST = """a.id = (
    select min(e.id) from delivery_attempt e where e.project_id = :project_id and e.message_id = a.message_id
        and e.destination_id = :destination_id
)"""
_WAITS_NO_MORE = """(
    select m.state from delivery_message m where m.project_id = :project_id and m.id = a.message_id
        and m.destination_id = :destination_id
) is null"""

_KEY = "lpad(cast(cast(extract(epoch from page.moment) * 1000000 as bigint) as text), 20, '0') || '.' || page.id"

_ITEM = f"""json_strip_nulls(json_build_object(
    'messageId', page.id,
    'operationId', coalesce(m.operation_id, tried.operation_id),
    'status', case
        when m.state = 'pending' and m.next_at is null then 'setAside'
        when m.state is not null then m.state
        when tried.delivered_at is not null then 'delivered'
        else 'expired' end,
    'attemptCount', tried.attempts,
    'records', coalesce(m.records, tried.records),
    'bytes', tried.bytes,
    'createTime', {rfc3339("least(m.create_time, tried.first_at)")},
    'firstAttemptTime', {rfc3339("tried.first_at")},
    'lastAttemptTime', {rfc3339("tried.last_at")},
    'nextAttemptTime', {rfc3339("m.next_at")},
    'expireTime', {rfc3339("m.expires_at")},
    'deliveredTime', {rfc3339("tried.delivered_at")},
    'latencyMs', tried.latency_ms,
    'lastStatusCode', (tried.last).status,
    'lastError', (tried.last).error,
    'lastLatencyMs', (tried.last).elapsed_ms))"""

_OF_PAGE = """
left join delivery_message m
    on m.project_id = :project_id and m.id = page.id and m.destination_id = :destination_id
cross join lateral (
    select count(*) as attempts, min(a.at) as first_at, max(a.at) as last_at, max(a.operation_id) as operation_id,
        max(a.records) as records, max(a.bytes) as bytes,
        min(a.at + a.elapsed_ms * interval '1 millisecond') filter (where a.error is null) as delivered_at,
        min(a.latency_ms) filter (where a.error is null) as latency_ms,
        (array_agg(a order by a.id desc))[1] as last
    from delivery_attempt a
    where a.project_id = :project_id and a.message_id = page.id and a.destination_id = :destination_id
) tried"""

_ATTEMPTS = f"""(
    select coalesce(json_agg(json_strip_nulls(json_build_object(
        'number', a.turn, 'time', {rfc3339("a.at")}, 'delivered', a.error is null, 'statusCode', a.status,
        'error', a.error, 'latencyMs', a.elapsed_ms)) order by a.turn), '[]')
    from (
        select row_number() over (order by id) as turn, at, error, status, elapsed_ms from delivery_attempt
        where project_id = :project_id and message_id = :message_id and destination_id = :destination_id
        order by turn desc limit {MAX_ATTEMPTS_SHOWN}
    ) a
)"""  # noqa: S608 - constants

_ONE = text(f"""
select cast(cast({_ITEM} as jsonb) || jsonb_build_object('attempts', {_ATTEMPTS}) as text)
from (select cast(:message_id as text) as id) page {_OF_PAGE}
where m.id is not null or tried.attempts > 0
""")  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class Filters:
    """Which deliveries are asked for; what is None does not count. `since` is included, `until` is not."""

    status: Status | None = None
    operation_id: str | None = None
    message_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def page_of(session: AsyncSession, project_id: str, destination_id: str, page: Page, filters: Filters) -> Items:
    """A page of the destination's deliveries, newest first."""
    values: dict[str, Any] = {
        "project_id": project_id,
        "destination_id": destination_id,
        "limit": page.limit,
        "operation_id": filters.operation_id,
        "message_id": filters.message_id,
        "since": filters.since,
        "until": filters.until,
    }
    if page.after is not None:
        values["before"], values["before_id"] = _place(page.after)
    found = (await session.execute(text(_list_sql(filters, page)), values)).one()
    return Items(*found)


async def one(session: AsyncSession, project_id: str, destination_id: str, message_id: str) -> str | None:
    """A delivery as JSON with its attempts, oldest first; None when nothing of it is known."""
    values = {"project_id": project_id, "destination_id": destination_id, "message_id": message_id}
    found: str | None = await session.scalar(_ONE, values)
    return found


def _place(after: str) -> tuple[datetime, str]:
    moment, _, message_id = after.partition(".")
    return _EPOCH + timedelta(microseconds=int(moment)), message_id


def _list_sql(filters: Filters, page: Page) -> str:
    """The statement for these filters: only what is asked for stands in it, so that each has a plan of its own."""
    drivers = []
    if filters.status is None or filters.status in _WAITING_STATES:
        drivers.append(_waiting_sql(filters, page))
    if filters.status is None or filters.status in _ENDED_STATES:
        drivers.append(_ended_sql(filters, page))
    chosen = " union all ".join(f"({each})" for each in drivers)
    return f"""
    with page as materialized (select * from ({chosen}) found order by moment desc, id desc limit :limit)
    select cast(coalesce(json_agg({_ITEM} order by page.moment desc, page.id desc), '[]') as text), count(*),
        min({_KEY})
    from page {_OF_PAGE}"""  # noqa: S608 - constants


def _waiting_sql(filters: Filters, page: Page) -> str:
    conditions = ["m.project_id = :project_id", "m.destination_id = :destination_id"]
    if filters.status is not None:
        conditions.append(_WAITING_STATES[filters.status])
    if filters.message_id is not None:
        conditions.append("m.id = :message_id")
    if filters.operation_id is not None:
        conditions.append("m.operation_id = :operation_id")
    conditions += _bounds("m.create_time", "m.id", filters, page)
    return f"""select m.create_time as moment, m.id from delivery_message m where {" and ".join(conditions)}
        order by 1 desc, 2 desc limit :limit"""  # noqa: S608 - constants


def _ended_sql(filters: Filters, page: Page) -> str:
    # Scalar subqueries, not joins: each candidate is looked up in an index, and the walk ends when the page is full.
    # `case` keeps the planner from taking most candidates to be left out, and hence from sorting them all.
    kept = [_IS_FIRST, _WAITS_NO_MORE]
    if filters.status is not None:
        kept.append(_ENDED_STATES[filters.status])
    conditions = [f"case when {each} then true else false end" for each in kept]
    if filters.status == "expired":
        conditions.append("a.error is not null")
    conditions += _bounds("a.at", "a.message_id", filters, page)
    source = "delivery_attempt"
    mine = "project_id = :project_id and destination_id = :destination_id"
    if filters.message_id is not None:
        source = f"(select * from delivery_attempt where {mine} and message_id = :message_id offset 0)"  # noqa: S608
    elif filters.operation_id is not None:
        source = f"(select * from delivery_attempt where {mine} and operation_id = :operation_id offset 0)"  # noqa: S608
    if filters.message_id is not None and filters.operation_id is not None:
        conditions.append("a.operation_id = :operation_id")
    return f"""select a.at as moment, a.message_id as id from {source} a
        where a.{mine.replace(" and ", " and a.")} and {" and ".join(conditions)}
        order by 1 desc, 2 desc limit :limit"""  # noqa: S608 - constants


def _bounds(moment: str, message_id: str, filters: Filters, page: Page) -> list[str]:
    bounds = []
    if page.after is not None:
        bounds += [f"{moment} <= :before", f"({moment}, {message_id}) < (:before, cast(:before_id as text))"]
    if filters.since is not None:
        bounds.append(f"{moment} >= :since")
    if filters.until is not None:
        bounds.append(f"{moment} < :until")
    return bounds
