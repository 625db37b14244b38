"""Projects over HTTP: builders make them, credentials of every kind see their own."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from conjunct.core.database import Database
from conjunct.tenants import NewProject
from tests.support.people import People, Person
from tests.support.tenants import make_key


@pytest.fixture
async def ada(people: People) -> Person:
    return await people.builder("ada@acme.example")


@pytest.fixture
async def org(ada: Person) -> str:
    return await ada.org()


async def test_a_builder_makes_projects_in_their_org(people: People, ada: Person, org: str) -> None:
    body = {"orgId": org, "name": "MailMonkey-Staging", "appName": "MailMonkey"}
    made = await ada.send("POST", "/projects", 201, json=body)
    assert made == {
        "id": made["id"],
        "name": "mailmonkey-staging",
        "appName": "MailMonkey",
        "orgId": org,
        "createTime": made["createTime"],
        "updateTime": made["createTime"],
    }
    bob = await people.member(ada, org, "bob@acme.example")
    second = await bob.project(org, "production")
    for builder in (ada, bob):
        assert await builder.send("GET", "/projects", 200) == [made, second]
        for name in (made["id"], made["name"]):
            assert await builder.send("GET", f"/projects/{name}", 200) == made


async def test_a_new_project_works_without_further_ado(ada: Person, org: str) -> None:
    await ada.project(org, "staging")
    made = await ada.send("POST", "/projects/staging/api-keys", 201, json={"label": "first", "scopes": ["full"]})
    answer = await ada.client.get("/v1/projects/staging/connections", headers={"X-Api-Key": made["key"]})
    assert (answer.status_code, answer.json()) == (200, [])


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        ({"name": ""}, ["name"]),
        ({"name": "x"}, ["name"]),
        ({"name": "my project"}, ["name"]),
        ({"name": "-x-"}, ["name"]),
        ({"name": "\N{KELVIN SIGN}elvin"}, ["name"]),
        ({"name": "x" * 129}, ["name"]),
        ({"name": "01a1fc1f-2015-76ce-8725-1ce13ba17028"}, ["name"]),
        ({"appName": " "}, ["appName"]),
        ({"appName": "x" * 129}, ["appName"]),
        ({"orgId": "nosuch", "name": "", "appName": ""}, ["orgId", "appName", "name"]),
    ],
)
async def test_every_fault_of_a_new_project_is_told(
    ada: Person, org: str, change: dict[str, str], faults: list[str]
) -> None:
    body = {"orgId": org, "name": "staging", "appName": "App", **change}
    problem = await ada.send("POST", "/projects", 422, json=body)
    assert [issue["name"] for issue in problem["issues"]] == faults
    assert await ada.send("GET", "/projects", 200) == []


async def test_what_is_missing_is_told(ada: Person, org: str) -> None:
    problem = await ada.send("POST", "/projects", 422, json={})
    assert [issue["name"] for issue in problem["issues"]] == ["orgId", "appName", "name"]


async def test_a_name_is_taken_once_in_an_org(people: People, ada: Person, org: str) -> None:
    bodies: list[dict[str, Any]] = [{"orgId": org, "name": name, "appName": "A"} for name in ("one", "One", "ONE")] * 2
    answers = await asyncio.gather(*(ada.ask("POST", "/projects", json=body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [201] + [422] * 5
    problem = await ada.send("POST", "/projects", 422, json={**bodies[0], "appName": ""})
    assert [issue["name"] for issue in problem["issues"]] == ["appName", "name"]
    eve = await people.builder("eve@rival.example")
    elsewhere = await eve.project(await eve.org("Rival"), "one")  # what another org calls its own is nobody's business
    assert (await eve.send("GET", "/projects/one", 200))["id"] == elsewhere["id"]
    assert (await ada.send("GET", "/projects/one", 200))["orgId"] == org


async def test_nobody_makes_projects_in_another_org(people: People, ada: Person, org: str) -> None:
    await ada.project(org, "secret")
    eve = await people.builder("eve@rival.example")
    for has_org in (False, True):
        if has_org:
            await eve.org("Rival")
        for org_id, name in ((org, "secret"), (org, "new"), ("", "new")):
            problem = await eve.send("POST", "/projects", 422, json={"orgId": org_id, "name": name, "appName": "x"})
            assert [issue["name"] for issue in problem["issues"]] == ["orgId"]
    assert [each["name"] for each in await ada.send("GET", "/projects", 200)] == ["secret"]


async def test_a_key_of_any_scope_sees_its_project_alone(
    people: People, ada: Person, org: str, database: Database
) -> None:
    shown = await ada.project(org, "mine")
    await ada.project(org, "other")
    project = NewProject(org, shown["id"], "mine", "")
    for scope in ("full", "frontend"):
        headers = {"X-Api-Key": await make_key(database, project, scope)}
        assert (await people.client.get("/v1/projects", headers=headers)).json() == [shown]
        for name in ("mine", shown["id"]):
            assert (await people.client.get(f"/v1/projects/{name}", headers=headers)).json() == shown
        assert (await people.client.get("/v1/projects/other", headers=headers)).status_code == 404
    headers = {"X-Api-Key": await make_key(database, project)}
    assert (await people.client.get("/v1/projects", headers=headers)).status_code == 403


async def test_a_builder_without_an_org_has_no_projects(people: People, ada: Person, org: str) -> None:
    await ada.project(org, "mine")
    bob = await people.builder("bob@acme.example")
    assert await bob.send("GET", "/projects", 200) == []
    await bob.send("GET", "/projects/mine", 404)


async def test_another_orgs_project_is_as_one_that_is_not_there(people: People, ada: Person, org: str) -> None:
    shown = await ada.project(org, "mine")
    eve = await people.builder("eve@rival.example")
    await eve.org("Rival")
    change = {"updateMask": ["appName"], "project": {"appName": "x"}}
    for known, unknown in (("mine", "none"), (shown["id"], "01a1fc1f-2015-76ce-8725-1ce13ba17028")):
        for method, body in (("GET", {}), ("PATCH", {"json": change})):
            of_another, of_nobody = [
                await eve.send(method, f"/projects/{each}", 404, **body) for each in (known, unknown)
            ]
            assert of_another["detail"].replace(known, unknown) == of_nobody["detail"]


async def test_entitlements_are_all_on(ada: Person, org: str) -> None:
    await ada.project(org, "mine")
    assert "entitlements" not in await ada.send("GET", "/projects/mine?includeEntitlements=false", 200)
    shown = await ada.send("GET", "/projects/mine?includeEntitlements=true", 200)
    assert shown["entitlements"] == {"brandingRemoval": {"value": True}}
    await ada.send("GET", "/projects/mine?includeEntitlements=perhaps", 400)


async def test_projects_come_in_pages(ada: Person, org: str) -> None:
    names = ["one", "two", "three"]
    for name in names:
        await ada.project(org, name)
    first = await ada.ask("GET", "/projects?pageSize=2")
    second = await ada.ask("GET", f"/projects?pageSize=2&pageToken={first.headers['X-Next-Page-Token']}")
    assert [each["name"] for each in [*first.json(), *second.json()]] == names
    assert "X-Next-Page-Token" not in second.headers


class TestUpdates:
    async def test_what_the_mask_names_changes(self, ada: Person, org: str) -> None:
        await ada.project(org, "mine")
        body = {"updateMask": ["appName"], "project": {"appName": "New", "name": "ignored"}}
        changed = await ada.send("PATCH", "/projects/mine", 200, json=body)
        assert (changed["appName"], changed["name"]) == ("New", "mine")
        assert changed["updateTime"] > changed["createTime"]
        assert await ada.send("GET", "/projects/mine", 200) == changed

    async def test_a_renamed_project_answers_to_its_new_name_at_once(
        self, people: People, ada: Person, org: str, database: Database
    ) -> None:
        shown = await ada.project(org, "old")
        key = await make_key(database, NewProject(org, shown["id"], "old", ""), "full")
        headers = {"X-Api-Key": key}
        assert (await people.client.get("/v1/projects/old", headers=headers)).status_code == 200
        body = {"updateMask": ["name"], "project": {"name": "New"}}
        answer = await people.client.patch("/v1/projects/old", headers=headers, json=body)
        assert (answer.status_code, answer.json()["name"]) == (200, "new")
        assert (await people.client.get("/v1/projects/old", headers=headers)).status_code == 404
        assert (await people.client.get("/v1/projects/new", headers=headers)).status_code == 200

    async def test_a_frontend_key_changes_nothing(
        self, people: People, ada: Person, org: str, database: Database
    ) -> None:
        shown = await ada.project(org, "mine")
        key = await make_key(database, NewProject(org, shown["id"], "mine", ""), "frontend")
        body = {"updateMask": ["appName"], "project": {"appName": "x"}}
        answer = await people.client.patch("/v1/projects/mine", headers={"X-Api-Key": key}, json=body)
        assert answer.status_code == 403

    @pytest.mark.parametrize(
        ("mask", "values", "status"),
        [
            ([], {"appName": "x"}, 400),
            (["orgId"], {"appName": "x"}, 400),
            (["entitlements"], {}, 400),
            (["appName"], {}, 422),
            (["appName", "name"], {"appName": "", "name": "no spaces"}, 422),
            (["name"], {"name": "taken"}, 422),
            (["name"], {"name": "TAKEN"}, 422),
            (["name"], {"name": 5}, 400),
        ],
    )
    async def test_a_bad_change_changes_nothing(
        self, ada: Person, org: str, mask: list[str], values: dict[str, Any], status: int
    ) -> None:
        await ada.project(org, "taken")
        before = await ada.project(org, "mine")
        problem = await ada.send("PATCH", "/projects/mine", status, json={"updateMask": mask, "project": values})
        assert problem["issues"]
        assert await ada.send("GET", "/projects/mine", 200) == before

    async def test_to_its_own_name_a_project_may_be_renamed(self, ada: Person, org: str) -> None:
        await ada.project(org, "mine")
        body = {"updateMask": ["name"], "project": {"name": "mine"}}
        assert (await ada.send("PATCH", "/projects/mine", 200, json=body))["name"] == "mine"
