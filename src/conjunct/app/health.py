"""Whether the process lives, and whether the whole can do its work."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import orjson
from fastapi import Request, Response
from sqlalchemy.exc import SQLAlchemyError

from conjunct.app.migrate import current_version, head
from conjunct.core.database import Database
from conjunct.core.http import api_router
from conjunct.core.problems import Unavailable
from conjunct.queue import last_heartbeat

WORKER_SILENCE = timedelta(seconds=45)
ANSWER_SECONDS = 3.0  # those who ask, such as load balancers, seldom wait longer

router = api_router(include_in_schema=False)


@router.get("/healthz")
async def healthz() -> Response:
    """The process answers."""
    return Response(b'{"status":"alive"}', media_type="application/json")


@router.get("/readyz")
async def readyz(request: Request) -> Response:
    """The database answers, its schema is this version's, and a worker lives."""
    checks = await check(request.app.state.database)
    failed = [name for name, found in checks.items() if found != "ok"]
    if failed:
        raise Unavailable(
            f"Not ready: {'; '.join(f'{name}: {checks[name]}' for name in failed)}.",
            remedy="Start what is missing: `conjunct migrate` for the schema, `conjunct worker` for a worker.",
            retryable=True,
            context={"checks": checks},
        )
    return Response(orjson.dumps({"status": "ready", "checks": checks}), media_type="application/json")


async def check(database: Database) -> dict[str, str]:
    """What the whole needs, each `ok` or what is wrong with it; told within seconds."""
    checks = {"database": "does not answer", "migrations": "unknown", "worker": "unknown"}
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await _fill(checks, database)
    except (SQLAlchemyError, OSError):
        pass  # what was not reached says so in its own line
    return checks


async def _fill(checks: dict[str, str], database: Database) -> None:
    version = await current_version(database)
    checks["database"] = "ok"
    checks["migrations"] = "ok" if version == head() else f"at {version}, needs {head()}"
    if version is not None:
        async with database.transaction() as session:
            beat = await last_heartbeat(session)
        alive = beat is not None and datetime.now(UTC) - beat < WORKER_SILENCE
        checks["worker"] = "ok" if alive else f"no sign of life since {beat or 'ever'}"
