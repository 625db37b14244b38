"""Changing an installation: what is replaced, what stays, on which revision."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.installations.conftest import CONTACTS, DEALS, manifest, names, read_content

MASK = "config.content.read.objects"


def given(**objects):
    return {"config": {"content": {"read": {"objects": objects}}}}


async def test_a_change_makes_a_new_config_and_keeps_the_rest(world):
    await world.deploy(manifest(CONTACTS, DEALS))
    await world.connect()
    made = await world.install(read_content(contacts={}, deals={}))
    changed = await world.patch(made, given(contacts={"selectedFields": {"phone": True}}), f"{MASK}.contacts")

    assert changed["id"] == made["id"]
    assert changed["config"]["id"] != made["config"]["id"]
    assert changed["config"]["createTime"] > made["config"]["createTime"]
    assert changed["updateTime"] > made["updateTime"]
    assert changed["createTime"] == made["createTime"]
    objects = changed["config"]["content"]["read"]["objects"]
    assert objects["contacts"]["selectedFields"] == {"phone": True}
    assert objects["deals"] == made["config"]["content"]["read"]["objects"]["deals"]
    assert await world.get(made) == changed
    assert await world.count("config") == 2

    state, previous = world.recorder.saved[-1]
    assert previous is not None
    assert previous.config_id == made["config"]["id"]
    assert previous.read_objects["contacts"].fields == ("email",)
    assert state.read_objects["contacts"].fields == ("email", "phone")


async def test_the_connection_and_the_author_can_be_changed(world):
    await world.deploy(manifest(DEALS))
    await world.connect()
    made = await world.install()
    second = await world.connect()
    value = {"connectionId": second, "config": {"createdBy": "consumer:ann"}}
    changed = await world.patch(made, value, "connectionId", "config.createdBy")

    assert changed["connection"]["id"] == second
    assert changed["config"]["createdBy"] == "consumer:ann"
    assert changed["createdBy"] == made["createdBy"]
    assert changed["config"]["content"] == made["config"]["content"]
    later = await world.patch(made, given(deals={}), f"{MASK}.deals")
    assert later["config"]["createdBy"] == "consumer:ann"


@pytest.mark.parametrize("fault", ["unknown", "group", "provider", "project"])
async def test_another_connection_must_be_usable(world, fault):
    await world.deploy(manifest(DEALS))
    await world.connect()
    made = await world.install()
    connection = {
        "unknown": "nothing",
        "group": await world.connect("g2"),
        "provider": await world.connect(provider="rival"),
        "project": await world.connect(project=world.other),
    }[fault]
    refused = await world.patch(made, {"connectionId": connection}, "connectionId", status=422)
    assert names(refused) == ["connectionId"]
    assert await world.get(made) == made


async def test_dotted_names_stand_in_masks_as_they_are(world):
    await world.deploy(manifest(DEALS))
    await world.connect()
    made = await world.install({"provider": "acme", "read": {"objects": {}}})
    value: Any = {"config": {"content": {"write": {"objects": {"job.appointments": {}, "contacts": {}}}}}}
    changed = await world.patch(made, value, "config.content.write.objects.job.appointments")
    assert changed["config"]["content"]["write"]["objects"] == {"job.appointments": {"objectName": "job.appointments"}}
    changed = await world.patch(made, value, "config.content.write.objects")
    assert set(changed["config"]["content"]["write"]["objects"]) == {"job.appointments", "contacts"}
    content: dict[str, Any] = {"subscribe": {"objects": {"contacts": {}}}, "proxy": {"enabled": False}}
    masks = ["config.content.subscribe.objects.contacts", "config.content.proxy.enabled"]
    changed = await world.patch(made, {"config": {"content": content}}, *masks)
    assert changed["config"]["content"]["subscribe"]["objects"]["contacts"]["destination"] == "events"
    assert changed["config"]["content"]["proxy"] == {"enabled": False}


async def test_unknown_masks_and_masks_without_value_are_a_400(world):
    await world.deploy(manifest(DEALS))
    await world.connect()
    made = await world.install()
    refused = await world.patch(made, {}, "config.content.read", "connectionId", status=400)
    assert names(refused) == ["updateMask.0", "updateMask.1"]
    assert "config.content.write.objects" in refused["remedy"]
    refused = await world.patch(made, {}, status=400)
    assert names(refused) == ["updateMask"]
    assert await world.get(made) == made


async def test_a_change_that_does_not_fit_is_refused(world):
    await world.deploy(manifest(CONTACTS))
    await world.connect()
    made = await world.install()
    value = given(contacts={"schedule": "x", "selectedFields": {"a": 1}})
    assert names(await world.patch(made, value, f"{MASK}.contacts", status=422)) == [
        f"{MASK}.contacts.selectedFields.a"
    ]
    value = given(contacts={"schedule": "x"}, leads={})
    assert names(await world.patch(made, value, f"{MASK}.contacts", f"{MASK}.leads", status=422)) == [
        f"{MASK}.leads",
        f"{MASK}.contacts.schedule",
    ]
    assert await world.get(made) == made


async def test_faults_of_what_is_not_replaced_do_not_stand_in_the_way(world):
    await world.deploy(manifest(CONTACTS, DEALS))
    await world.connect()
    made = await world.install()
    strict = DEALS.replace("- fieldName: amount", "- fieldName: amount\n            - mapToName: owner")
    await world.deploy(manifest(CONTACTS, strict))

    await world.patch(made, given(contacts={}), f"{MASK}.contacts")
    refused = await world.patch(made, given(deals={}), f"{MASK}.deals", status=422)
    assert names(refused) == [f"{MASK}.deals.selectedFieldMappings.owner"]


async def test_changes_at_once_are_all_kept(world):
    await world.deploy(manifest(CONTACTS, DEALS))
    await world.connect()
    made = await world.install({"provider": "acme", "read": {"objects": {}}})
    await asyncio.gather(
        world.patch(made, given(contacts={}), f"{MASK}.contacts"),
        world.patch(made, given(deals={}), f"{MASK}.deals"),
        world.patch(made, {"config": {"content": {"proxy": {"enabled": True}}}}, "config.content.proxy.enabled"),
    )
    content = (await world.get(made))["config"]["content"]
    assert set(content["read"]["objects"]) == {"contacts", "deals"}
    assert content["proxy"] == {"enabled": True}
    assert await world.count("config") == 4


async def test_an_object_can_be_switched_off_and_on_alone(world):
    await world.deploy(manifest(CONTACTS))
    await world.connect()
    made = await world.install(read_content(contacts={"selectedFields": {"phone": True}}))
    strict = CONTACTS.replace("- fieldName: email", "- fieldName: email\n            - mapToName: owner")
    await world.deploy(manifest(strict))  # what is now missing in the config is no reason not to switch it off

    for disabled in (True, False):
        value = given(contacts={"disabled": disabled})
        changed = await world.patch(made, value, f"{MASK}.contacts.disabled", skipSampling=True)
        config = changed["config"]["content"]["read"]["objects"]["contacts"]
        assert config == {**made["config"]["content"]["read"]["objects"]["contacts"], "disabled": disabled}
    refused = await world.patch(made, given(contacts={"schedule": "x"}), f"{MASK}.contacts.schedule", status=422)
    assert names(refused) == [f"{MASK}.contacts.schedule"]


async def test_null_and_an_empty_part_take_out(world):
    await world.deploy(manifest(CONTACTS, DEALS))
    await world.connect()
    made = await world.install(
        {**read_content(contacts={"schedule": "30 * * * *"}, deals={}), "write": {"objects": {"contacts": {}}}}
    )
    value = given(contacts={"schedule": None}, deals=None)
    changed = await world.patch(made, value, f"{MASK}.contacts.schedule", f"{MASK}.deals")
    assert changed["config"]["content"]["read"]["objects"] == {
        "contacts": {"objectName": "contacts", "selectedFields": {}, "selectedFieldMappings": {}}
    }
    changed = await world.patch(made, given(), "config.content.write.objects")
    assert changed["config"]["content"]["write"] == {"objects": {}}
    value = {"config": {"content": {"read": None, "write": None}}}
    changed = await world.patch(made, value, "config.content.read", "config.content.write")
    assert changed["config"]["content"] == {"provider": "acme"}, "nothing chosen stays nothing"


async def test_the_whole_content_and_the_revision_may_be_named(world):
    await world.deploy(manifest(CONTACTS, DEALS))
    await world.connect()
    made = await world.install(read_content(contacts={}))
    latest = await world.deploy(manifest(CONTACTS))
    value = {
        "config": {"revisionId": made["config"]["revisionId"], "content": read_content(contacts={"disabled": True})}
    }
    changed = await world.patch(made, value, "config.revisionId", "config.content")
    assert changed["config"]["revisionId"] == latest["latestRevision"]["id"]
    assert changed["config"]["content"]["read"]["objects"]["contacts"]["disabled"]
    refused = await world.patch(made, {"config": {"content": read_content(leads={})}}, "config.content", status=422)
    assert names(refused) == [f"{MASK}.leads"]
