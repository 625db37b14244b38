"""Deploys over HTTP: what is kept, what is refused, who may see it."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import event, text

from tests.integrations.manifests import PROXY, manifest, reading
from tests.support.specification import require_specification


def test_answers_are_checked_against_the_specification():
    require_specification()


async def rows(database, table):
    async with database.reading() as connection:
        return (await connection.execute(text(f"SELECT * FROM {table} ORDER BY id"))).mappings().all()


async def test_a_first_deploy_makes_integrations_with_a_revision_each(slice_, database):
    answer = (await slice_.deploy(manifest(reading(), PROXY))).json()

    assert [(each["name"], each["provider"]) for each in answer] == [("crm", "hubspot"), ("pass", "salesforce")]
    content = answer[0]["latestRevision"]["content"]
    assert content["read"]["objects"][0]["requiredFields"] == [{"fieldName": "email"}]
    assert answer[0]["latestRevision"]["specVersion"] == "1.0.0"
    assert [(row["number"], row["content"]) for row in await rows(database, "revision")] == [
        (1, each["latestRevision"]["content"]) for each in answer
    ]
    assert slice_.recorder.heard == []


async def test_an_unchanged_integration_gets_no_revision(slice_, database):
    first = (await slice_.deploy(manifest(reading(), PROXY))).json()
    again = (await slice_.deploy(manifest(reading(schedule="0 * * * *"), PROXY))).json()

    assert again[1] == first[1]
    assert again[0]["id"] == first[0]["id"]
    assert again[0]["latestRevision"]["id"] != first[0]["latestRevision"]["id"]
    assert again[0]["updateTime"] > first[0]["updateTime"]
    assert [row["number"] for row in await rows(database, "revision")] == [1, 1, 2]


async def test_integrations_that_the_manifest_leaves_out_stay(slice_):
    await slice_.deploy(manifest(reading(), PROXY))
    deployed = (await slice_.deploy(manifest(reading(schedule="0 * * * *")))).json()

    assert [each["name"] for each in deployed] == ["crm"]
    listed = (await slice_.client.get(f"{slice_.home}/integrations")).json()
    assert [each["name"] for each in listed] == ["crm", "pass"]


@pytest.mark.parametrize("destructive", [True, False])
async def test_listeners_hear_what_changed_in_the_transaction(slice_, destructive):
    await slice_.deploy(manifest(reading("crm", "hubspot", "contacts", "deals")))
    [after] = (await slice_.deploy(manifest(reading()), destructive=destructive)).json()

    [(project_id, integration_id, revision_id, changes, heard_destructive)] = slice_.recorder.heard
    assert (project_id, integration_id) == (slice_.project.project_id, after["id"])
    assert revision_id == after["latestRevision"]["id"]
    assert [change.object_name for change in changes.of("read", "removed")] == ["deals"]
    assert heard_destructive is destructive


async def test_a_bad_entry_stops_the_whole_deploy(slice_, database):
    refused = await slice_.deploy(manifest(reading(), reading("bad", schedule="every day")), status=422)

    [issue] = refused.json()["issues"]
    assert issue["name"] == "integrations.1.read.objects.0.schedule"
    assert issue["context"]["line"] == 18
    assert await rows(database, "integration") == []


async def test_a_failing_listener_undoes_the_whole_deploy(slice_, database):
    await slice_.deploy(manifest(reading()))

    async def refuse(*_):
        raise RuntimeError("no")

    slice_.recorder.on_revision = refuse
    await slice_.deploy(manifest(PROXY, reading(schedule="0 * * * *")), status=500)

    assert [row["name"] for row in await rows(database, "integration")] == ["crm"]
    assert [row["number"] for row in await rows(database, "revision")] == [1]


async def test_an_integration_stays_with_its_provider(slice_, database):
    await slice_.deploy(manifest(reading()))
    refused = await slice_.deploy(manifest(PROXY, reading(provider="salesforce")), status=422)

    assert refused.json()["issues"][0]["name"] == "integrations.1.provider"
    assert len(await rows(database, "integration")) == 1


async def test_deploys_at_once_come_one_after_another(slice_, database):
    schedules = [f"{minute} * * * *" for minute in range(8)]
    await asyncio.gather(*(slice_.deploy(manifest(reading(schedule=each))) for each in schedules))

    assert len(await rows(database, "integration")) == 1
    revisions = await rows(database, "revision")
    assert [row["number"] for row in sorted(revisions, key=lambda row: row["number"])] == list(range(1, 9))


@pytest.mark.parametrize("body", [{}, {"sourceYaml": "x", "sourceZipUrl": "gs://x/y"}, {"sourceYaml": None}])
async def test_a_deploy_has_exactly_one_source(slice_, body):
    refused = await slice_.client.post(f"{slice_.home}/integrations/x/revisions", json=body)
    assert refused.status_code == 400
    assert refused.json()["issues"][0]["name"] == "sourceYaml"


async def test_create_makes_one_integration(slice_):
    content = {"name": "crm", "provider": "hubspot", "proxy": {"enabled": True}}
    body = {"name": "crm", "provider": "hubspot", "latestRevision": {"specVersion": "1.0.0", "content": content}}
    created = await slice_.client.post(f"{slice_.home}/integrations", json=body)

    assert created.status_code == 201
    by_id = await slice_.client.get(f"{slice_.home}/integrations/{created.json()['id']}")
    assert by_id.json() == created.json()
    assert created.json()["latestRevision"]["content"] == content

    again = await slice_.client.post(f"{slice_.home}/integrations", json=body)
    assert again.status_code == 409
    assert again.json()["issues"][0]["name"] == "name"


async def test_create_tells_every_fault(slice_, database):
    content = {"name": "CRM!", "provider": "nobody"}
    body = {"name": "crm", "provider": "hubspot", "latestRevision": {"specVersion": "1.0.0", "content": content}}
    refused = await slice_.client.post(f"{slice_.home}/integrations", json=body)

    assert refused.status_code == 422
    names = {issue["name"] for issue in refused.json()["issues"]}
    assert {"latestRevision.content.name", "latestRevision.content.provider"} <= names
    assert await rows(database, "integration") == []


async def test_create_wants_name_provider_and_version_to_agree(slice_):
    content = {"name": "crm", "provider": "hubspot", "proxy": {"enabled": True}}
    body = {"name": "other", "provider": "salesforce", "latestRevision": {"specVersion": "2.0.0", "content": content}}
    refused = await slice_.client.post(f"{slice_.home}/integrations", json=body)

    assert refused.status_code == 422
    assert [issue["name"] for issue in refused.json()["issues"]] == ["name", "provider", "latestRevision.specVersion"]


async def test_create_revision_takes_the_entry_of_its_name(slice_):
    [deployed] = (await slice_.deploy(manifest(reading()))).json()
    address = f"{slice_.home}/integrations/{deployed['id']}/revisions"
    source = {"sourceYaml": manifest(PROXY, reading(schedule="0 * * * *"))}
    made = await slice_.client.post(address, json=source)

    assert made.status_code == 201
    assert made.json()["content"]["read"]["objects"][0]["schedule"] == "0 * * * *"
    now = (await slice_.client.get(f"{slice_.home}/integrations/crm")).json()
    assert now["latestRevision"] == made.json()
    assert (await slice_.client.post(address, json=source)).json() == made.json()
    assert len((await slice_.client.get(f"{slice_.home}/integrations")).json()) == 1


async def test_create_revision_needs_the_entry_and_the_integration(slice_):
    await slice_.deploy(manifest(reading()))
    lacking = await slice_.client.post(
        f"{slice_.home}/integrations/crm/revisions", json={"sourceYaml": manifest(PROXY)}
    )
    assert lacking.status_code == 422
    unknown = await slice_.client.post(
        f"{slice_.home}/integrations/nothing/revisions", json={"sourceYaml": manifest(PROXY)}
    )
    assert unknown.status_code == 404


async def test_delete_removes_the_integration_and_tells_listeners_first(slice_, database):
    [deployed] = (await slice_.deploy(manifest(reading()))).json()
    gone = await slice_.client.delete(f"{slice_.home}/integrations/crm")

    assert gone.status_code == 204
    assert slice_.recorder.heard == [(slice_.project.project_id, deployed["id"])]
    assert await rows(database, "integration") == []
    assert await rows(database, "revision") == []
    assert (await slice_.client.get(f"{slice_.home}/integrations/crm")).status_code == 404
    assert (await slice_.client.delete(f"{slice_.home}/integrations/crm")).status_code == 404


async def test_another_project_sees_and_changes_nothing(slice_):
    [deployed] = (await slice_.deploy(manifest(reading()))).json()
    theirs = {"X-Api-Key": slice_.other.api_key}
    home = f"/v1/projects/{slice_.other.project_id}"

    assert (await slice_.client.get(f"{home}/integrations", headers=theirs)).json() == []
    for id_or_name in (deployed["id"], "crm", "nothing"):
        found = await slice_.client.get(f"{home}/integrations/{id_or_name}", headers=theirs)
        assert found.status_code == 404
        assert found.json()["detail"] == f"There is no integration '{id_or_name}' in this project."
        assert (await slice_.client.delete(f"{home}/integrations/{id_or_name}", headers=theirs)).status_code == 404
    source = {"sourceYaml": manifest(reading())}
    revised = await slice_.client.post(f"{home}/integrations/{deployed['id']}/revisions", json=source, headers=theirs)
    assert revised.status_code == 404
    same_name = await slice_.client.put(f"{home}/integrations:batch", json=source, headers=theirs)
    assert same_name.json()[0]["id"] != deployed["id"]


async def test_an_id_goes_before_a_name(slice_):
    [first] = (await slice_.deploy(manifest(reading()))).json()
    await slice_.deploy(manifest(reading(first["id"])))

    assert (await slice_.client.get(f"{slice_.home}/integrations/{first['id']}")).json()["name"] == "crm"


async def test_a_list_is_one_query_whatever_its_length(slice_, database):
    await slice_.deploy(manifest(*(reading(f"crm-{number}") for number in range(12))))
    statements: list[str] = []
    event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    listed = await slice_.client.get(f"{slice_.home}/integrations")

    assert len(listed.json()) == 12
    assert len([each for each in statements if "integration" in each]) == 1
