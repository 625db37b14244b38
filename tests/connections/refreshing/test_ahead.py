"""Tokens in use are renewed ahead of their end, and those that die unused are kept alive; all others cost nothing."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from sqlalchemy import text

from conjunct.connections import ConnectionService
from conjunct.connections.problems import RefreshPending
from conjunct.connections.refreshing import renewal_handlers
from conjunct.connections.refreshing.upkeep import REFRESH, SWEEP
from conjunct.providers import Catalog
from conjunct.queue import Done, Job, PostgresEngine
from tests.connections.flows import PROVIDERS, Flow
from tests.connections.refreshing.rotating import (
    Rotating,
    another,
    connected,
    die,
    execute,
    let_the_claim_end,
    refresh,
    tokens_of,
)

UNUSED = timedelta(days=30)


async def upkeep(flow: Flow, service: ConnectionService) -> int:
    """What a worker does in a minute; how many connections were due."""
    handlers = renewal_handlers(flow.database, PostgresEngine(flow.database), service.refresher)
    assert await handlers[SWEEP](_job("", SWEEP, SWEEP)) == Done()
    async with flow.database.transaction() as session:
        found = await session.execute(text("DELETE FROM job RETURNING tenant, kind, ref_id, lane"))
        due = found.all()
    for tenant, kind, ref_id, lane in due:
        assert (tenant, kind) == (flow.project.project_id, REFRESH)
        assert lane.startswith(tenant)
        assert await handlers[kind](_job(tenant, kind, ref_id)) == Done()
    return len(due)


def _job(tenant: str, kind: str, ref_id: str) -> Job:
    return Job(1, tenant, None, kind, ref_id, 1, 1, "worker")


async def use(flow: Flow, service: ConnectionService, connection_id: str) -> None:
    async with flow.database.transaction() as session:
        version = await session.scalar(text("SELECT version FROM connection"))
        await service.note_use(session, flow.project.project_id, connection_id, version=version)


async def test_a_token_in_use_is_renewed_shortly_before_its_end(flow: Flow) -> None:
    server, service = Rotating(), another(flow)
    connection_id = await connected(flow, server)
    await use(flow, service, connection_id)
    flow.clock.advance(timedelta(seconds=380))  # of 600; within the last quarter, and a minute before it comes up
    assert await upkeep(flow, service) == 0
    flow.clock.advance(timedelta(seconds=105))
    assert await upkeep(flow, service) == 1
    assert await tokens_of(flow) == ("a-1", "r-1")
    assert await upkeep(flow, service) == 0
    flow.clock.advance(timedelta(hours=2))
    assert await upkeep(flow, service) == 0  # nobody has used the new one
    assert server.served == 1


async def test_an_idle_connection_is_left_alone(flow: Flow) -> None:
    server, service = Rotating(), another(flow)
    await connected(flow, server)
    flow.clock.advance(timedelta(days=400))
    assert await upkeep(flow, service) == 0
    assert server.served == 0


async def test_a_use_is_noted_once_in_a_tokens_life(flow: Flow) -> None:
    service = another(flow)
    connection_id = await connected(flow, Rotating())
    await use(flow, service, connection_id)
    before = await execute(flow, "SELECT xmin::text FROM connection")
    await use(flow, service, connection_id)
    assert await execute(flow, "SELECT xmin::text FROM connection") == before
    await refresh(flow, service, connection_id)
    assert not await execute(flow, "SELECT used FROM connection")


async def test_a_token_that_dies_unused_is_kept_alive(flow: Flow, tmp_path: Path) -> None:
    server = Rotating()
    connection_id = await connected(flow, server)
    folder = tmp_path / "mine" / "strict"
    folder.mkdir(parents=True)
    strict = PROVIDERS["strict"].replace("type: oauth2", f"type: oauth2\n  keep_alive: {UNUSED.total_seconds():.0f}")
    (folder / "provider.yaml").write_text(
        f"spec: conjunct/provider@1\nname: strict\ndisplay: Strict\n{strict}\n"
        "objects: {things: {read: {request: {path: /things}}}}\n"
    )
    service = another(flow, catalog=Catalog([tmp_path / "mine"]))
    await refresh(flow, service, connection_id)
    for number in (2, 3):
        flow.clock.advance(UNUSED * 0.49)
        assert await upkeep(flow, service) == 0
        flow.clock.advance(UNUSED * 0.32)
        assert await upkeep(flow, service) == 1
        assert await tokens_of(flow) == (f"a-{number}", f"r-{number}")


async def test_what_cannot_be_renewed_now_is_due_again_soon_and_can_be_asked_for(flow: Flow) -> None:
    server, service = Rotating(), another(flow)
    connection_id = await connected(flow, server)
    await use(flow, service, connection_id)
    flow.clock.advance(timedelta(seconds=480))
    flow.server.answer = lambda _: _limited()
    assert await upkeep(flow, service) == 1
    assert await execute(flow, "SELECT count(*) FROM token_exchange") == 0
    [shown] = await flow.connections()
    assert shown["status"] == "created"
    again = await execute(flow, "SELECT refresh_at FROM connection")
    assert timedelta(seconds=30) <= again - flow.clock.now() <= timedelta(seconds=60)
    with pytest.raises(RefreshPending):
        await refresh(flow, service, connection_id)
    flow.server.answer = server.answer
    flow.clock.advance(timedelta(seconds=70))
    assert await upkeep(flow, service) == 1
    assert await tokens_of(flow) == ("a-1", "r-1")


async def _limited() -> web.Response:
    return web.json_response({"message": "slower"}, status=429)


async def test_a_grant_that_is_gone_is_not_asked_for_again(flow: Flow) -> None:
    server, service = Rotating(), another(flow)
    connection_id = await connected(flow, server)
    await use(flow, service, connection_id)
    server.valid = "another"
    flow.clock.advance(timedelta(minutes=10))
    assert await upkeep(flow, service) == 1
    [shown] = await flow.connections()
    assert shown["status"] == "bad_credentials"
    flow.clock.advance(timedelta(days=1))
    assert await upkeep(flow, service) == 0
    assert server.refused == 1


async def test_what_there_is_no_means_to_renew_is_due_no_more(flow: Flow) -> None:
    service = another(flow)
    connection_id = await connected(flow, Rotating())
    await use(flow, service, connection_id)
    await execute(flow, "UPDATE connection SET provider_app_id = NULL")
    flow.clock.advance(timedelta(minutes=10))
    assert await upkeep(flow, service) == 1
    assert await upkeep(flow, service) == 0


async def test_an_exchange_that_was_interrupted_is_looked_after_though_nobody_asks(flow: Flow) -> None:
    server, service = Rotating(tolerates=True), another(flow)
    connection_id = await connected(flow, server)
    server.wait.clear()
    dying = asyncio.create_task(refresh(flow, service, connection_id))
    await server.asked.wait()
    await die(connection_id)
    await asyncio.gather(dying, return_exceptions=True)
    server.wait.set()
    assert await upkeep(flow, service) == 0
    await let_the_claim_end(flow)
    await execute(flow, "UPDATE token_exchange SET look_at = claim_until")
    assert await upkeep(flow, service) == 1
    assert await tokens_of(flow) == ("a-2", "r-2")
    assert await execute(flow, "SELECT count(*) FROM token_exchange") == 0
