"""How a notification goes from its cause to its destinations: with the transaction, by the routes, as messages go."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import event

from conjunct.kit.ids import new_id
from conjunct.notifications import ConnectionRefreshed, Event
from tests.notifications.conftest import DESTINATION_ROUTES, EVENT_ROUTES, Notified
from tests.support.platform import running_worker
from tests.support.reading import hurry, rows, until
from tests.support.receiver import Receiver, webhook_receiver


def happened(notified: Notified, project_id: str | None = None) -> Event:
    return ConnectionRefreshed(
        project_id=project_id or notified.platform.project_id,
        connection_id="c",
        provider="hubspot",
        group_ref="acme",
        consumer_ref="ada",
        consumer_name="Zoë",
    )


async def publish(notified: Notified, project_id: str | None = None) -> None:
    """Publish an event in a transaction of its own."""
    services = notified.platform.services
    of = project_id or notified.platform.project_id
    async with services.database.transaction() as session:
        await services.notifications.publish(session, of, happened(notified, of))


async def test_a_notification_is_signed_and_is_what_the_event_tells(workless: Notified, receiver: Receiver) -> None:
    ears = await workless.listen(receiver, "connection.refreshed")
    await publish(workless)
    [id_] = await workless.spooled()
    async with running_worker(workless.platform.services):
        await ears.hear("connection.refreshed")
        await workless.all_delivered()
    [message] = receiver.messages  # the receiver takes only what its key has signed
    assert message.id == message.headers["webhook-id"] == id_
    assert message.headers["content-type"] == "application/json"
    assert message.body == {"notificationType": "connection.refreshed", "data": happened(workless).data()}
    attempts = await rows(workless.platform, "select number, status, operation_id from delivery_attempt")
    assert [tuple(row) for row in attempts] == [(1, 200, None)]


async def test_it_goes_with_its_transaction(workless: Notified, receiver: Receiver) -> None:
    await workless.listen(receiver, "connection.refreshed")
    services = workless.platform.services

    async def die_before_the_end() -> None:
        async with services.database.transaction() as session:
            await services.notifications.publish(session, workless.platform.project_id, happened(workless))
            raise RuntimeError("the process dies")

    with pytest.raises(RuntimeError):
        await die_before_the_end()
    assert await workless.spooled() == []
    assert await rows(workless.platform, "select id from job where kind = 'delivery.retry'") == []


async def test_an_event_reaches_each_destination_once_however_many_topics_lead_there(
    workless: Notified, receiver: Receiver
) -> None:
    async with webhook_receiver() as second:
        hooks = [await workless.destination(receiver, "one"), await workless.destination(second, "two")]
        for name in ("a", "b"):
            topic = await workless.topic(name)
            await workless.route_event("connection.refreshed", topic)
            for hook in hooks:
                await workless.route_topic(topic, hook["id"])
        await publish(workless)
        ids = await workless.spooled()
        assert len(ids) == 2
        async with running_worker(workless.platform.services):
            await receiver.wait_for(1)
            await second.wait_for(1)
            await workless.all_delivered()
        assert sorted(receiver.ids + second.ids) == ids
        assert receiver.messages[0].body == second.messages[0].body


async def test_nothing_is_sent_without_a_whole_way_from_the_event_to_a_destination(
    workless: Notified, receiver: Receiver
) -> None:
    hook = await workless.destination(receiver, "hook")
    others, events, unheard = [await workless.topic(name) for name in ("others", "events", "unheard")]
    await publish(workless)
    await workless.route_event("connection.created", others)
    await workless.route_topic(others, hook["id"])
    await workless.route_event("connection.refreshed", events)
    await publish(workless)
    assert await workless.spooled() == []
    event_route = (await workless.platform.send("GET", f"{EVENT_ROUTES}?topicId={events}", 200))[0]["id"]
    way = await workless.route_topic(events, hook["id"])
    await publish(workless)
    assert len(await workless.spooled()) == 1
    await workless.platform.send("DELETE", f"{DESTINATION_ROUTES}/{way}", 204)
    await publish(workless)
    await workless.route_topic(events, hook["id"])
    await workless.platform.send("DELETE", f"{EVENT_ROUTES}/{event_route}", 204)
    await publish(workless)
    assert len(await workless.spooled()) == 1
    assert unheard not in (others, events)


async def test_routes_of_another_project_lead_nothing_there(workless: Notified, receiver: Receiver) -> None:
    await workless.listen(receiver, "connection.refreshed")
    services = workless.platform.services
    async with services.database.transaction() as session:
        other = await services.tenants.create_org_and_project(session, org="o", project="other", app_name="Other")
    await publish(workless, other.project_id)
    assert await workless.spooled() == []


async def test_a_destination_that_is_down_gets_it_by_a_retry(workless: Notified, receiver: Receiver) -> None:
    ears = await workless.listen(receiver, "connection.refreshed")
    receiver.fail(503, times=2)
    await publish(workless)
    [id_] = await workless.spooled()
    async with running_worker(workless.platform.services):
        for failures in (1, 2):
            await receiver.wait_for(failures, requests=True)

            async def delayed() -> bool:
                return bool(await rows(workless.platform, "select id from job where state = 'delayed'"))

            await until(delayed)
            await hurry(workless.platform)
        await ears.hear("connection.refreshed")
        await workless.all_delivered()
    assert [request.id for request in receiver.requests] == [id_] * 3
    attempts = await rows(workless.platform, "select number, status from delivery_attempt order by id")
    assert [tuple(row) for row in attempts] == [(1, 503), (2, 503), (3, 200)]


async def test_a_destination_whose_breaker_is_open_is_left_alone_until_it_closes(
    workless: Notified, receiver: Receiver
) -> None:
    ears = await workless.listen(receiver, "connection.refreshed")
    await rows(
        workless.platform,
        "update destination set consecutive_failures = 5, breaker_openings = 1, "
        "breaker_open_until = now() + interval '1 hour'",
    )
    await publish(workless)
    [row] = await rows(workless.platform, "select next_at > now() + interval '59 minutes' from delivery_message")
    assert row[0]
    async with running_worker(workless.platform.services):
        await hurry(workless.platform)
        await ears.hear("connection.refreshed")
        await workless.all_delivered()
    assert len(receiver.requests) == 1


async def test_for_a_disabled_destination_it_is_held(workless: Notified, receiver: Receiver) -> None:
    await workless.listen(receiver, "connection.refreshed")
    await rows(workless.platform, "update destination set state = 'disabled', disabled_reason = 'gone'")
    await publish(workless)
    [row] = await rows(workless.platform, "select state, attempts, next_at, expires_at > now() from delivery_message")
    assert tuple(row) == ("pending", 0, None, True)
    assert await rows(workless.platform, "select id from job where kind = 'delivery.retry'") == []


async def test_a_webhook_that_is_disabled_is_told_to_the_others_and_held_for_itself(
    notified: Notified, receiver: Receiver
) -> None:
    ears = await notified.listen(receiver, "destination.webhook.disabled", "connection.refreshed", name="ears")
    async with webhook_receiver() as gone:
        hook = await notified.destination(gone, "gone")
        topic = await notified.topic("more")
        for event_type in ("destination.webhook.disabled", "connection.refreshed"):
            await notified.route_event(event_type, topic)
        await notified.route_topic(topic, hook["id"])
        gone.fail(410)
        await publish(notified)
        [data] = await ears.hear("destination.webhook.disabled")
        assert data == {
            "projectId": notified.platform.project_id,
            "destinationId": hook["id"],
            "destinationName": "gone",
            "url": gone.url,
        }
        await ears.hear("connection.refreshed")
        assert len(gone.requests) == 1

    async def kept() -> Any:
        found = await rows(
            notified.platform, "select destination_id, attempts, next_at from delivery_message order by attempts"
        )
        return len(found) == 2 and found

    assert [tuple(row) for row in await until(kept)] == [(hook["id"], 0, None), (hook["id"], 1, None)]


async def test_what_was_routed_to_a_destination_that_is_removed_goes_with_it(
    workless: Notified, receiver: Receiver
) -> None:
    ears = await workless.listen(receiver, "connection.refreshed")
    await publish(workless)
    await workless.platform.send("DELETE", f"/destinations/{ears.destination['id']}", 204)
    assert await workless.spooled() == []
    await publish(workless)
    assert await workless.spooled() == []


async def test_a_destination_is_not_removed_under_a_notification_for_it(workless: Notified, receiver: Receiver) -> None:
    ears = await workless.listen(receiver, "connection.refreshed")
    services = workless.platform.services
    async with services.database.transaction() as session:
        await services.notifications.publish(session, workless.platform.project_id, happened(workless))
        removing = asyncio.create_task(workless.platform.send("DELETE", f"/destinations/{ears.destination['id']}", 204))
        await until(lambda: _somebody_waits(workless))
    await removing
    assert await workless.spooled() == []


async def _somebody_waits(notified: Notified) -> bool:
    statement = "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    return bool(await rows(notified.platform, statement))


async def test_an_event_that_nobody_is_told_of_costs_one_query(workless: Notified) -> None:
    services = workless.platform.services
    told: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        told.append(statement)

    engine = services.database.engine.sync_engine
    async with services.database.transaction() as session:
        await session.connection()
        event.listen(engine, "before_cursor_execute", note)
        try:
            await services.notifications.publish(session, new_id(), happened(workless))
        finally:
            event.remove(engine, "before_cursor_execute", note)
    assert len(told) == 1
