"""What became of every change of a simulated day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import asyncpg
import orjson
from sqlalchemy import text

from conjunct.core.database import Database
from conjunct.core.settings import Settings
from conjunct.delivery import spool
from conjunct.queue.cron import spread
from conjunct.tenants import ProjectKeys
from scripts.loadcheck.plan import Plan
from scripts.loadcheck.servers import Delivered, delivered


@dataclass
class Verdict:
    """How many changes arrived, how late (simulated seconds, where nothing failed), and what the others wait for."""

    due: int = 0
    arrived: int = 0
    at_destination: int = 0
    at_provider: int = 0
    lost: list[Delivered] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)

    def told(self) -> str:
        """For people."""
        return (
            f"{self.due:,}: {self.arrived:,} delivered, {self.at_destination:,} wait for a destination that fails, "
            f"{self.at_provider:,} for a provider that fails, {len(self.lost)} lost"
        )

    @property
    def faults(self) -> list[str]:
        """What must not be."""
        return [f"{len(self.lost)} changes are lost, such as {self.lost[:5]}"] if self.lost else []


async def waiting(settings: Settings, database: Database) -> set[Delivered]:
    """The versions of records in the messages that wait for their destinations, opened."""
    found: set[Delivered] = set()
    keys = ProjectKeys(settings.load_master_keys())
    async with database.transaction() as session:
        rows = await session.execute(text("select project_id, id from delivery_message where state = 'pending'"))
        for row in rows.all():
            project_id, message_id = str(row.project_id), str(row.id)
            keyring = await keys.keyring(session, project_id)
            opened = await spool.open_message(session, keyring, project_id, message_id)
            if opened is not None:
                found.update(delivered(orjson.loads(opened.message.body)))
    return found


async def judge(
    connection: asyncpg.Connection,
    plan: Plan,
    came: Mapping[Delivered, float],
    spooled: set[Delivered],
    installed: Mapping[str, int],
) -> Verdict:
    """Compare what changed with what came. What has not come must wait, or be read by the next read."""
    rows = await connection.fetch("select installation_id, object_name, watermark from read_object")
    reached = {
        (installed[row["installation_id"]], row["object_name"]): plan.second_of(row["watermark"]) for row in rows
    }
    verdict = Verdict()
    for (account, name), changes in plan.changes.items():
        sound = account not in plan.account_troubles and plan.destination_of(account) not in plan.destination_troubles
        latest = {change.record: change for change in changes}
        for change in latest.values():
            version = account, name, change.record, change.version
            verdict.due += 1
            if version in came:
                verdict.arrived += 1
                if sound:
                    verdict.lags.append(came[version] - change.second)
            elif version in spooled and plan.destination_of(account) in plan.destination_troubles:
                verdict.at_destination += 1
            elif reached[account, name] <= change.second and account in plan.account_troubles:
                verdict.at_provider += 1
            else:
                verdict.lost.append(version)
    return verdict


async def lags(connection: asyncpg.Connection, plan: Plan, every: timedelta, now: datetime) -> tuple[list[float], int]:
    """How late reads began after they were due, in simulated seconds; and how many turns there was no read."""
    rows = await connection.fetch(
        "select project_id, installation_id, object_name, create_time from read_run where read_type = 'scheduled'"
    )
    found, step = [], every.total_seconds()
    for row in rows:
        offset = spread(f"{row['project_id']}/read/{row['installation_id']}/{row['object_name']}").total_seconds()
        found.append((plan.second_of(row["create_time"]) - offset) % step)
    turns = int(plan.second_of(now) // step) * plan.installations * 3
    return found, max(0, turns - len(found))
