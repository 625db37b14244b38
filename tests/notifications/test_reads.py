"""Reads: backfills and triggered reads that end, and schedules that are paused, are told once."""

from __future__ import annotations

from typing import Any

from conjunct.actions.read.jobs import ReadJobs
from conjunct.queue import Job
from tests.notifications.conftest import Ears, Notified
from tests.notifications.test_installations import about_connection, about_installation, config_of
from tests.support.platform import Platform, running_worker
from tests.support.reading import backfilled, idle, make_due, rows, scheduled_read, set_up
from tests.support.receiver import Receiver

ALL = (
    "read.backfill.done",
    "read.triggered.done",
    "read.triggered.error",
    "read.schedule.paused",
    "connection.error",
)
WINDOW = {"sinceTimestamp": "2025-01-01T00:00:00Z", "untilTimestamp": "2026-01-01T00:00:00+01:00"}


async def pause(platform: Platform, verb: str = "pause", **body: Any) -> None:
    path = f"/integrations/{platform.integration}/installations/{platform.installation}:{verb}"
    await platform.send("POST", path, 204, json=body)


async def only(notified: Notified, ears: Ears, *event_types: str) -> None:
    """Nothing else was told, nor will be."""
    await notified.all_delivered()
    assert sorted(each["notificationType"] for each in ears.heard()) == sorted(event_types)


async def test_a_backfill_that_is_done(notified: Notified, receiver: Receiver) -> None:
    platform = notified.platform
    ears = await notified.listen(receiver, *ALL)
    await backfilled(platform)
    done = await ears.hear("read.backfill.done")
    assert done == [{**about_installation(platform), "objectName": "people"}]
    await scheduled_read(platform)
    await only(notified, ears, "read.backfill.done")
    assert receiver.forged == []


async def test_a_backfill_that_fails_is_told_when_it_succeeds_at_last(notified: Notified, receiver: Receiver) -> None:
    platform = notified.platform
    ears = await notified.listen(receiver, *ALL)
    platform.hubspot.faults.set(["400:1"])
    await platform.deploy()
    await platform.connect()
    await platform.install(skipSampling=True)
    [operation] = await platform.operations()
    assert (await platform.ended(operation["id"]))["status"] == "failure"
    platform.hubspot.faults.set([])
    await make_due(platform)
    await idle(platform)
    await ears.hear("read.backfill.done")
    await only(notified, ears, "read.backfill.done")


async def test_a_triggered_read_that_is_done(notified: Notified, receiver: Receiver) -> None:
    platform = notified.platform
    await backfilled(platform)
    ears = await notified.listen(receiver, *ALL)
    await platform.ended(await platform.trigger(**WINDOW))
    [windowed] = await ears.hear("read.triggered.done")
    assert windowed == {
        **about_installation(platform),
        "objectName": "people",
        "fromTimestamp": "2025-01-01T00:00:00Z",
        "untilTimestamp": "2025-12-31T23:00:00Z",
    }
    await platform.ended(await platform.trigger())
    _, whole = await ears.hear("read.triggered.done", 2)
    assert whole == {**about_installation(platform), "objectName": "people"}
    await only(notified, ears, "read.triggered.done", "read.triggered.done")


async def test_a_triggered_read_that_fails(notified: Notified, receiver: Receiver) -> None:
    platform = notified.platform
    await backfilled(platform)
    ears = await notified.listen(receiver, *ALL)
    platform.hubspot.faults.set(["400:1"])
    failed = await platform.ended(await platform.trigger(**WINDOW))
    assert failed["status"] == "failure"
    [data] = await ears.hear("read.triggered.error")
    assert f"[contacts] {data.pop('error')}" == failed["result"]
    assert data == {
        **about_installation(platform),
        "objectName": "people",
        "fromTimestamp": "2025-01-01T00:00:00Z",
        "untilTimestamp": "2025-12-31T23:00:00Z",
    }
    await only(notified, ears, "read.triggered.error")


async def test_a_schedule_that_is_paused_after_hopeless_failures(notified: Notified, receiver: Receiver) -> None:
    platform = notified.platform
    await backfilled(platform)
    ears = await notified.listen(receiver, *ALL)
    platform.hubspot.faults.set(["403:1"])
    operations = [await scheduled_read(platform) for _ in range(3)]
    [data] = await ears.hear("read.schedule.paused")
    assert data.pop("error") == operations[-1]["result"]
    assert data == {**about_installation(platform), "config": await config_of(platform)}
    await only(notified, ears, "read.schedule.paused")


async def test_a_schedule_that_is_paused_by_request(notified: Notified, receiver: Receiver) -> None:
    platform = notified.platform
    await backfilled(platform)
    ears = await notified.listen(receiver, *ALL)
    await pause(platform, objects=["people"], note="holidays")
    await pause(platform)  # it is paused already
    assert await ears.hear("read.schedule.paused") == [
        {**about_installation(platform), "config": await config_of(platform)}
    ]
    await pause(platform, "unpause")
    await pause(platform)
    await ears.hear("read.schedule.paused", 2)
    await only(notified, ears, "read.schedule.paused", "read.schedule.paused")


async def test_credentials_that_are_refused_are_told_once_with_the_schedules_that_rest(
    notified: Notified, receiver: Receiver
) -> None:
    platform = notified.platform
    await backfilled(platform)
    ears = await notified.listen(receiver, *ALL)
    platform.hubspot.faults.set(["401:1"])
    failed = await scheduled_read(platform)
    [data] = await ears.hear("connection.error")
    assert data["errors"] == data["error"]
    assert [f"[contacts] {error}" for error in data["errors"]] == [failed["result"]]
    assert {**data, **about_connection(platform)} == data
    [paused] = await ears.hear("read.schedule.paused")
    assert paused == {**about_installation(platform), "config": await config_of(platform), "error": data["errors"][0]}

    again = await platform.ended(await platform.trigger())  # the same credentials, which is no news
    assert again["status"] == "failure"
    await ears.hear("read.triggered.error")
    await only(notified, ears, "connection.error", "read.schedule.paused", "read.triggered.error")


async def test_a_run_whose_job_is_done_again_after_its_end_is_told_once(workless: Notified, receiver: Receiver) -> None:
    platform = workless.platform
    ears = await workless.listen(receiver, *ALL)
    await set_up(platform)
    [operation] = await platform.operations()
    async with running_worker(platform.services):
        await platform.ended(operation["id"])
        await ears.hear("read.backfill.done")
    jobs: ReadJobs = platform.services.read_jobs
    job = Job(10**9, platform.project_id, None, "read.run", operation["id"], 2, 1000, "another worker")
    await jobs.handlers()["read.run"](job)
    assert await workless.spooled() == []
    attempts = await rows(platform, "select message_id from delivery_attempt where message_id like 'ntf%'")
    assert len(attempts) == 1
    await only(workless, ears, "read.backfill.done")
