"""What tests of reads do over and over: make a schedule due, let no wait last, look at how far a read has come."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import httpx
from sqlalchemy import CursorResult, Row, text

from conjunct.queue.submission import CHANNEL
from tests.support.platform import MANIFEST, Platform
from tests.support.servers import NO_AUTHORITIES

RARELY = "0 0 1 1 *"
"""A schedule that no test lives to see: its reads come when `make_due` says so."""

COMPANIES: dict[str, Any] = {
    "objectName": "companies",
    "destination": "people-webhook",
    "schedule": RARELY,
    "backfill": {"defaultPeriod": {"fullHistory": True}},
    "requiredFields": [{"fieldName": "name"}],
}
WAIT_SECONDS = 60.0


def manifest(*further: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The usual manifest, its contacts changed so (None takes a key away), with further objects."""
    [integration] = MANIFEST["integrations"]
    [contacts] = integration["read"]["objects"]
    changed = {**contacts, "schedule": RARELY, **changes}
    objects = [{key: value for key, value in changed.items() if value is not None}, *further]
    return {**MANIFEST, "integrations": [{**integration, "read": {"objects": objects}}]}


async def set_up(platform: Platform, *further: dict[str, Any], **changes: Any) -> None:
    """Deploy that manifest, connect and install. Objects besides the contacts are read as well."""
    await platform.deploy(manifest(*further, **changes))
    await platform.connect()
    await platform.install(chosen("contacts", *(each["objectName"] for each in further)))


def chosen(*object_names: str) -> dict[str, Any]:
    """A config's content that reads these objects as the manifest says."""
    return {"read": {"objects": {name: {"objectName": name} for name in object_names}}}


async def backfilled(platform: Platform, *further: dict[str, Any], **changes: Any) -> None:
    """Set up, and wait for the backfill."""
    await set_up(platform, *further, **changes)
    for operation in await platform.operations():
        assert (await platform.ended(operation["id"]))["status"] == "success"


async def rows(platform: Platform, statement: str, **values: Any) -> Sequence[Row[Any]]:
    """What a statement on the platform's database gives."""
    async with platform.services.database.transaction() as session:
        result = await session.execute(text(statement), values)
        return result.all() if isinstance(result, CursorResult) and result.returns_rows else []


async def until(ask: Callable[[], Awaitable[Any]], seconds: float = WAIT_SECONDS) -> Any:
    """What `ask` gives, once that is true."""
    async with asyncio.timeout(seconds):
        while not (found := await ask()):  # noqa: ASYNC110 - the database tells nobody of it
            await asyncio.sleep(0.02)
        return found


async def watermark(platform: Platform, object_name: str = "contacts") -> datetime | None:
    """The moment up to which the installation has read the object."""
    [row] = await rows(
        platform,
        "select watermark from read_object where installation_id = :id and object_name = :name",
        id=platform.installation,
        name=object_name,
    )
    found: datetime | None = row.watermark
    return found


async def run_of(platform: Platform, operation_id: str) -> Row[Any]:
    """The run of an operation."""
    [row] = await rows(platform, "select * from read_run where operation_id = :id", id=operation_id)
    return row


async def make_due(platform: Platform) -> None:
    """Have every schedule of a read be due now."""
    await rows(platform, "update schedule set next_at = now() where kind = 'read.scheduled'")
    await _ring(platform)


async def hurry(platform: Platform) -> None:
    """End every wait: of jobs, of throttled connections, of destinations that have failed, of kept messages."""
    await rows(platform, "update connection set throttled_until = null where throttled_until is not null")
    await rows(
        platform,
        "update destination set breaker_open_until = null, breaker_probe_until = null, consecutive_failures = 0 "
        "where breaker_open_until is not null",
    )
    await rows(platform, "update delivery_message set next_at = now() where next_at > now()")
    await rows(platform, "update job set run_at = now() where state = 'delayed' and run_at > now()")
    await _ring(platform)


async def _ring(platform: Platform) -> None:
    await rows(platform, f"select pg_notify('{CHANNEL}', 'delayed')")


async def waiting_job(platform: Platform, kind: str = "read.%") -> Row[Any]:
    """The job of a read that waits for its time, once there is one."""

    async def ask() -> Any:
        found = await rows(platform, "select * from job where state = 'delayed' and kind like :kind", kind=kind)
        return found[0] if found else None

    row: Row[Any] = await until(ask)
    return row


async def idle(platform: Platform) -> None:
    """Wait until no schedule of a read is due and no job of a read is left."""
    statement = (
        "select not exists (select from schedule where kind = 'read.scheduled' and next_at <= now()) "
        "and not exists (select from job where kind like 'read.%')"
    )

    async def ask() -> bool:
        return bool((await rows(platform, statement))[0][0])

    await until(ask)


async def scheduled_read(platform: Platform) -> dict[str, Any]:
    """Make the schedules due; gives the one operation that follows, once it has ended."""
    known = {operation["id"] for operation in await platform.operations()}
    await make_due(platform)
    await idle(platform)
    [new] = [operation for operation in await platform.operations() if operation["id"] not in known]
    return new


async def logs(platform: Platform, operation_id: str) -> list[dict[str, Any]]:
    """The messages of an operation's log, oldest first."""
    lines = await platform.send("GET", f"/operations/{operation_id}/logs", 200)
    return [{**line["message"], "severity": line["severity"]} for line in lines]


def touch(platform: Platform, count: int, object_name: str = "contacts") -> list[str]:
    """Change records in the simulated account; gives their ids."""
    return platform.hubspot.simulator.touch(object_name, count)


async def change_contact(platform: Platform, record_id: str, **properties: str) -> None:
    """Set properties of a contact in the simulated account."""
    async with httpx.AsyncClient(headers={"Authorization": "Bearer good"}, verify=NO_AUTHORITIES) as hubspot:
        path = f"{platform.hubspot.url}/crm/v3/objects/contacts/{record_id}"
        (await hubspot.patch(path, json={"properties": properties})).raise_for_status()


async def contacts(platform: Platform, *properties: str) -> dict[str, dict[str, Any]]:
    """The contacts of the simulated account, by id, as it lists them with these properties."""
    found: dict[str, dict[str, Any]] = {}
    url: str | None = f"{platform.hubspot.url}/crm/v3/objects/contacts?limit=100&properties={','.join(properties)}"
    async with httpx.AsyncClient(headers={"Authorization": "Bearer good"}, verify=NO_AUTHORITIES) as hubspot:
        while url is not None:
            page = (await hubspot.get(url)).raise_for_status().json()
            found |= {record["id"]: record for record in page["results"]}
            url = page.get("paging", {}).get("next", {}).get("link")
    return found
