"""Installing, finding and deleting over HTTP."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import event

from tests.installations.conftest import CONTACTS, DEALS, TICKETS, manifest, names, read_content
from tests.support.specification import require_specification


def test_answers_are_checked_against_the_specification():
    require_specification()


async def test_an_installation_holds_what_was_chosen(world):
    integration = await world.deploy(manifest(CONTACTS, DEALS))
    connection = await world.connect()
    content = read_content(contacts={"selectedFields": {"phone": True}, "extra": {"kept": [1, None]}})
    made = await world.install(content, body={"connectionId": connection})

    assert made["projectId"] == world.project.project_id
    assert made["integrationId"] == integration["id"]
    assert made["group"]["groupRef"] == "g1"
    assert made["connection"]["id"] == connection
    assert made["healthStatus"] == "healthy"
    assert "lastOperationStatus" not in made
    assert made["createdBy"] == made["config"]["createdBy"] == "api:create-installation"
    assert made["config"]["revisionId"] == integration["latestRevision"]["id"]
    assert made["config"]["content"]["provider"] == "acme"
    assert made["config"]["content"]["read"]["objects"]["contacts"] == {
        "objectName": "contacts",
        "selectedFields": {"phone": True},
        "selectedFieldMappings": {},
        "extra": {"kept": [1, None]},
    }
    assert await world.get(made) == made
    assert (await world.client.get(f"{world.home}/installations")).json() == [made]

    [(state, previous)] = world.recorder.saved
    assert previous is None
    assert (state.id, state.config_id, state.connection_id) == (made["id"], made["config"]["id"], connection)
    assert (state.group_ref, state.consumer_ref, state.provider) == ("g1", "g1-ann", "acme")
    assert list(state.read_objects) == ["contacts"]
    assert state.read_objects["contacts"].fields == ("email", "phone")


@pytest.mark.parametrize("content", [None, {}, {"provider": "acme"}, {"read": None}])
async def test_no_choice_installs_all_that_the_manifest_declares(world, content):
    await world.deploy(manifest(CONTACTS, DEALS, TICKETS))
    await world.connect()
    made = await world.install(content)

    stored = made["config"]["content"]
    assert stored["read"]["objects"]["contacts"] == {
        "objectName": "contacts",
        "selectedFields": {},
        "selectedFieldMappings": {},
    }
    assert list(stored["write"]["objects"]) == ["contacts", "job.appointments"]
    assert stored["subscribe"]["objects"]["contacts"]["destination"] == "events"
    assert stored["proxy"] == {"enabled": True}
    state = await world.state(made)
    assert list(state.read_objects) == ["contacts", "deals", "tickets"]
    contacts = state.read_objects["contacts"]
    assert (contacts.fields, contacts.mappings) == (("email",), {"notes": "description"})
    assert (contacts.schedule, contacts.destination, contacts.backfill.days) == ("0 * * * *", "hook", 30)


async def test_an_installation_that_only_writes_reads_nothing_but_what_is_always_read(world):
    await world.deploy(manifest(CONTACTS, TICKETS))
    await world.connect()
    made = await world.install({"provider": "acme", "write": {"objects": {"contacts": {"objectName": "contacts"}}}})
    assert list((await world.state(made)).read_objects) == ["tickets"]


async def test_without_a_connection_id_the_groups_newest_for_the_provider_is_used(world):
    await world.deploy(manifest(DEALS))
    await world.connect()
    await world.connect(provider="rival")
    newest = await world.connect()
    await world.connect("g2")
    assert (await world.install())["connection"]["id"] == newest


@pytest.mark.parametrize("fault", ["none", "unknown", "group", "provider", "project", "nobody"])
async def test_an_unusable_connection_is_refused(world, fault):
    await world.deploy(manifest(DEALS))
    given = {
        "none": None,
        "unknown": "no-such-connection",
        "group": await world.connect("g2"),
        "provider": await world.connect(provider="rival"),
        "project": await world.connect(project=world.other),
        "nobody": None,
    }[fault]
    body = {"connectionId": given} if given else {}
    refused = await world.install(body=body, group="nobody" if fault == "nobody" else "g1", status=422)
    assert names(refused) == ["connectionId" if given else "groupRef"]
    assert refused["remedy"]
    assert await world.count("installation") == 0


async def test_a_group_installs_an_integration_once(world):
    await world.deploy(manifest(DEALS))
    await world.connect()
    await world.connect("g2")
    results = await asyncio.gather(
        *(world.client.post(f"{world.home}/integrations/crm/installations", json={"groupRef": "g1"}) for _ in range(5))
    )
    assert sorted(result.status_code for result in results) == [201, 409, 409, 409, 409]
    await world.install(group="g2")
    assert await world.count("installation") == 2
    assert await world.count("config") == 2


async def test_lists_are_filtered_by_group_and_integration(world):
    await world.deploy(manifest(DEALS))
    await world.deploy(manifest(DEALS, name="erp"))
    for group in ("g1", "g2"):
        await world.connect(group)
        await world.install(group=group)
    erp = await world.install(integration="erp")

    async def listed(path: str, **query: str) -> list[tuple[bool, str]]:
        found = (await world.client.get(f"{world.home}{path}", params=query)).json()
        return [(each["integrationId"] == erp["integrationId"], each["group"]["groupRef"]) for each in found]

    assert await listed("/installations") == [(False, "g1"), (False, "g2"), (True, "g1")]
    assert await listed("/installations", groupRef="g1") == [(False, "g1"), (True, "g1")]
    assert await listed("/installations", groupRef="g9") == []
    assert await listed("/integrations/crm/installations") == [(False, "g1"), (False, "g2")]
    assert await listed(f"/integrations/{erp['integrationId']}/installations", groupRef="g1") == [(True, "g1")]
    assert await listed("/integrations/erp/installations", groupRef="g2") == []
    assert (await world.client.get(f"{world.home}/integrations/none/installations")).status_code == 404


@pytest.mark.parametrize("path", ["/installations", "/integrations/crm/installations"])
async def test_a_list_is_one_query_whatever_its_length(world, path):
    await world.deploy(manifest(DEALS))
    for number in range(12):
        await world.connect(f"g{number}")
        await world.install(group=f"g{number}", skipSampling=True)
    statements: list[str] = []
    event.listen(world.database.engine.sync_engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    listed = await world.client.get(f"{world.home}{path}")

    assert [each["group"]["groupRef"] for each in listed.json()] == [f"g{number}" for number in range(12)]
    assert len([each for each in statements if "installation" in each]) == 1


async def test_deleting_an_installation_deletes_a_connection_that_nothing_else_uses(world):
    await world.deploy(manifest(DEALS))
    await world.deploy(manifest(DEALS, name="erp"))
    await world.connect()
    crm, erp = await world.install(), await world.install(integration="erp")

    url = f"{world.home}/integrations/crm/installations/{crm['id']}"
    assert (await world.client.delete(url)).status_code == 204
    assert await world.count("connection") == 1
    assert (await world.client.get(url)).status_code == 404
    assert (await world.client.delete(url)).status_code == 404
    await world.client.delete(f"{world.home}/integrations/erp/installations/{erp['id']}")
    assert await world.count("connection") == await world.count("config") == 0
    assert world.recorder.deleted == [crm["id"], erp["id"]]


async def test_deleting_an_integration_deletes_its_installations_and_keeps_connections(world):
    await world.deploy(manifest(DEALS))
    await world.deploy(manifest(DEALS, name="erp"))
    await world.connect()
    crm, erp = await world.install(), await world.install(integration="erp")

    assert (await world.client.delete(f"{world.home}/integrations/crm")).status_code == 204
    assert world.recorder.deleted == [crm["id"]]
    assert [each["id"] for each in (await world.client.get(f"{world.home}/installations")).json()] == [erp["id"]]
    assert await world.count("connection") == 1


async def test_deleting_a_connection_deletes_the_installations_that_use_it(world):
    await world.deploy(manifest(DEALS))
    first, second = await world.connect(), await world.connect("g2")
    gone, stays = await world.install(), await world.install(group="g2")

    assert (await world.client.delete(f"{world.home}/connections/{first}")).status_code == 204
    assert world.recorder.deleted == [gone["id"]]
    assert (await world.get(stays))["connection"]["id"] == second


async def test_another_project_sees_and_changes_nothing(world):
    integration = await world.deploy(manifest(DEALS))
    await world.connect()
    made = await world.install()
    theirs = {"X-Api-Key": world.other.api_key}
    home = f"/v1/projects/{world.other.project_id}"

    assert (await world.client.get(f"{home}/installations", headers=theirs)).json() == []
    of_integration = f"{home}/integrations/{integration['id']}/installations"
    assert (await world.client.get(of_integration, headers=theirs)).status_code == 404
    body = {"groupRef": "g1", "config": {"content": {}}}
    assert (await world.client.post(of_integration, json=body, headers=theirs)).status_code == 404
    change = {"updateMask": ["config.createdBy"], "installation": {"config": {"createdBy": "api:x"}}}
    await world.client.put(f"{home}/integrations:batch", json={"sourceYaml": manifest(DEALS)}, headers=theirs)
    for integration_id in (integration["id"], "crm"):
        url = f"{home}/integrations/{integration_id}/installations/{made['id']}"
        assert (await world.client.get(url, headers=theirs)).status_code == 404
        assert (await world.client.patch(url, json=change, headers=theirs)).status_code == 404
        assert (await world.client.delete(url, headers=theirs)).status_code == 404
    assert await world.get(made) == made


async def test_an_installation_is_found_under_its_own_integration_only(world):
    await world.deploy(manifest(DEALS))
    await world.deploy(manifest(DEALS, name="erp"))
    await world.connect()
    made = await world.install()
    change = {"updateMask": ["config.createdBy"], "installation": {"config": {"createdBy": "api:x"}}}
    for url in (
        f"{world.home}/integrations/erp/installations/{made['id']}",
        f"{world.home}/integrations/crm/installations/nothing",
    ):
        found = await world.client.get(url)
        assert found.status_code == 404
        assert found.json()["type"].endswith("/installation-not-found")
        assert (await world.client.patch(url, json=change)).status_code == 404
        assert (await world.client.delete(url)).status_code == 404
    assert await world.get(made) == made


async def test_the_service_finds_by_group(world):
    integration = await world.deploy(manifest(DEALS))
    await world.connect()
    made = await world.install()
    project_id = world.project.project_id
    async with world.database.transaction() as session:
        for name in ("crm", integration["id"]):
            found = await world.installations.find_by_group(session, project_id, name, "g1")
            assert found == await world.installations.load(session, project_id, made["id"])
        assert await world.installations.find_by_group(session, project_id, "crm", "g2") is None
        assert await world.installations.find_by_group(session, world.other.project_id, "crm", "g1") is None


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, "groupRef"),
        ({"groupRef": ""}, "groupRef"),
        ({"groupRef": 5}, "groupRef"),
        ({"groupRef": "g1", "config": {"content": []}}, "config.content"),
        ({"groupRef": "g1", "config": {"createdBy": ""}}, "config.createdBy"),
        ({"groupRef": "g1", "connectionId": []}, "connectionId"),
    ],
)
async def test_a_malformed_request_is_a_400(world, body, where):
    await world.deploy(manifest(DEALS))
    refused = await world.client.post(f"{world.home}/integrations/crm/installations", json=body)
    assert refused.status_code == 400
    assert names(refused.json()) == [where]
