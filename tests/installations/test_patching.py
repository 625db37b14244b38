"""JSON Patch on an object's config: what it changes, what it refuses, in whose installation."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from conjunct.installations.masks import Change
from conjunct.installations.patching import apply_patch
from conjunct.installations.problems import ObjectNotConfigured, PatchNotApplicable
from conjunct.installations.schemas import MAX_OPERATIONS, JsonPatchOperation
from conjunct.tenants.models import JwtKeyRow
from tests.installations.conftest import CONTACTS, DEALS, TICKETS, manifest, names, read_content
from tests.installations.test_masks import CURRENT, INTEGRATION
from tests.support.tokens import customer_token, public_pem

KID = "b9a0b1b2-7d1e-4c5c-8f6d-3a0a3f7c6d5e"

CHOSEN = {"selectedFields": {"phone": True, "fax": True}, "fieldFilters": []}


def operations(*given: dict[str, Any]) -> list[JsonPatchOperation]:
    return [JsonPatchOperation.model_validate(each) for each in given]


@pytest.fixture
async def ready(world):
    await world.deploy(manifest(CONTACTS, DEALS, TICKETS))
    await world.connect()
    return world


async def patch(world, name: str, *changes: Any, status: int = 200, home: str | None = None, **body: Any) -> Any:
    query = {"skipSampling": body.pop("skipSampling")} if "skipSampling" in body else {}
    body = {"groupRef": "g1", "action": "read", "changes": changes, **body}
    body = {key: each for key, each in body.items() if each is not None}
    url = f"{home or world.home}/integrations/crm/objects/{name}/config-content"
    answer = await world.client.patch(url, json=body, params=query)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_operations_change_the_object_and_nothing_else(ready):
    made = await ready.install(read_content(contacts=CHOSEN, deals={}))
    changed = await patch(
        ready,
        "contacts",
        {"op": "replace", "path": "/selectedFields/phone", "value": False},
        {"op": "add", "path": "/schedule", "value": "30 * * * *"},
        {"op": "remove", "path": "/selectedFields/fax"},
        {"op": "add", "path": "/selectedFields/a~1b~0c", "value": True},
        {"op": "add", "path": "/backfill", "value": {"defaultPeriod": {"days": 3}}},
        {"op": "replace", "path": "/backfill/defaultPeriod/days", "value": 5},
    )
    before = made["config"]["content"]["read"]["objects"]
    assert changed["config"]["content"]["read"]["objects"] == {
        "deals": before["deals"],
        "contacts": {
            **before["contacts"],
            "schedule": "30 * * * *",
            "selectedFields": {"phone": False, "a/b~c": True},
            "backfill": {"defaultPeriod": {"days": 5}},
        },
    }
    assert changed["id"] == made["id"]
    assert changed["config"]["id"] != made["config"]["id"]
    assert changed["config"]["createdBy"] == made["config"]["createdBy"]
    assert await ready.get(made) == changed
    state, previous = ready.recorder.saved[-1]
    assert previous.config_id == made["config"]["id"]
    assert state.read_objects["contacts"].schedule == "30 * * * *"


@pytest.mark.parametrize("name", ["contacts", "people"])
@pytest.mark.parametrize("kept", ["contacts", "people"])
async def test_the_object_is_found_under_either_name(ready, name, kept):
    await ready.install(read_content(**{kept: {}}))
    changed = await patch(ready, name, {"op": "add", "path": "/selectedFields/phone", "value": True})
    objects = changed["config"]["content"]["read"]["objects"]
    assert objects[kept]["selectedFields"] == {"phone": True}
    assert not {"contacts", "people"} - {kept} & objects.keys()


async def test_the_installation_may_be_named_by_its_id(ready):
    made = await ready.install(read_content(contacts={}))
    add = {"op": "add", "path": "/selectedFields/phone", "value": True}
    changed = await patch(ready, "contacts", add, groupRef=None, installationId=made["id"])
    assert changed["id"] == made["id"]
    for body in ({"groupRef": None}, {"installationId": made["id"]}):
        assert names(await patch(ready, "contacts", add, status=400, **body)) == ["groupRef"]
    assert await ready.get(made) == changed


async def test_objects_to_write_and_to_subscribe_to_are_patched_too(ready):
    await ready.install()
    default = {"default": {"stringValue": "x"}}
    changed = await patch(
        ready,
        "job.appointments",
        {"op": "add", "path": "/selectedFieldSettings", "value": {"source": default}},
        action="write",
    )
    assert changed["config"]["content"]["write"]["objects"]["job.appointments"] == {
        "objectName": "job.appointments",
        "selectedFieldSettings": {"source": default},
    }
    changed = await patch(
        ready, "contacts", {"op": "replace", "path": "/destination", "value": "other"}, action="subscribe"
    )
    assert changed["config"]["content"]["subscribe"]["objects"]["contacts"]["destination"] == "other"


async def test_an_object_that_is_always_read_is_patched_though_nobody_chose_it(ready):
    await ready.install(read_content(contacts={}))
    changed = await patch(ready, "tickets", {"op": "add", "path": "/selectedFields/body", "value": True})
    assert changed["config"]["content"]["read"]["objects"]["tickets"] == {
        "objectName": "tickets",
        "selectedFields": {"body": True},
        "selectedFieldMappings": {},
    }


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"op": "remove", "path": "/selectedFields/none"}, "nothing at this path to remove"),
        ({"op": "replace", "path": "/selectedFields/none", "value": 1}, "nothing at this path to replace"),
        ({"op": "add", "path": "/none/field", "value": 1}, "leads through"),
        ({"op": "add", "path": "/objectName/field", "value": 1}, "leads through"),
        ({"op": "add", "path": "/selectedFields/phone/field", "value": 1}, "leads through"),
        ({"op": "add", "path": "/fieldFilters/1", "value": 1}, "list does not have"),
        ({"op": "add", "path": "/fieldFilters/x", "value": 1}, "leads through"),
        ({"op": "replace", "path": "/fieldFilters/-", "value": 1}, "list does not have"),
        ({"op": "add", "path": "/a~2b", "value": 1}, "leads through"),
    ],
)
async def test_an_operation_that_has_nothing_to_work_on_is_named(ready, change, words):
    made = await ready.install(read_content(contacts=CHOSEN))
    good = {"op": "add", "path": "/selectedFields/mobile", "value": True}
    refused = await patch(ready, "contacts", good, change, good, status=400)
    assert refused["type"].endswith("/patch-not-applicable")
    assert names(refused) == ["changes.1.path"]
    assert words in refused["issues"][0]["detail"]
    assert refused["issues"][0]["value"] == change["path"]
    assert await ready.get(made) == made


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ([], "changes"),
        ([{"op": "test", "path": "/schedule", "value": "x"}], "changes.0.op"),
        ([{"op": "move", "path": "/schedule", "from": "/x"}], "changes.0.op"),
        ([{"op": "add", "path": "", "value": {}}], "changes.0.path"),
        ([{"op": "add", "path": "schedule", "value": "x"}], "changes.0.path"),
        ([{"op": "add", "path": "/x" * 33, "value": "x"}], "changes.0.path"),
        ([{"op": "add", "path": 5, "value": "x"}], "changes.0.path"),
        ([{"op": "add", "path": "/schedule"}], "changes.0"),
        ([{"op": "replace", "path": "/schedule"}], "changes.0"),
        ([{"op": "add", "path": "/a", "value": 1}] * (MAX_OPERATIONS + 1), "changes"),
        (["add"], "changes.0"),
    ],
)
async def test_what_is_no_patch_is_refused(ready, changes, where):
    made = await ready.install(read_content(contacts=CHOSEN))
    refused = await patch(ready, "contacts", *changes, status=400)
    assert names(refused) == [where]
    assert await ready.get(made) == made


async def test_every_malformed_operation_is_told_at_once(ready):
    refused = await patch(ready, "contacts", {"op": "copy", "path": "x"}, {"op": "add", "path": "/a"}, status=400)
    assert names(refused) == ["changes.0.op", "changes.0.path", "changes.1"]


async def test_what_the_patch_makes_is_checked_like_any_config(ready):
    made = await ready.install(read_content(contacts=CHOSEN))
    place = "config.content.read.objects.contacts"
    refused = await patch(
        ready,
        "contacts",
        {"op": "add", "path": "/schedule", "value": "* * * * *"},
        {"op": "add", "path": "/selectedFieldMappings/unknown", "value": "x"},
        status=422,
    )
    assert names(refused) == [f"{place}.schedule", f"{place}.selectedFieldMappings.unknown"]
    refused = await patch(ready, "contacts", {"op": "add", "path": "/selectedFields/x", "value": "yes"}, status=422)
    assert names(refused) == [f"{place}.selectedFields.x"]
    refused = await patch(ready, "contacts", {"op": "replace", "path": "/objectName", "value": "deals"}, status=422)
    assert names(refused) == [f"{place}.objectName"]
    assert await ready.get(made) == made


async def test_what_is_deep_and_made_deeper_is_still_kept_or_refused(ready):
    made = await ready.install(read_content(contacts={}))
    nested: Any = 1
    for _ in range(50):
        nested = {"x": nested}
    deeper = [{"op": "add", "path": "/x" * steps, "value": nested} for steps in (1, 16, 32)]
    changed = await patch(ready, "contacts", *deeper)
    assert await ready.get(made) == changed
    value: Any = {"config": {"content": read_content(contacts=nested)}}
    mask = "config.content.read.objects.contacts" + ".x" * 25
    assert await ready.patch(made, value, mask)


async def test_what_the_patch_makes_is_sampled(ready):
    made = await ready.install(read_content(contacts=CHOSEN))
    ready.provider.asked.clear()
    await patch(ready, "contacts", {"op": "add", "path": "/destination", "value": "other"})
    assert ready.provider.asked == []
    ready.provider.answers["contacts"] = (400, "No field mobile")
    add = {"op": "add", "path": "/selectedFields/mobile", "value": True}
    refused = await patch(ready, "contacts", add, status=422)
    assert refused["issues"][0]["detail"] == "No field mobile"
    assert set(ready.provider.sampled()) == {"contacts"}
    assert "mobile" not in (await ready.get(made))["config"]["content"]["read"]["objects"]["contacts"]["selectedFields"]
    await patch(ready, "contacts", add, skipSampling="true")


async def test_changes_at_once_are_all_kept(ready):
    made = await ready.install(read_content(contacts={}))
    await asyncio.gather(
        *(patch(ready, "people", {"op": "add", "path": f"/selectedFields/f{n}", "value": True}) for n in range(5))
    )
    objects = (await ready.get(made))["config"]["content"]["read"]["objects"]
    assert objects["contacts"]["selectedFields"] == {f"f{n}": True for n in range(5)}


async def test_what_is_not_there_is_a_404(ready):
    made = await ready.install(read_content(contacts={}))
    add = {"op": "add", "path": "/selectedFields/phone", "value": True}
    for name in ("deals", "leads"):
        refused = await patch(ready, name, add, status=404)
        assert refused["type"].endswith("/object-not-configured")
    assert (await patch(ready, "contacts", add, status=404, groupRef="g2"))["type"].endswith("/group-not-installed")
    nowhere = await patch(ready, "contacts", add, status=404, groupRef=None, installationId="nosuch")
    assert nowhere["type"].endswith("/installation-not-found")
    theirs = {"X-Api-Key": ready.other.api_key}
    body = {"installationId": made["id"], "action": "read", "changes": [add]}
    for home in (ready.home, f"/v1/projects/{ready.other.project_id}"):
        url = f"{home}/integrations/{made['integrationId']}/objects/contacts/config-content"
        assert (await ready.client.patch(url, json=body, headers=theirs)).status_code == 404
    assert await ready.get(made) == made


def test_a_patch_touches_one_place_of_the_content():
    add = operations({"op": "add", "path": "/new", "value": 2})
    change = apply_patch(CURRENT, "read", "people", add, INTEGRATION)
    objects = {"contacts": {"old": 1, "new": 2}, "job": {"old": 1}}
    assert change == Change({**CURRENT, "read": {"objects": objects}}, ("config.content.read.objects.contacts",))
    assert CURRENT["read"]["objects"]["contacts"] == {"old": 1}
    with pytest.raises(ObjectNotConfigured):
        apply_patch(CURRENT, "subscribe", "contacts", add, INTEGRATION)
    with pytest.raises(PatchNotApplicable) as refused:
        apply_patch(CURRENT, "read", "contacts", operations({"op": "remove", "path": "/secret"}), INTEGRATION)
    assert "old" not in refused.value.issues[0].detail


async def test_a_customers_token_reaches_its_own_groups_installation_only(ready):
    await ready.connect("g2")
    own, foreign = await ready.install(read_content(contacts={})), await ready.install(group="g2")
    async with ready.database.transaction() as session:
        session.add(
            JwtKeyRow(
                id=KID, project_id=ready.project.project_id, label="k", algorithm="RS256", public_key_pem=public_pem()
            )
        )
    url = f"{ready.home}/integrations/crm/objects/contacts/config-content"
    headers = {"Authorization": f"Bearer {customer_token(KID, 'g1', 'ann')}"}

    async with httpx.AsyncClient(base_url=ready.client.base_url, headers=headers) as client:

        async def ask(**named: str) -> httpx.Response:
            change = {"op": "add", "path": "/selectedFields/phone", "value": True}
            return await client.patch(url, json={"action": "read", "changes": [change], **named})

        assert (await ask(groupRef="g2")).status_code == 403
        hidden = await ask(installationId=foreign["id"])
        assert (hidden.status_code, hidden.json()["type"].rpartition("/")[2]) == (404, "installation-not-found")
        for named in ({}, {"groupRef": "g1"}, {"installationId": own["id"]}):
            answer = await ask(**named)
            assert answer.status_code == 200, answer.text
            assert answer.json()["id"] == own["id"]
    assert await ready.get(foreign) == foreign
