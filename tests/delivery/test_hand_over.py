"""Handing messages over: delivered at once where it goes well, kept where it does not, once whatever happens."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from conjunct.delivery import DeliveryOptions, DestinationNotFound
from tests.delivery.conftest import LOOPBACK, PUBLIC_URL, World


async def test_a_message_arrives_signed_with_its_id_and_headers(world: World) -> None:
    hook = await world.make_destination(headers={"Authorization": "Bearer builder"})
    await world.hand_over(world.message(hook, "op-1", {"result": [1]}))
    (received,) = world.receiver.messages
    assert received.id == "op-1"
    assert received.body == {"result": [1]}
    assert received.headers["content-type"] == "application/json"
    assert received.headers["authorization"] == "Bearer builder"
    assert world.receiver.forged == []


async def test_the_happy_path_keeps_an_attempt_and_no_customer_data(world: World) -> None:
    hook = await world.make_destination()
    await world.hand_over(*(world.message(hook, f"op-{n}") for n in range(40)))
    assert sorted(world.receiver.ids) == sorted(f"op-{n}" for n in range(40))
    rows = await world.execute("select * from delivery_attempt")
    assert len(rows) == 40
    row = rows[0]
    assert (row.project_id, row.destination_id, row.operation_id) == (world.project_id, hook["id"], "op")
    assert (row.number, row.status, row.error, row.at) == (1, 200, None, world.clock.now())
    assert await world.execute("select * from delivery_message") == []
    assert await world.jobs() == []


async def test_a_failed_message_is_kept_encrypted_with_one_retry(world: World) -> None:
    hook = await world.make_destination()
    world.receiver.fail(500)
    secret = "what only the customer knows"
    await world.hand_over(world.message(hook, body={"note": secret * 20}))
    kept = await world.kept("op-1")
    assert (kept.state, kept.attempts, kept.last_error) == ("pending", 1, "The destination answered 500.")
    assert kept.next_at == world.clock.now() + timedelta(seconds=5)
    assert kept.size == len(kept.body)
    assert kept.size < 400
    for table in ("delivery_message", "delivery_attempt", "job", "destination"):
        (dump,) = await world.execute(f"select string_agg(encode(t::text::bytea, 'escape'), '') from {table} t")
        assert secret not in (dump[0] or "")
    assert b"customer" not in bytes(kept.body)
    assert await world.jobs() == ["op-1"]


async def test_several_results_are_kept_apart_by_what_became_of_them(world: World) -> None:
    hook = await world.make_destination()
    world.receiver.fail(500, times=2)
    results = await world.hand_over(*(world.message(hook, f"op-{n}") for n in range(10)))
    failed = [result.message.id for result in results if not result.delivered]
    assert len(failed) == 2
    assert sorted(await world.jobs()) == sorted(failed)
    assert len(world.receiver.messages) == 8


async def test_repeating_after_a_crash_keeps_one_chain_of_retries(world: World) -> None:
    hook = await world.make_destination()
    world.receiver.fail(500)
    await world.hand_over(world.message(hook))
    first = await world.kept("op-1")
    world.clock.advance(timedelta(seconds=2))
    await world.hand_over(world.message(hook))
    assert await world.kept("op-1") == first
    assert await world.jobs() == ["op-1"]
    assert await world.attempts() == [(1, 500), (1, 500)]


async def test_a_message_delivered_by_the_repeat_is_kept_no_longer(world: World) -> None:
    hook = await world.make_destination()
    world.receiver.fail(500, times=1)
    await world.hand_over(world.message(hook))
    await world.hand_over(world.message(hook))
    assert await world.execute("select * from delivery_message") == []
    assert await world.jobs() == []
    assert world.receiver.ids == ["op-1"]


async def test_a_transaction_that_rolls_back_records_nothing(world: World) -> None:
    hook = await world.make_destination()
    world.receiver.fail(500)
    async with world.database.transaction() as session:
        channel = await world.service.open_channel(session, world.project_id, "hook")
    results = await world.service.attempt(channel, [world.message(hook)])
    async with world.database.transaction() as session:
        await world.service.record(session, results)
        await session.rollback()
    for table in ("delivery_attempt", "delivery_message", "job"):
        assert await world.execute(f"select * from {table}") == []


async def test_a_destination_that_fails_is_tried_five_times_and_no_more(world: World) -> None:
    hook = await world.make_destination()
    world.receiver.fail(500)
    await world.hand_over(*(world.message(hook, f"op-{n:02}") for n in range(60)))
    tried = len(world.receiver.requests)
    assert 5 <= tried < 5 + 16
    (counts,) = await world.execute(
        "select count(*) filter (where attempts = 0), count(*) filter (where attempts = 1) from delivery_message"
    )
    assert tuple(counts) == (60 - tried, tried)
    assert len(await world.jobs()) == 60
    assert (await world.destination(hook)).breaker_open_until == world.clock.now() + timedelta(seconds=5)


async def test_while_the_breaker_is_open_messages_wait_untried_in_every_process(world: World) -> None:
    hook = await world.make_destination()
    world.receiver.fail(500)
    await world.hand_over(*(world.message(hook, f"op-{n}") for n in range(5)))
    tried = len(world.receiver.requests)
    for name, service in (("same", world.service), ("other", world.another_process())):
        (result,) = await world.hand_over(world.message(hook, name), service=service)
        assert result.attempt is None
        kept = await world.kept(name)
        assert (kept.attempts, kept.next_at) == (0, world.clock.now() + timedelta(seconds=5))
        assert await world.attempts(name) == []
    assert len(world.receiver.requests) == tried


async def test_the_half_open_breaker_lets_one_probe_through_whose_success_opens_the_way(world: World) -> None:
    hook = await world.make_destination()
    world.receiver.fail(500, times=5)
    await world.hand_over(*(world.message(hook, f"early-{n}") for n in range(5)))
    world.clock.advance(timedelta(seconds=5))
    results = await world.hand_over(*(world.message(hook, f"late-{n}") for n in range(10)))
    assert all(result.delivered for result in results)
    assert world.receiver.ids[0] == "late-0"
    row = await world.destination(hook)
    assert (row.consecutive_failures, row.breaker_openings, row.breaker_open_until) == (0, 0, None)


async def test_who_has_nothing_to_send_leaves_the_probe_to_others(world: World) -> None:
    hook = await world.make_destination()
    world.receiver.fail(500, times=5)
    await world.hand_over(*(world.message(hook, f"early-{n}") for n in range(5)))
    world.clock.advance(timedelta(seconds=5))
    async with world.database.transaction() as session:
        channel = await world.service.open_channel(session, world.project_id, hook["id"])
    assert await world.service.attempt(channel, []) == []
    [result] = await world.hand_over(world.message(hook, "late"))
    assert result.delivered


async def test_two_processes_send_one_probe_between_them(world: World) -> None:
    hook = await world.make_destination()
    world.receiver.fail(500)
    await world.hand_over(*(world.message(hook, f"early-{n}") for n in range(5)))
    tried = len(world.receiver.requests)
    world.clock.advance(timedelta(seconds=5))
    services = [world.another_process() for _ in range(4)]
    await asyncio.gather(
        *(
            world.hand_over(*(world.message(hook, f"p{place}-{n}") for n in range(3)), service=service)
            for place, service in enumerate(services)
        )
    )
    assert len(world.receiver.requests) == tried + 1


async def test_410_disables_at_once_and_keeps_what_comes_without_trying(world: World) -> None:
    hook = await world.make_destination()
    world.receiver.fail(410)
    await world.hand_over(world.message(hook, "op-1"))
    row = await world.destination(hook)
    assert (row.state, row.disabled_reason) == ("disabled", "The destination answered 410 Gone.")
    (heard,) = world.disabled
    assert (heard.project_id, heard.destination_id, heard.name) == (world.project_id, hook["id"], "hook")
    assert heard.address == world.receiver.url

    await world.hand_over(world.message(hook, "op-2"), service=world.another_process())
    assert [request.id for request in world.receiver.requests] == ["op-1"]
    for id_, attempts in (("op-1", 1), ("op-2", 0)):
        kept = await world.kept(id_)
        assert (kept.state, kept.attempts, kept.next_at) == ("pending", attempts, None)
        assert kept.expires_at == world.clock.now() + timedelta(days=14)
    assert await world.jobs() == []
    assert len(world.disabled) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 400, 404, 429, 503])
async def test_anything_but_2xx_is_a_failure_and_redirects_are_not_followed(world: World, status: int) -> None:
    hook = await world.make_destination()
    world.receiver.fail(status, headers={"Location": world.receiver.url})
    (result,) = await world.hand_over(world.message(hook))
    assert not result.delivered
    assert await world.attempts() == [(1, status)]
    assert len(world.receiver.requests) == 1


@pytest.mark.parametrize("status", [201, 202, 204])
async def test_any_2xx_is_success(world: World, status: int) -> None:
    hook = await world.make_destination()
    world.receiver.fail(status)
    (result,) = await world.hand_over(world.message(hook))
    assert result.delivered


async def test_a_destination_that_hangs_is_left_after_the_short_first_timeout(world: World) -> None:
    hook = await world.make_destination()
    world.receiver.hang()
    service = world.another_process(DeliveryOptions(PUBLIC_URL, LOOPBACK, timeout=60, first_timeout=0.2))
    await world.hand_over(world.message(hook), service=service)
    kept = await world.kept("op-1")
    assert "did not answer in time" in kept.last_error
    assert await world.attempts() == [(1, None)]


async def test_a_host_that_has_become_private_is_refused_at_send_time(world: World) -> None:
    hook = await world.make_destination()
    await world.execute("""update destination set metadata = '{"url": "https://169.254.169.254/latest"}'""")
    await world.hand_over(world.message(hook))
    assert "network that requests may not go to" in (await world.kept("op-1")).last_error


async def test_the_spool_counts_what_waits_and_says_when_it_is_full(world: World) -> None:
    hook, second = await world.make_destination("one"), await world.make_destination("two")
    world.receiver.trust()
    world.receiver.fail(500)

    async def waiting(destination: dict[str, Any]) -> tuple[int, bool]:
        async with world.database.transaction() as session:
            return (
                await world.service.spool_bytes(session, world.project_id, destination["id"]),
                await world.service.spool_is_full(session, world.project_id, destination["id"]),
            )

    assert await waiting(hook) == (0, False)
    await world.hand_over(world.message(hook, "op-1"), world.message(hook, "op-2"))
    (total,) = await world.execute("select sum(octet_length(body)) from delivery_message")
    assert await waiting(hook) == (total[0], False)
    assert await waiting(second) == (0, False)
    await world.hand_over(*(world.message(hook, f"more-{n}") for n in range(20)))
    assert (await waiting(hook))[1]

    world.receiver.recover()
    for id_ in await world.jobs():
        world.clock.advance(timedelta(minutes=6))
        await world.run_job(id_)
    assert await waiting(hook) == (0, False)


async def test_what_was_given_up_does_not_fill_the_spool(world: World) -> None:
    hook = await world.make_destination()
    world.receiver.fail(500)
    await world.hand_over(world.message(hook))
    for _ in range(7):
        await world.retry("op-1")
    assert (await world.kept("op-1")).state == "exhausted"
    async with world.database.transaction() as session:
        assert await world.service.spool_bytes(session, world.project_id, hook["id"]) == 0


async def test_another_projects_destination_is_not_there(world: World) -> None:
    hook = await world.make_destination()
    for name in ("hook", hook["id"], "nothing", "x\x00y"):
        async with world.database.transaction() as session:
            with pytest.raises(DestinationNotFound):
                await world.service.open_channel(session, world.other.project_id, name)


async def test_messages_for_a_destination_removed_meanwhile_go_with_it(world: World) -> None:
    hook = await world.make_destination()
    world.receiver.fail(500)
    async with world.database.transaction() as session:
        channel = await world.service.open_channel(session, world.project_id, "hook")
    results = await world.service.attempt(channel, [world.message(hook)])
    async with world.database.transaction() as session:
        await world.service.destinations.remove(session, world.project_id, "hook")
    async with world.database.transaction() as session:
        await world.service.record(session, results)
    assert await world.execute("select * from delivery_message") == []
    assert await world.jobs() == []


async def test_a_channel_is_stale_after_half_a_minute(world: World) -> None:
    await world.make_destination()
    async with world.database.transaction() as session:
        channel = await world.service.open_channel(session, world.project_id, "hook")
    assert not channel.is_stale(world.clock.now() + timedelta(seconds=29))
    assert channel.is_stale(world.clock.now() + timedelta(seconds=30))
    assert "whsec" not in repr(channel)


async def test_messages_of_several_destinations_are_recorded_together(world: World) -> None:
    one, two = await world.make_destination("one"), await world.make_destination("two")
    world.receiver.trust()
    world.receiver.fail(500, times=1)
    results = []
    for hook in (two, one):
        async with world.database.transaction() as session:
            channel = await world.service.open_channel(session, world.project_id, hook["id"])
        results += await world.service.attempt(channel, [world.message(hook, hook["name"])])
    async with world.database.transaction() as session:
        await world.service.record(session, results)
    assert await world.jobs() == ["two"]
    assert [row.message_id for row in await world.execute("select message_id from delivery_attempt")] == ["one", "two"]
