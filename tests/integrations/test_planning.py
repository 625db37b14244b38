"""Plans: what a deploy would do, without doing it."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from conjunct.integrations import Affected, Effect, Foreseen
from tests.integrations.manifests import PROXY, manifest, reading
from tests.integrations.test_endpoints import rows


async def plan(slice_, yaml, status=200, **query):
    response = await slice_.client.post(f"{slice_.home}/integrations:plan", json={"sourceYaml": yaml}, params=query)
    assert response.status_code == status, response.text
    return response.json()


async def test_a_plan_tells_what_each_integration_would_become(slice_):
    deployed = (await slice_.deploy(manifest(reading(), reading("same"), reading("gone")))).json()
    made = await plan(slice_, manifest(reading(schedule="0 * * * *"), reading("same"), PROXY))

    assert made["destructive"] is False
    assert [(each["name"], each["kind"]) for each in made["integrations"]] == [
        ("crm", "changed"),
        ("same", "unchanged"),
        ("pass", "created"),
        ("gone", "notInManifest"),
    ]
    changed, same, new, gone = made["integrations"]
    assert changed["integrationId"] == deployed[0]["id"]
    assert changed["latestRevisionId"] == deployed[0]["latestRevision"]["id"]
    assert changed["changes"]["summary"] == ['read contacts: schedule: "*/30 * * * *" → "0 * * * *"']
    assert same["changes"] == gone["changes"] == {"objects": [], "settings": [], "summary": []}
    assert new["integrationId"] is None
    assert new["changes"]["summary"][-1] == 'proxy is new: {"enabled": true}'


@pytest.mark.parametrize("destructive", [True, False])
async def test_only_what_changes_is_asked_about(slice_, destructive):
    deployed = (await slice_.deploy(manifest(reading(), reading("same")))).json()
    await plan(slice_, manifest(reading(schedule="0 * * * *"), reading("same"), PROXY), destructive=destructive)

    [proposal] = slice_.surroundings.proposals
    assert proposal.latest.id == deployed[0]["latestRevision"]["id"]
    assert proposal.proposed.content.read.objects[0].schedule == "0 * * * *"
    assert (proposal.proposed.number, proposal.proposed.destructive) == (2, destructive)


async def test_effects_are_told_in_words_with_whom_they_concern(slice_):
    [crm] = (await slice_.deploy(manifest(reading("crm", "hubspot", "contacts", "deals")))).json()
    affected = (Affected("i1", "acme"), Affected("i2", "globex"))
    slice_.surroundings.foreseen[crm["id"]] = Foreseen(
        700,
        (
            Effect("readContinues", "read", "deals", 600, affected),
            Effect("scheduleChanges", "read", "contacts", 1, affected[:1]),
        ),
    )
    [planned] = (await plan(slice_, manifest(reading(schedule="0 * * * *"))))["integrations"]
    assert planned["installations"] == 700
    assert planned["effects"] == [
        {
            "kind": "readContinues",
            "action": "read",
            "objectName": "deals",
            "detail": "deals is read on, as it was declared last, for 600 installations",
            "total": 600,
            "installations": [{"id": "i1", "groupRef": "acme"}, {"id": "i2", "groupRef": "globex"}],
        },
        {
            "kind": "scheduleChanges",
            "action": "read",
            "objectName": "contacts",
            "detail": "contacts is read on another schedule for 1 installation",
            "total": 1,
            "installations": [{"id": "i1", "groupRef": "acme"}],
        },
    ]
    assert [each["kind"] for each in planned["warnings"]] == ["stillRead"]


async def test_a_destination_that_does_not_exist_is_a_warning(slice_):
    yaml = manifest(reading().replace("destination: hook", "destination: nowhere"))
    [planned] = (await plan(slice_, yaml))["integrations"]
    [warning] = planned["warnings"]
    assert warning["kind"] == "destinationMissing"
    assert "'nowhere'" in warning["detail"]


@pytest.mark.parametrize(
    "bad",
    [reading(provider="salesforce"), reading(schedule="every day"), reading(provider="nosuch"), "  - name: crm\n"],
)
async def test_a_plan_refuses_what_a_deploy_refuses(slice_, bad):
    await slice_.deploy(manifest(reading()))
    refused = (await slice_.deploy(manifest(PROXY, bad), status=422)).json()
    planned = await plan(slice_, manifest(PROXY, bad), 422)
    assert [planned[key] for key in ("type", "detail", "issues")] == [
        refused[key] for key in ("type", "detail", "issues")
    ]


async def test_a_plan_writes_nothing_and_a_deploy_after_it_does_what_it_said(slice_, database):
    await slice_.deploy(manifest(reading()))
    before = [await rows(database, table) for table in ("integration", "revision")]
    new = manifest(reading(schedule="0 * * * *"), PROXY)
    await plan(slice_, new)
    assert [await rows(database, table) for table in ("integration", "revision")] == before
    deployed = (await slice_.deploy(new)).json()
    planned = (await plan(slice_, new))["integrations"]
    assert [each["kind"] for each in planned] == ["unchanged", "unchanged"]
    assert [each["latestRevisionId"] for each in planned] == [each["latestRevision"]["id"] for each in deployed]


async def test_a_plan_has_one_source_and_needs_the_scope_full(slice_):
    url = f"{slice_.home}/integrations:plan"
    assert (await slice_.client.post(url, json={})).status_code == 400
    as_other = {"X-Api-Key": slice_.other.api_key}
    body = {"sourceYaml": manifest(reading())}
    assert (await slice_.client.post(url, json=body, headers=as_other)).status_code == 404


async def test_a_plan_takes_the_same_number_of_queries_for_any_number_of_integrations(slice_, database):
    counts = []
    for number in (1, 5):
        names = [f"crm{each}" for each in range(number)]
        await slice_.deploy(manifest(*map(reading, names)))
        counted = _count(database)
        await plan(slice_, manifest(*(reading(name, schedule="0 * * * *") for name in names)))
        counts.append(len(counted))
    assert counts[0] == counts[1] < 12


def _count(database):
    """Statements sent from now on."""
    sent = []
    event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *args: sent.append(args[2]))
    return sent
