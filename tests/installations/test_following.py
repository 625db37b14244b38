"""Installations follow what is deployed."""

from __future__ import annotations

import asyncio

import pytest

from conjunct.queue import Job
from tests.installations.conftest import CONTACTS, DEALS, FURTHER, TICKETS, manifest, names, read_content

READ = "config.content.read.objects"


async def installed(world, *reads, content=None):
    await world.deploy(manifest(*reads))
    await world.connect()
    return await world.install(content, skipSampling=True)


async def test_what_the_manifest_changes_counts_at_once_unless_the_group_chose_otherwise(world):
    chosen = read_content(contacts={"schedule": "30 * * * *"}, deals={})
    made = await installed(world, CONTACTS, DEALS, content=chosen)
    changed = CONTACTS.replace("0 * * * *", "15 * * * *").replace("fieldName: email", "fieldName: mail")
    latest = await world.deploy(manifest(changed, DEALS.replace("destination: hook", "destination: lake")))

    now = await world.get(made)
    assert now["config"]["revisionId"] == latest["latestRevision"]["id"]
    assert now["config"]["id"] != made["config"]["id"]
    assert now["config"]["content"] == made["config"]["content"]
    state = await world.state(made)
    assert state.read_objects["contacts"].schedule == "30 * * * *"
    assert state.read_objects["contacts"].fields == ("mail",)
    assert state.read_objects["deals"].destination == "lake"
    saved, previous = world.recorder.saved[-1]
    assert saved == state
    assert previous.config_id == made["config"]["id"]
    assert previous.read_objects["deals"].destination == "hook"


async def test_new_objects_wait_for_the_group_unless_they_are_always_read(world):
    made = await installed(world, CONTACTS)
    await world.deploy(manifest(CONTACTS, DEALS, TICKETS))
    assert list((await world.state(made)).read_objects) == ["contacts", "tickets"]


async def test_a_removed_object_is_read_on_as_it_was_declared_last(world):
    made = await installed(world, CONTACTS, DEALS, TICKETS)
    await world.deploy(manifest(CONTACTS, DEALS.replace("amount", "total"), TICKETS))
    await world.deploy(manifest(CONTACTS))
    await world.deploy(manifest(CONTACTS.replace("0 * * * *", "15 * * * *")))

    state = await world.state(made)
    assert list(state.read_objects) == ["contacts", "deals", "tickets"]
    assert state.read_objects["deals"].fields == ("total",)
    assert state.read_objects["contacts"].schedule == "15 * * * *"
    await world.connect("g2")
    other = await world.install(group="g2", skipSampling=True)
    assert list((await world.state(other)).read_objects) == ["contacts"]
    refused = await world.patch(other, {"config": {"content": read_content(deals={})}}, f"{READ}.deals", status=422)
    assert names(refused) == [f"{READ}.deals"]
    changed = await world.patch(made, {"config": {"content": read_content(deals={"disabled": True})}}, f"{READ}.deals")
    assert changed["config"]["content"]["read"]["objects"]["deals"]["disabled"] is True
    assert (await world.state(made)).read_objects["deals"].disabled


async def test_an_object_that_is_declared_again_is_as_it_is_declared_now(world):
    made = await installed(world, CONTACTS, DEALS)
    await world.deploy(manifest(CONTACTS))
    await world.deploy(manifest(CONTACTS, DEALS.replace("amount", "total")))
    await world.deploy(manifest(CONTACTS, DEALS.replace("amount", "sum")))
    assert (await world.state(made)).read_objects["deals"].fields == ("sum",)


async def test_a_destructive_deploy_stops_reads_of_removed_objects(world):
    made = await installed(world, CONTACTS, DEALS, TICKETS)
    await world.deploy(manifest(CONTACTS, DEALS))
    assert list((await world.state(made)).read_objects) == ["contacts", "deals", "tickets"]
    await world.deploy(manifest(CONTACTS), destructive=True)

    assert list((await world.state(made)).read_objects) == ["contacts"]
    assert list((await world.get(made))["config"]["content"]["read"]["objects"]) == ["contacts"]
    state, previous = world.recorder.saved[-1]
    assert set(previous.read_objects) - set(state.read_objects) == {"deals", "tickets"}


async def test_objects_to_write_and_subscribe_leave_the_config_with_the_revision(world):
    made = await installed(world, CONTACTS)
    shorter = FURTHER.replace("        - objectName: job.appointments\n", "")
    await world.deploy(manifest(CONTACTS, further=shorter))
    assert list((await world.get(made))["config"]["content"]["write"]["objects"]) == ["contacts"]
    await world.patch(made, {"config": {"content": read_content(contacts={})}}, f"{READ}.contacts")


async def test_an_unchanged_deploy_touches_no_installation(world):
    made = await installed(world, CONTACTS)
    await world.deploy(manifest(CONTACTS))
    assert await world.get(made) == made
    assert len(world.recorder.saved) == 1


@pytest.mark.parametrize("destructive", [False, True])
async def test_beyond_a_batch_installations_follow_by_a_job_whatever_comes_between(world, destructive):
    made = [await installed(world, CONTACTS, DEALS)]
    for number in range(2, 9):
        await world.connect(f"g{number}")
        made.append(await world.install(group=f"g{number}", skipSampling=True))
    await world.deploy(manifest(CONTACTS), destructive=destructive)
    latest = await world.deploy(manifest(CONTACTS.replace("0 * * * *", "15 * * * *")))

    revisions = [(await world.get(each))["config"]["revisionId"] for each in made]
    assert revisions.count(latest["latestRevision"]["id"]) == 3
    assert await world.count("job WHERE kind = 'installation.follow'") == 2
    job = Job(1, world.project.project_id, None, "installation.follow", latest["id"], 1, 1, "w")
    await asyncio.gather(world.upstream.run_follow(job), world.upstream.run_follow(job))

    expected = ["contacts"] if destructive else ["contacts", "deals"]
    for each in made:
        state = await world.state(each)
        assert state.revision_id == latest["latestRevision"]["id"]
        assert list(state.read_objects) == expected
        assert state.read_objects["contacts"].schedule == "15 * * * *"
    assert world.upstream.handlers["installation.follow"] == world.upstream.run_follow
    await world.client.delete(f"{world.home}/integrations/crm")
    await world.upstream.run_follow(job)


async def test_an_update_of_one_that_is_behind_starts_from_the_latest_revision(world):
    made = [await installed(world, CONTACTS, DEALS)]
    for number in range(2, 6):
        await world.connect(f"g{number}")
        made.append(await world.install(group=f"g{number}", skipSampling=True))
    latest = await world.deploy(manifest(CONTACTS))
    behind = made[-1]
    assert (await world.get(behind))["config"] == behind["config"]
    changed = await world.patch(
        behind, {"config": {"content": read_content(contacts={"disabled": True})}}, f"{READ}.contacts"
    )
    assert changed["config"]["revisionId"] == latest["latestRevision"]["id"]
    assert list((await world.state(behind)).read_objects) == ["contacts", "deals"]
