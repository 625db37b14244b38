"""Messages that are held until they are asked for: none is let go twice, and none that is owed is held."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from conjunct.delivery import Message
from conjunct.delivery.held import KEPT_HELD
from tests.delivery.conftest import OPTIONS, World


async def hold(world: World, *messages: Message, name: str = "people") -> None:
    async with world.database.transaction() as session:
        await world.service.holds.add(session, world.project_id, name, messages)


async def ask(world: World, count: int, name: str = "people", project_id: str | None = None) -> int:
    async with world.database.transaction() as session:
        return await world.service.holds.ask(session, project_id or world.project_id, name, count)


async def states(world: World) -> dict[str, str]:
    """The state of each kept message, by its id."""
    rows = await world.execute("select id, state from delivery_message order by id")
    return {row.id: row.state for row in rows}


async def owed(world: World, name: str = "people") -> int:
    [row] = await world.execute("select owed from delivery_hold where name = :name", name=name)
    found: int = row.owed
    return found


def messages(world: World, destination: dict[str, Any], *ids: str) -> list[Message]:
    return [world.message(destination, each) for each in ids]


async def test_held_messages_are_neither_sent_nor_readable(world: World) -> None:
    hook = await world.make_destination()
    await hold(world, *messages(world, hook, "a", "b"))
    assert await states(world) == {"a": "held", "b": "held"}
    assert await world.jobs() == []
    row = await world.kept("a")
    assert (row.attempts, row.next_at, row.expires_at) == (0, None, world.clock.now() + KEPT_HELD)
    assert b'"id"' not in bytes(row.body)
    async with world.database.transaction() as session:
        assert await world.service.spool_bytes(session, world.project_id, hook["id"]) == 0


async def test_the_oldest_go_first_whatever_their_ids(world: World) -> None:
    hook = await world.make_destination()
    await hold(world, *messages(world, hook, "page_10", "page_9"))
    await hold(world, *messages(world, hook, "page_1"))
    assert await ask(world, 1) == 1
    assert await world.jobs() == ["page_10"]
    assert await ask(world, 1) == 1
    assert await world.jobs() == ["page_10", "page_9"]
    assert await states(world) == {"page_10": "pending", "page_9": "pending", "page_1": "held"}


async def test_what_is_let_go_is_delivered_with_its_id_and_its_schedule_begins_then(world: World) -> None:
    hook = await world.make_destination()
    await hold(world, *messages(world, hook, "a"))
    world.clock.advance(timedelta(days=10))
    world.receiver.fail(500)
    await ask(world, 1)
    await world.run_job("a")
    row = await world.kept("a")
    assert (row.state, row.attempts, row.hold) == ("pending", 1, None)
    assert row.next_at == world.clock.now() + timedelta(seconds=5)
    world.receiver.recover()
    await world.retry("a")
    assert [message.id for message in world.receiver.messages] == ["a"]
    assert await states(world) == {}
    assert await owed(world) == 0


async def test_what_is_asked_for_beyond_what_is_held_goes_out_as_it_comes(world: World) -> None:
    hook = await world.make_destination()
    await hold(world, *messages(world, hook, "a", "b"))
    assert await ask(world, 5) == 2
    assert await owed(world) == 3
    await hold(world, *messages(world, hook, "c", "d"))
    assert await owed(world) == 1
    assert await ask(world, 1) == 0
    await hold(world, *messages(world, hook, "e", "f", "g"))
    assert await owed(world) == 0
    assert await states(world) == {**dict.fromkeys("abcdef", "pending"), "g": "held"}
    assert await world.jobs() == list("abcdef")


async def test_a_hold_may_be_asked_before_it_has_anything_and_for_nothing(world: World) -> None:
    hook = await world.make_destination()
    assert await ask(world, 0) == 0
    assert await ask(world, 1) == 0
    await hold(world)
    await hold(world, *messages(world, hook, "a", "b"))
    assert await states(world) == {"a": "pending", "b": "held"}


async def test_holds_of_other_names_and_projects_know_nothing_of_one_another(world: World) -> None:
    hook = await world.make_destination()
    await hold(world, *messages(world, hook, "a"))
    await hold(world, *messages(world, hook, "b"), name="firms")
    assert await ask(world, 9, project_id=world.other.project_id) == 0
    assert await ask(world, 9, name="firms") == 1
    assert await states(world) == {"a": "held", "b": "pending"}


async def test_a_message_that_comes_again_after_a_crash_is_held_once_and_pays_no_debt(world: World) -> None:
    hook = await world.make_destination()
    await hold(world, *messages(world, hook, "a", "b"))
    await ask(world, 3)
    await hold(world, *messages(world, hook, "a", "b"))
    assert await owed(world) == 1
    assert await world.jobs() == ["a", "b"]


async def test_what_is_not_committed_has_not_happened(world: World) -> None:
    hook = await world.make_destination()
    await hold(world, *messages(world, hook, "a"))

    class Crash(Exception):
        pass

    async def crash() -> None:
        async with world.database.transaction() as session:
            await world.service.holds.ask(session, world.project_id, "people", 2)
            await world.service.holds.add(session, world.project_id, "people", messages(world, hook, "b"))
            raise Crash

    with pytest.raises(Crash):
        await crash()
    assert (await states(world), await owed(world), await world.jobs()) == ({"a": "held"}, 0, [])


async def test_many_who_ask_and_add_at_once_let_each_message_go_once(world: World) -> None:
    hook = await world.make_destination()
    ids = [f"page_{number}" for number in range(40)]
    adding = [hold(world, *messages(world, hook, *ids[start : start + 4])) for start in range(0, 40, 4)]
    asking = [ask(world, 3) for _ in range(10)]
    await asyncio.gather(*(each for pair in zip(adding, asking, strict=True) for each in pair))
    let_go = [id_ for id_, state in (await states(world)).items() if state == "pending"]
    assert len(let_go) == 30
    assert sorted(await world.jobs()) == sorted(let_go)
    assert await owed(world) == 0


async def test_for_a_disabled_destination_they_are_set_aside(world: World) -> None:
    hook = await world.make_destination()
    await hold(world, *messages(world, hook, "a"))
    await world.execute("update destination set state = 'disabled'")
    assert await ask(world, 1) == 1
    row = await world.kept("a")
    assert (row.state, row.next_at, row.expires_at) == ("pending", None, world.clock.now() + timedelta(days=14))
    assert await world.jobs() == []


async def test_they_wait_while_a_destination_takes_nothing(world: World) -> None:
    hook = await world.make_destination()
    until = world.clock.now() + timedelta(minutes=3)
    await world.execute("update destination set breaker_open_until = :until", until=until)
    await hold(world, *messages(world, hook, "a"))
    await ask(world, 1)
    assert (await world.kept("a")).next_at == until


async def test_messages_of_one_hold_may_be_for_several_destinations(world: World) -> None:
    first, second = await world.make_destination(), await world.make_destination("another")
    await hold(world, *messages(world, second, "a"), *messages(world, first, "b"), *messages(world, second, "c"))
    await ask(world, 2)
    assert await states(world) == {"a": "pending", "b": "pending", "c": "held"}
    await world.execute("delete from destination where id = :id", id=second["id"])
    assert await states(world) == {"b": "pending"}


async def test_a_hold_is_full_by_what_it_holds_alone(world: World) -> None:
    hook = await world.make_destination()

    async def is_full(name: str) -> bool:
        async with world.database.transaction() as session:
            return await world.service.holds.is_full(session, world.project_id, name)

    body = "".join(f"{number:x}" for number in range(1000))
    await hold(world, world.message(hook, "large", body=body))
    assert (await world.kept("large")).size > OPTIONS.spool_limit_bytes
    assert await is_full("people")
    assert not await is_full("firms")
    await ask(world, 1)
    assert not await is_full("people")
    async with world.database.transaction() as session:
        assert await world.service.spool_is_full(session, world.project_id, hook["id"])


async def test_what_nobody_asks_for_is_swept_in_the_end(world: World) -> None:
    hook = await world.make_destination()
    await hold(world, *messages(world, hook, "a"))
    for days, left in ((13, {"a": "held"}), (1, {})):
        world.clock.advance(timedelta(days=days))
        async with world.database.transaction() as session:
            await world.service.sweep(session, world.clock.now())
        assert await states(world) == left


async def test_removing_a_hold_leaves_what_was_let_go(world: World) -> None:
    hook = await world.make_destination()
    await hold(world, *messages(world, hook, "a", "b"))
    await hold(world, *messages(world, hook, "c"), name="firms")
    await ask(world, 1)
    async with world.database.transaction() as session:
        await world.service.holds.remove(session, world.project_id, ["people", "nothing"])
        await world.service.holds.remove(session, world.project_id, [])
    assert await states(world) == {"a": "pending", "c": "held"}
    rows = await world.execute("select name from delivery_hold")
    assert [row.name for row in rows] == ["firms"]
