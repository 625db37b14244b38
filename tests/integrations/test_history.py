"""Revisions: listed, looked at, compared."""

from __future__ import annotations

from tests.integrations.manifests import PROXY, manifest, reading

HOURLY, DAILY = "0 * * * *", "0 0 * * *"


async def deployed(slice_, *schedules):
    """Revisions of one integration, oldest first."""
    made = []
    for schedule in schedules:
        [integration] = (await slice_.deploy(manifest(reading(schedule=schedule)))).json()
        made.append(integration["latestRevision"])
    return made


async def get(slice_, path, status=200, **params):
    response = await slice_.client.get(f"{slice_.home}/integrations/{path}", params=params or None)
    assert response.status_code == status, response.text
    return response.json()


async def test_revisions_are_listed_newest_first_with_who_made_them(slice_):
    made = await deployed(slice_, "*/30 * * * *", HOURLY, DAILY)
    listed = await get(slice_, "crm/revisions")

    assert [each["id"] for each in listed] == [each["id"] for each in reversed(made)]
    assert [(each["number"], each["isLatest"]) for each in listed] == [(3, True), (2, False), (1, False)]
    assert [each["content"] for each in listed] == [each["content"] for each in reversed(made)]
    assert all(each["createdBy"].startswith("api-key:") for each in listed)
    assert not any(each["destructive"] for each in listed)
    [integration] = (await slice_.client.get(f"{slice_.home}/integrations")).json()
    assert await get(slice_, f"{integration['id']}/revisions") == listed


async def test_revisions_are_paged(slice_):
    made = await deployed(slice_, "*/30 * * * *", HOURLY, DAILY)
    url = f"{slice_.home}/integrations/crm/revisions?pageSize=2"
    first = await slice_.client.get(url)
    second = await slice_.client.get(f"{url}&pageToken={first.headers['X-Next-Page-Token']}")
    assert [each["id"] for each in (*first.json(), *second.json())] == [each["id"] for each in reversed(made)]
    assert "X-Next-Page-Token" not in second.headers


async def test_one_revision(slice_):
    first, _ = await deployed(slice_, "*/30 * * * *", HOURLY)
    shown = await get(slice_, f"crm/revisions/{first['id']}")
    assert {key: shown[key] for key in first} == first
    assert (shown["number"], shown["isLatest"]) == (1, False)


async def test_a_revision_is_compared_with_the_one_before(slice_):
    first, second = await deployed(slice_, "*/30 * * * *", HOURLY)
    difference = await get(slice_, f"crm/revisions/{second['id']}:diff")
    assert (difference["revision"]["id"], difference["revision"]["number"]) == (second["id"], 2)
    assert (difference["against"]["id"], difference["against"]["number"]) == (first["id"], 1)
    assert difference["changes"] == {
        "objects": [
            {
                "action": "read",
                "objectName": "contacts",
                "kind": "changed",
                "changes": [{"key": "schedule", "before": "*/30 * * * *", "after": HOURLY}],
            }
        ],
        "settings": [],
        "summary": ['read contacts: schedule: "*/30 * * * *" → "0 * * * *"'],
    }


async def test_the_first_revision_adds_everything(slice_):
    [first] = await deployed(slice_, HOURLY)
    difference = await get(slice_, f"crm/revisions/{first['id']}:diff", against="previous")
    assert difference["against"] is None
    assert difference["changes"]["summary"] == [
        "read contacts is new",
        'name is new: "crm"',
        'provider is new: "hubspot"',
    ]


async def test_a_revision_is_compared_with_the_latest_or_any_other(slice_):
    first, second, third = await deployed(slice_, "*/30 * * * *", HOURLY, DAILY)
    for against, other in (("latest", third), (second["id"], second), (first["id"], first)):
        difference = await get(slice_, f"crm/revisions/{first['id']}:diff", against=against)
        assert difference["against"]["id"] == other["id"]
        assert len(difference["changes"]["objects"]) == (other is not first)


async def test_what_is_not_there_or_anothers_is_not_found(slice_):
    [first] = await deployed(slice_, HOURLY)
    [other] = (await slice_.deploy(manifest(PROXY))).json()
    elsewhere = other["latestRevision"]["id"]
    for path in (
        "nosuch/revisions",
        "crm/revisions/nosuch",
        f"crm/revisions/{elsewhere}",
        f"nosuch/revisions/{first['id']}",
        "crm/revisions/nosuch:diff",
        f"crm/revisions/{elsewhere}:diff",
        f"crm/revisions/{first['id']}:diff?against=nosuch",
        f"crm/revisions/{first['id']}:diff?against={elsewhere}",
    ):
        await get(slice_, path, 404)
    as_other = {"X-Api-Key": slice_.other.api_key}
    for tail in ("", f"/{first['id']}", f"/{first['id']}:diff"):
        for home in (slice_.home, f"/v1/projects/{slice_.other.project_id}"):
            url = f"{home}/integrations/crm/revisions{tail}"
            assert (await slice_.client.get(url, headers=as_other)).status_code == 404
