"""The audit log by itself: what a path is about, what is kept, what is forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from fastapi import Response
from sqlalchemy import text

from conjunct.core.database import Database
from conjunct.kit.clock import ManualClock
from conjunct.queue import Done, Job, PostgresEngine
from conjunct.tenants.audit import (
    ADMIN_CLI,
    SYSTEM,
    AuditLog,
    Entry,
    add_entry,
    ensure_sweep,
    note_change,
    record_change,
)
from conjunct.tenants.audit.description import answered_id, resource_of
from conjunct.tenants.audit.jobs import SWEEP, sweep_handler

NOW = datetime(2026, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("template", "resource"),
    [
        ("/projects/{projectIdOrName}/integrations", ("integration", None)),
        ("/projects/{projectIdOrName}/integrations:batch", ("integration", None)),
        ("/projects/{projectIdOrName}/integrations/{integrationId}:rollback", ("integration", "crm")),
        ("/projects/{projectIdOrName}/integrations/{integrationId}/revisions", ("revision", None)),
        ("/projects/{projectIdOrName}/api-keys/{apiKey}", ("api-key", None)),
        ("/entries/{integrationId}", ("entry", "crm")),
        ("/oauth-connect", ("oauth-connect", None)),
    ],
)
def test_a_path_says_what_it_is_about(template: str, resource: tuple[str, str | None]) -> None:
    assert resource_of(template, {"integrationId": "crm"}) == resource


@pytest.mark.parametrize(
    ("body", "found"),
    [(b'{"id":"01a1"}', "01a1"), (b'{"id":7}', None), (b"[]", None), (b"", None), (b"https://example.com", None)],
)
def test_the_answer_tells_the_id_of_what_was_made(body: bytes, found: str | None) -> None:
    assert answered_id(Response(body)) == found


async def added(log: AuditLog, database: Database, *entries: Entry) -> list[dict[str, Any]]:
    async with database.transaction() as session:
        for entry in entries:
            await add_entry(session, entry)
    async with database.reading() as connection:
        found: list[dict[str, Any]] = orjson.loads((await log.of_project(connection, "p1")).json)
    return found


async def test_jobs_and_commands_have_entries_too(database: Database) -> None:
    log = AuditLog(database, ManualClock(NOW), timedelta(days=400))
    detail = {"email": "ada@example.com"}
    found = await added(
        log,
        database,
        Entry(SYSTEM, "read.pause", "installation", "i1", project_id="p1"),
        Entry(ADMIN_CLI, "admin create-project", "project", "p1", project_id="p1", detail=detail),
        Entry(SYSTEM, "read.pause", "installation", "i2", project_id="p2"),
    )
    assert [(each["actor"], each["action"], each["resource"], each["detail"]) for each in found] == [
        ("admin-cli", "admin create-project", {"kind": "project", "id": "p1"}, detail),
        ("system", "read.pause", {"kind": "installation", "id": "i1"}, {}),
    ]


async def test_old_entries_are_swept(database: Database) -> None:
    log = AuditLog(database, ManualClock(NOW), timedelta(days=400))
    await added(log, database, *(Entry(SYSTEM, f"a{number}", "x", project_id="p1") for number in range(3)))
    async with database.transaction() as session:
        for number, age in enumerate((timedelta(days=401), timedelta(days=400), timedelta(days=399))):
            values = {"time": NOW - age, "action": f"a{number}"}
            await session.execute(text("UPDATE audit_entry SET time = :time WHERE action = :action"), values)
    assert await sweep_handler(log)[SWEEP](Job(1, "", SWEEP, SWEEP, SWEEP, 1, 1, "w")) == Done()
    assert [each["action"] for each in await added(log, database)] == ["a2", "a1"]


async def test_the_sweep_is_scheduled_once_a_day(database: Database) -> None:
    async with database.transaction() as session:
        await ensure_sweep(PostgresEngine(database), session)
        await ensure_sweep(PostgresEngine(database), session)
        rows = (await session.execute(text("SELECT tenant, kind, cron FROM schedule"))).all()
    assert [tuple(row) for row in rows] == [("", "audit.sweep", "37 3 * * *")]


async def test_outside_a_request_nothing_is_recorded(database: Database) -> None:
    note_change(resource_id="x")
    async with database.transaction() as session:
        await record_change(session)
        assert (await session.execute(text("SELECT count(*) FROM audit_entry"))).scalar_one() == 0
