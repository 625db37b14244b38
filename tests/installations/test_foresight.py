"""A plan names the installations that a deploy would concern, and says what the deploy then does."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event

from conjunct.installations.foresight import NAMED
from tests.installations.conftest import CONTACTS, DEALS, FURTHER, TICKETS, World, manifest, read_content
from tests.installations.test_following import installed


async def plan(world: World, yaml: str, **query: Any) -> dict[str, Any]:
    """The plan for the one integration of the manifest."""
    response = await world.client.post(f"{world.home}/integrations:plan", json={"sourceYaml": yaml}, params=query)
    assert response.status_code == 200, response.text
    planned: dict[str, Any] = response.json()["integrations"][0]
    return planned


def effects(planned: dict[str, Any]) -> dict[tuple[str, str], int]:
    """How many installations each effect concerns, by its kind and object."""
    return {(each["kind"], each["objectName"]): each["total"] for each in planned["effects"]}


async def install_for(world: World, group: str, content: Any = None) -> dict[str, Any]:
    await world.connect(group)
    return await world.install(content, group=group, skipSampling=True)


@pytest.mark.parametrize("destructive", [True, False])
async def test_a_removed_object_concerns_those_who_read_it(world, destructive):
    first = await installed(world, CONTACTS, DEALS, content=read_content(contacts={}, deals={}))
    await install_for(world, "g2", read_content(contacts={}))
    third = await install_for(world, "g3", read_content(contacts={}, deals={}))
    planned = await plan(world, manifest(CONTACTS), destructive=destructive)

    assert planned["installations"] == 3
    [effect] = planned["effects"]
    assert (effect["kind"], effect["objectName"], effect["total"]) == (
        "readStops" if destructive else "readContinues",
        "deals",
        2,
    )
    assert effect["installations"] == [
        {"id": first["id"], "groupRef": "g1"},
        {"id": third["id"], "groupRef": "g3"},
    ]
    warned = {each["kind"] for each in planned["warnings"]} - {"destinationMissing"}
    assert warned == (set() if destructive else {"stillRead"})

    await world.deploy(manifest(CONTACTS), destructive=destructive)
    for each in (first, third):
        assert ("deals" in (await world.state(each)).read_objects) is not destructive


async def test_what_is_read_on_since_an_earlier_deploy_stops_with_a_destructive_one(world):
    await installed(world, CONTACTS, DEALS)
    await world.deploy(manifest(CONTACTS))
    changed = CONTACTS.replace("destination: hook", "destination: lake")
    assert effects(await plan(world, manifest(changed))) == {("destinationChanges", "contacts"): 1}
    assert effects(await plan(world, manifest(changed), destructive=True)) == {
        ("destinationChanges", "contacts"): 1,
        ("readStops", "deals"): 1,
    }


async def test_what_a_group_chose_for_itself_does_not_change(world):
    await installed(world, CONTACTS, content=read_content(contacts={"schedule": "30 * * * *"}))
    await install_for(world, "g2", read_content(contacts={}))
    planned = await plan(world, manifest(CONTACTS.replace("0 * * * *", "15 * * * *")))
    assert effects(planned) == {("scheduleChanges", "contacts"): 1}
    assert [each["groupRef"] for each in planned["effects"][0]["installations"]] == ["g2"]


async def test_names_and_fields_that_are_delivered_otherwise(world):
    await installed(world, CONTACTS)
    renamed = CONTACTS.replace("mapToName: people", "mapToName: persons")
    assert effects(await plan(world, manifest(renamed))) == {("nameChanges", "contacts"): 1}
    fields = CONTACTS.replace("- fieldName: email", "- fieldName: email\n            - fieldName: age")
    assert effects(await plan(world, manifest(fields))) == {("fieldsChange", "contacts"): 1}


async def test_new_objects_begin_only_where_they_are_always_read(world):
    await installed(world, CONTACTS)
    backfilled = TICKETS + "          backfill:\n            defaultPeriod:\n              fullHistory: true\n"
    assert effects(await plan(world, manifest(CONTACTS, DEALS))) == {}
    assert effects(await plan(world, manifest(CONTACTS, TICKETS))) == {("readStarts", "tickets"): 1}
    assert effects(await plan(world, manifest(CONTACTS, backfilled))) == {
        ("readStarts", "tickets"): 1,
        ("backfillStarts", "tickets"): 1,
    }


async def test_a_mapping_that_becomes_required_concerns_those_who_have_not_made_it(world):
    asked = DEALS + "            - mapToName: stage\n"
    await installed(world, DEALS, content=read_content(deals={}))
    planned = await plan(world, manifest(asked))
    assert effects(planned) == {("mappingMissing", "deals"): 1}
    await world.deploy(manifest(asked))
    changed = asked.replace("destination: hook", "destination: lake")
    assert effects(await plan(world, manifest(changed))) == {("destinationChanges", "deals"): 1}


async def test_objects_to_write_and_to_subscribe_to_go_at_once(world):
    await installed(world, CONTACTS)
    shorter = FURTHER.replace("        - objectName: job.appointments\n", "")
    assert effects(await plan(world, manifest(CONTACTS, further=shorter))) == {("writeStops", "job.appointments"): 1}


async def test_an_unchanged_manifest_concerns_nobody(world):
    await installed(world, CONTACTS)
    planned = await plan(world, manifest(CONTACTS))
    assert (planned["kind"], planned["effects"]) == ("unchanged", [])


async def test_installations_that_are_still_behind_are_foreseen_as_they_will_be(world):
    """A batch of 3 follows a deploy at once; the others are behind until their job has run."""
    await installed(world, CONTACTS, DEALS)
    for number in range(2, 6):
        await install_for(world, f"g{number}")
    await world.deploy(manifest(CONTACTS))
    planned = await plan(world, manifest(CONTACTS.replace("0 * * * *", "15 * * * *")), destructive=True)
    assert effects(planned) == {("readStops", "deals"): 5, ("scheduleChanges", "contacts"): 5}


async def test_many_installations_are_counted_and_the_first_are_named(world):
    await installed(world, CONTACTS)
    for number in range(2, NAMED + 3):
        await install_for(world, f"g{number}", read_content(contacts={"selectedFields": {f"f{number}": True}}))
    counted = _statements(world)
    planned = await plan(world, manifest(CONTACTS.replace("0 * * * *", "15 * * * *")))
    [effect] = planned["effects"]
    assert effect["total"] == planned["installations"] == NAMED + 2
    assert [each["groupRef"] for each in effect["installations"]] == [f"g{number}" for number in range(1, NAMED + 1)]
    assert len(counted) < 12


async def test_destinations_are_looked_up_by_name_in_the_own_project(world):
    planned = await plan(world, manifest(CONTACTS))
    missing = [each["detail"] for each in planned["warnings"]]
    assert [name for name in ("hook", "events") if any(repr(name) in each for each in missing)] == ["hook", "events"]


async def test_a_plan_changes_nothing(world):
    await installed(world, CONTACTS, DEALS)
    told = len(world.recorder.saved)
    counts = [await world.count(table) for table in ("revision", "config", "job")]
    await plan(world, manifest(CONTACTS, TICKETS), destructive=True)
    assert len(world.recorder.saved) == told
    assert [await world.count(table) for table in ("revision", "config", "job")] == counts


def _statements(world: World) -> list[str]:
    """Statements sent from now on."""
    sent: list[str] = []
    event.listen(world.database.engine.sync_engine, "before_cursor_execute", lambda *args: sent.append(args[2]))
    return sent
