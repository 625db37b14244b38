"""What is to be known of how a destination does: its state, what waits for it, and how its last hour went."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.core.database import rfc3339

RECENT = timedelta(hours=1)
MOST_RECENT = 10_000
"""How many attempts of the last hour are looked at, the newest."""


def _waiting(condition: str) -> str:
    return f"""(
        select json_strip_nulls(json_build_object(
            'messages', count(*), 'bytes', coalesce(sum(m.size), 0), 'oldestTime', {rfc3339("min(m.create_time)")}))
        from delivery_message m
        where m.project_id = :project_id and m.destination_id = d.id and {condition}
    )"""  # noqa: S608 - conditions of ours


def _last(condition: str) -> str:
    newest = f"""(
        select a.at from delivery_attempt a
        where a.project_id = :project_id and a.destination_id = d.id and a.error {condition}
        order by a.at desc limit 1
    )"""  # noqa: S608 - as above
    return rfc3339(newest)


def _percentile(share: float) -> str:
    return f"percentile_disc({share}) within group (order by a.elapsed_ms) filter (where a.error is null)"


_LAST_HOUR = f"""(
    select json_strip_nulls(json_build_object(
        'attempts', count(*), 'delivered', count(*) filter (where a.error is null),
        'successShare', round(count(*) filter (where a.error is null)::numeric / nullif(count(*), 0), 4),
        'latencyMs', case when count(*) filter (where a.error is null) > 0 then json_build_object(
            'p50', {_percentile(0.5)}, 'p95', {_percentile(0.95)}, 'p99', {_percentile(0.99)}) end))
    from (
        select elapsed_ms, error from delivery_attempt a
        where a.project_id = :project_id and a.destination_id = d.id and a.at >= :recent
        order by a.at desc limit {MOST_RECENT}
    ) a
)"""  # noqa: S608 - constants

RECOVERY = f"""json_strip_nulls(json_build_object(
    'id', r.id, 'since', {rfc3339("r.since")}, 'until', {rfc3339("r.until")}, 'messages', r.messages,
    'recovered', r.recovered, 'createTime', {rfc3339("r.create_time")}, 'endTime', {rfc3339("r.end_time")}))"""

_VITALS = text(f"""
select cast(json_strip_nulls(json_build_object(
    'state', d.state,
    'disabledReason', d.disabled_reason,
    'disabledTime', {rfc3339("d.disabled_at")},
    'failingSince', {rfc3339("d.failing_since")},
    'consecutiveFailures', d.consecutive_failures,
    'breakerOpenUntil', case when d.breaker_open_until > :now then {rfc3339("d.breaker_open_until")} end,
    'pending', {_waiting("m.state = 'pending' and m.next_at is not null")},
    'setAside', {_waiting("m.state = 'pending' and m.next_at is null")},
    'exhausted', {_waiting("m.state = 'exhausted'")},
    'held', {_waiting("m.state = 'held'")},
    'lastSuccessTime', {_last("is null")},
    'lastFailureTime', {_last("is not null")},
    'lastHour', {_LAST_HOUR},
    'recovery', (select {RECOVERY} from delivery_recovery r
        where r.project_id = :project_id and r.destination_id = d.id order by r.id desc limit 1))) as text)
from destination d where d.project_id = :project_id and d.id = :destination_id
""")  # noqa: S608 - constants


async def vitals(session: AsyncSession, project_id: str, destination_id: str, now: datetime) -> str:
    """The destination's health as JSON. It reads what waits, and up to 10,000 attempts."""
    values = {"project_id": project_id, "destination_id": destination_id, "now": now, "recent": now - RECENT}
    found: str = (await session.execute(_VITALS, values)).scalar_one()
    return found
