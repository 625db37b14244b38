"""Rolling back: an earlier revision's content, deployed again as a new one."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from tests.integrations.manifests import PROXY, manifest, reading
from tests.integrations.test_history import DAILY, HOURLY, deployed, get


async def roll_back(slice_, status=201, integration="crm", **body):
    response = await slice_.client.post(f"{slice_.home}/integrations/{integration}:rollback", json=body)
    assert response.status_code == status, response.text
    return response.json()


@pytest.mark.parametrize("destructive", [True, False])
async def test_an_earlier_revision_is_deployed_again_as_a_new_one(slice_, destructive):
    [first] = (await slice_.deploy(manifest(reading("crm", "hubspot", "contacts")))).json()
    await slice_.deploy(manifest(reading("crm", "hubspot", "contacts", "deals")))
    made = await roll_back(slice_, revisionId=first["latestRevision"]["id"], destructive=destructive)

    assert made["content"] == first["latestRevision"]["content"]
    assert (made["number"], made["isLatest"], made["destructive"]) == (3, True, destructive)
    assert made["createdBy"].startswith("api-key:")
    assert (await get(slice_, "crm"))["latestRevision"]["id"] == made["id"]
    *_, (_, integration_id, revision_id, changes, heard_destructive) = slice_.recorder.heard
    assert (integration_id, revision_id, heard_destructive) == (first["id"], made["id"], destructive)
    assert [each.object_name for each in changes.of("read", "removed")] == ["deals"]


async def test_previous_is_the_one_before_the_latest(slice_):
    _, second, _ = await deployed(slice_, "*/30 * * * *", HOURLY, DAILY)
    made = await roll_back(slice_, revisionId="previous")
    assert (made["number"], made["content"]) == (4, second["content"])


async def test_a_second_request_makes_no_second_revision(slice_):
    first, _ = await deployed(slice_, HOURLY, DAILY)
    made = await roll_back(slice_, revisionId=first["id"])
    assert await roll_back(slice_, revisionId=first["id"]) == made
    assert len(await get(slice_, "crm/revisions")) == 3


async def test_the_latest_revision_is_none_to_go_back_to(slice_):
    _, latest = await deployed(slice_, HOURLY, DAILY)
    refused = await roll_back(slice_, 409, revisionId=latest["id"])
    assert refused["remedy"] == "Name an earlier revision; listRevisions shows them."
    assert [issue["name"] for issue in refused["issues"]] == ["revisionId"]


async def test_what_is_not_there_or_anothers_is_not_found(slice_):
    [first] = await deployed(slice_, HOURLY)
    [other] = (await slice_.deploy(manifest(PROXY))).json()
    await roll_back(slice_, 404, revisionId="previous")
    await roll_back(slice_, 404, revisionId="nosuch")
    await roll_back(slice_, 404, revisionId=other["latestRevision"]["id"])
    await roll_back(slice_, 404, integration="nosuch", revisionId=first["id"])
    url = f"/v1/projects/{slice_.other.project_id}/integrations/crm:rollback"
    body = {"revisionId": first["id"]}
    answer = await slice_.client.post(url, json=body, headers={"X-Api-Key": slice_.other.api_key})
    assert answer.status_code == 404


async def test_what_was_good_then_is_checked_against_the_rules_of_today(slice_, database):
    first, _ = await deployed(slice_, HOURLY, DAILY)
    async with database.transaction() as session:
        await session.execute(
            text("""UPDATE revision SET content = jsonb_set(content, '{read,objects,0,schedule}', '"* * * * *"')
                WHERE id = :id"""),
            {"id": first["id"]},
        )
    refused = await roll_back(slice_, 422, revisionId=first["id"])
    assert [issue["name"] for issue in refused["issues"]] == ["revision.content.read.objects.0.schedule"]
    assert len(await get(slice_, "crm/revisions")) == 2
