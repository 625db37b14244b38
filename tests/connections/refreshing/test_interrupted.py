"""Processes die and answers get lost in the middle of a refresh: what was given is found again, or it is told."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import text

from conjunct.connections.problems import RefreshPending, RefreshRefused
from conjunct.connections.refreshing import RefreshTimes
from tests.connections.flows import Flow, state_of
from tests.connections.refreshing.rotating import (
    QUICK,
    Rotating,
    another,
    connected,
    die,
    execute,
    get,
    let_the_claim_end,
    listening,
    refresh,
    tokens_of,
)

INTERRUPTED = "A refresh was interrupted"


async def wait_for_file(folder: Path) -> Path:
    """The one file of an answer that is kept, once it is there."""
    while not (found := list((folder / "exchanges").glob("[!.]*"))):  # noqa: ASYNC110 - a file
        await asyncio.sleep(0.01)
    [file] = found
    return file


async def die_with_an_answer(flow: Flow, server: Rotating, connection_id: str, folder: Path) -> Path:
    """A process gets its answer, cannot store it, and is killed."""
    server.wait.clear()
    asking = asyncio.create_task(refresh(flow, another(flow, folder), connection_id))
    await server.asked.wait()
    async with flow.database.transaction() as locking:
        await locking.execute(text("SELECT id FROM connection FOR UPDATE"))
        server.wait.set()
        file = await wait_for_file(folder)
        await die(connection_id)
    await asyncio.gather(asking, return_exceptions=True)
    assert server.served == 1
    return file


async def is_settled(flow: Flow) -> bool:
    return bool(await execute(flow, "SELECT count(*) = 0 FROM token_exchange"))


async def test_a_claim_is_waited_for_until_it_lapses(flow: Flow) -> None:
    server = Rotating(tolerates=True)
    connection_id = await connected(flow, server)
    server.wait.clear()
    dying = asyncio.create_task(refresh(flow, another(flow), connection_id))
    await server.asked.wait()
    await die(connection_id)
    await asyncio.gather(dying, return_exceptions=True)
    server.wait.set()
    waiting = asyncio.create_task(refresh(flow, another(flow), connection_id))
    done, _ = await asyncio.wait({waiting}, timeout=0.2)
    assert (done, server.served) == (set(), 1)
    await let_the_claim_end(flow)
    await waiting
    assert await tokens_of(flow) == ("a-2", "r-2")
    assert await is_settled(flow)


async def test_nobody_waits_for_ever(flow: Flow) -> None:
    server = Rotating()
    connection_id = await connected(flow, server)
    server.wait.clear()
    asking = asyncio.create_task(refresh(flow, another(flow), connection_id))
    await server.asked.wait()
    impatient = another(flow, times=RefreshTimes(patience=0.05, look=(0.01, 0.01)))
    with pytest.raises(RefreshPending):
        await refresh(flow, impatient, connection_id)
    server.wait.set()
    await asking


async def test_a_claim_of_another_data_folder_is_left_alone_for_longer(flow: Flow) -> None:
    server = Rotating()
    connection_id = await connected(flow, server)
    await execute(
        flow,
        "INSERT INTO token_exchange (connection_id, project_id, version, claim_id, claim_until, folder, interrupted,"
        " look_at) SELECT id, project_id, version, 'x', now() - interval '9 s', 'elsewhere', false, now()"
        " FROM connection",
    )
    hasty = RefreshTimes(patience=0.1, look=(0.01, 0.01), grace=10.0)
    with pytest.raises(RefreshPending):
        await refresh(flow, another(flow, times=hasty), connection_id)
    assert server.served == 0
    await refresh(flow, another(flow), connection_id)
    assert await tokens_of(flow) == ("a-1", "r-1")


async def test_an_answer_that_was_kept_is_stored_by_whoever_comes(flow: Flow, tmp_path: Path) -> None:
    server = Rotating()
    connection_id = await connected(flow, server)
    file = await die_with_an_answer(flow, server, connection_id, tmp_path)
    assert b"a-1" not in file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600
    await refresh(flow, another(flow, tmp_path), connection_id)
    assert await tokens_of(flow) == ("a-1", "r-1")
    assert (server.served, server.refused, file.exists()) == (1, 0, False)
    assert await is_settled(flow)


async def test_an_answer_that_was_kept_is_stored_at_the_start(flow: Flow, tmp_path: Path) -> None:
    server = Rotating()
    connection_id = await connected(flow, server)
    file = await die_with_an_answer(flow, server, connection_id, tmp_path)
    async with another(flow, tmp_path).refresher.at_work(flow.database, drain_seconds=1):
        while file.exists():  # noqa: ASYNC110 - a file
            await asyncio.sleep(0.01)
    assert await tokens_of(flow) == ("a-1", "r-1")
    assert (await get(flow, connection_id, "force")).status_code == 200


async def test_an_answer_for_credentials_that_were_replaced_is_thrown_away(flow: Flow, tmp_path: Path) -> None:
    server = Rotating()
    connection_id = await connected(flow, server)
    file = await die_with_an_answer(flow, server, connection_id, tmp_path)
    server.valid = "r-new"
    await flow.come_back(state=state_of(await flow.url("strict")), code="c")
    await another(flow, tmp_path).refresher.recover(flow.database)
    assert not file.exists()
    assert await tokens_of(flow) == ("a-0", "r-new")


async def test_an_answer_that_does_not_open_stays_where_it_is(flow: Flow, tmp_path: Path) -> None:
    server = Rotating(tolerates=True)
    connection_id = await connected(flow, server)
    file = await die_with_an_answer(flow, server, connection_id, tmp_path)
    head, _, sealed = file.read_bytes().partition(b"\n")
    file.write_bytes(head + b"\n" + sealed[:-1] + bytes([sealed[-1] ^ 1]))
    await let_the_claim_end(flow)
    await refresh(flow, another(flow, tmp_path), connection_id)
    assert file.exists()
    assert await tokens_of(flow) == ("a-2", "r-2")


async def test_an_answer_that_is_lost_is_told_where_the_provider_does_not_repeat_it(flow: Flow) -> None:
    server = Rotating(drops=True)
    connection_id = await connected(flow, server)
    service = another(flow)
    heard = listening(service)
    with pytest.raises(RefreshPending):
        await refresh(flow, service, connection_id)
    server.drops = False
    assert await execute(flow, "SELECT interrupted AND claim_id IS NULL FROM token_exchange")
    for _ in range(2):
        with pytest.raises(RefreshRefused, match="no new access token"):
            await refresh(flow, service, connection_id)
    [told] = heard
    assert told.startswith(INTERRUPTED)
    assert "used before" in told
    [shown] = await flow.connections()
    assert shown["status"] == "bad_credentials"


async def test_an_answer_that_is_lost_is_asked_for_again_where_the_provider_repeats_it(flow: Flow) -> None:
    server = Rotating(drops=True, tolerates=True)
    connection_id = await connected(flow, server)
    service = another(flow)
    with pytest.raises(RefreshPending):
        await refresh(flow, service, connection_id)
    server.drops = False
    await refresh(flow, service, connection_id)
    assert await tokens_of(flow) == ("a-2", "r-2")
    assert await is_settled(flow)


@pytest.mark.parametrize("late", [60.0, 0.05], ids=["awaited", "after the mark"])
async def test_a_late_answer_wins_over_the_refusal_of_who_took_over(flow: Flow, late: float) -> None:
    server = Rotating()
    connection_id = await connected(flow, server)
    server.wait.clear()
    slow = another(flow)
    second = another(flow, times=RefreshTimes(grace=0.0, late=late, look=(0.01, 0.05)))
    heard = listening(slow, second)
    first = asyncio.create_task(refresh(flow, slow, connection_id))
    await server.asked.wait()
    await let_the_claim_end(flow)
    taking_over = asyncio.create_task(refresh(flow, second, connection_id))
    await server.refusing.wait()
    if late == 60.0:
        server.wait.set()
        await asyncio.gather(first, taking_over)
        assert heard == []
    else:
        with pytest.raises(RefreshRefused, match=INTERRUPTED):
            await taking_over
        server.wait.set()
        await first
        assert len(heard) == 1
    assert await tokens_of(flow) == ("a-1", "r-1")
    [shown] = await flow.connections()
    assert shown["status"] == "created"
    assert await is_settled(flow)


async def test_a_late_refusal_does_not_mark_what_another_renews(flow: Flow) -> None:
    connection_id = await connected(flow, Rotating())
    asked = [asyncio.Event(), asyncio.Event()]
    wait = [asyncio.Event(), asyncio.Event()]

    async def answer(_request: web.Request) -> Any:
        number = 1 if asked[0].is_set() else 0
        asked[number].set()
        await wait[number].wait()
        if number == 0:
            return web.json_response({"error": "invalid_grant"}, status=400)
        return {"access_token": "a-1", "refresh_token": "r-1"}

    flow.server.answer = answer
    slow, second = another(flow), another(flow)
    heard = listening(slow, second)
    first = asyncio.create_task(refresh(flow, slow, connection_id))
    await asked[0].wait()
    await let_the_claim_end(flow)
    taking_over = asyncio.create_task(refresh(flow, second, connection_id))
    await asked[1].wait()
    wait[0].set()
    done, _ = await asyncio.wait({first}, timeout=0.2)
    assert not done
    wait[1].set()
    await asyncio.gather(first, taking_over)
    assert heard == []
    assert await tokens_of(flow) == ("a-1", "r-1")


async def test_a_database_that_is_away_when_the_answer_comes_loses_nothing(flow: Flow, tmp_path: Path) -> None:
    server = Rotating()
    connection_id = await connected(flow, server)
    ended = 0
    server.wait.clear()
    asking = asyncio.create_task(refresh(flow, another(flow, tmp_path), connection_id))
    await server.asked.wait()
    async with flow.database.transaction() as locking:
        await locking.execute(text("SELECT id FROM connection FOR UPDATE"))
        server.wait.set()
        await wait_for_file(tmp_path)
        while ended < 3:  # the waiting transaction's connection is cut, and that of its repetition, and again
            ended += await execute(
                flow,
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'",
            )
            await asyncio.sleep(0.01)
    await asking
    assert await tokens_of(flow) == ("a-1", "r-1")
    assert (server.served, list((tmp_path / "exchanges").iterdir())) == (1, [])


async def test_a_data_folder_that_cannot_be_written_to_is_no_reason_to_lose_the_answer(
    flow: Flow, tmp_path: Path
) -> None:
    server = Rotating()
    connection_id = await connected(flow, server)
    (tmp_path / "exchanges").write_text("in the way")
    await refresh(flow, another(flow, tmp_path), connection_id)
    assert await tokens_of(flow) == ("a-1", "r-1")


async def test_a_process_that_ends_waits_for_its_exchanges(flow: Flow) -> None:
    server = Rotating()
    connection_id = await connected(flow, server)
    server.wait.clear()
    service = another(flow)
    async with service.refresher.at_work(flow.database, drain_seconds=30):
        asking = asyncio.create_task(refresh(flow, service, connection_id))
        await server.asked.wait()
        asking.cancel()
        server.wait.set()
    assert await tokens_of(flow) == ("a-1", "r-1")


async def test_a_connection_that_is_deleted_meanwhile_is_gone(flow: Flow, tmp_path: Path) -> None:
    server = Rotating()
    connection_id = await connected(flow, server)
    server.wait.clear()
    asking = asyncio.create_task(refresh(flow, another(flow, tmp_path), connection_id))
    await server.asked.wait()
    await execute(flow, "DELETE FROM connection")
    server.wait.set()
    with pytest.raises(Exception, match="There is no connection"):
        await asking
    assert list((tmp_path / "exchanges").iterdir()) == []
    assert QUICK.grace == 0
