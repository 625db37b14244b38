"""Orgs and their people, as builders see and change them over HTTP."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from conjunct.core.database import Database
from tests.support.people import People
from tests.support.specification import require_specification

UNKNOWN = "01a1fc1f-2015-76ce-8725-1ce13ba17028"


def test_answers_are_checked_against_the_specification() -> None:
    require_specification()


async def test_whoever_makes_an_org_owns_it(people: People) -> None:
    ada = await people.builder("ada@acme.example", first_name="Ada", last_name="L")
    made = await ada.send("POST", "/orgs", 201, json={"label": "  Acme Inc  "})
    assert made["label"] == "Acme Inc"
    assert made["createTime"] == made["updateTime"]
    assert made["createTime"].endswith("Z")
    assert await ada.send("GET", f"/orgs/{made['id']}", 200) == made
    assert (await ada.send("GET", "/my-info", 200))["orgRole"] == {
        "role": "owner",
        "principalType": "builder",
        "principalId": ada.id,
        "org": made,
    }


async def test_nobody_has_two_orgs(people: People) -> None:
    ada = await people.builder("ada@acme.example")
    await ada.org()
    problem = await ada.send("POST", "/orgs", 409, json={"label": "Another"})
    assert problem["type"].endswith("/already-in-org")
    assert problem["remedy"]


async def test_of_many_orgs_made_at_once_one_is_made(people: People, database: Database) -> None:
    ada = await people.builder("ada@acme.example")
    answers = await asyncio.gather(*(ada.ask("POST", "/orgs", json={"label": f"org {n}"}) for n in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    async with database.reading() as reading:
        assert await reading.scalar(text("SELECT count(*) FROM org")) == 1


async def test_an_org_is_renamed_by_its_owners_alone(people: People) -> None:
    ada = await people.builder("ada@acme.example")
    org = await ada.org("Acme")
    bob = await people.member(ada, org, "bob@acme.example")
    change = {"updateMask": ["label"], "org": {"label": "Acme GmbH"}}
    assert (await bob.send("PATCH", f"/orgs/{org}", 403, json=change))["type"].endswith("/owners-only")
    changed = await ada.send("PATCH", f"/orgs/{org}", 200, json=change)
    assert changed["label"] == "Acme GmbH"
    assert changed["updateTime"] > changed["createTime"]
    assert await bob.send("GET", f"/orgs/{org}", 200) == changed


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"updateMask": [], "org": {"label": "x"}},
        {"updateMask": ["id"], "org": {"label": "x"}},
        {"updateMask": ["label", "defaultTeamId"], "org": {"label": "x"}},
        {"updateMask": ["label"], "org": {}},
        {"updateMask": ["label"], "org": {"label": ""}},
        {"updateMask": ["label"], "org": {"label": "  "}},
        {"updateMask": ["label"], "org": {"label": "x" * 201}},
        {"updateMask": "label", "org": {"label": "x"}},
    ],
)
async def test_a_bad_change_changes_nothing(people: People, change: dict[str, object]) -> None:
    ada = await people.builder("ada@acme.example")
    org = await ada.org("Acme")
    answer = await ada.ask("PATCH", f"/orgs/{org}", json=change)
    assert answer.status_code in (400, 422), answer.text
    assert answer.json()["issues"]
    assert (await ada.send("GET", f"/orgs/{org}", 200))["label"] == "Acme"


@pytest.mark.parametrize("label", [None, "", " ", "x" * 201, 5, ["x"]])
async def test_an_org_needs_a_label(people: People, label: object) -> None:
    ada = await people.builder("ada@acme.example")
    assert (await ada.send("POST", "/orgs", 400, json={"label": label}))["issues"][0]["name"] == "label"
    assert "orgRole" not in await ada.send("GET", "/my-info", 200)


async def test_the_people_of_an_org(people: People) -> None:
    ada = await people.builder("Ada@acme.example".lower(), first_name="Ada", last_name="L")
    org = await ada.org()
    bob = await people.member(ada, org, "bob@acme.example")
    stranger = await people.builder("eve@rival.example")
    await stranger.org("Rival")
    listed = await bob.send("GET", f"/orgs/{org}/builders", 200)
    assert [each["primaryEmail"] for each in listed] == ["ada@acme.example", "bob@acme.example"]
    assert listed[0] == {
        "id": ada.id,
        "idpProvider": "conjunct",
        "idpRef": ada.id,
        "firstName": "Ada",
        "lastName": "L",
        "fullName": "Ada L",
        "primaryEmail": "ada@acme.example",
        "createTime": listed[0]["createTime"],
    }
    assert listed[1].keys() == {"id", "idpProvider", "idpRef", "primaryEmail", "createTime"}
    first = await ada.ask("GET", f"/orgs/{org}/builders?pageSize=1")
    second = await ada.ask("GET", f"/orgs/{org}/builders?pageToken={first.headers['X-Next-Page-Token']}")
    assert [*first.json(), *second.json()] == listed


class TestMyInfo:
    async def test_a_builder_without_an_org(self, people: People) -> None:
        ada = await people.builder("ada@acme.example")
        info = await ada.send("GET", "/my-info", 200)
        assert info.keys() == {"builder", "projectRoles"}
        assert (info["builder"]["id"], info["projectRoles"]) == (ada.id, {})

    async def test_everybody_has_the_role_admin_in_every_project_through_the_orgs_team(self, people: People) -> None:
        ada = await people.builder("ada@acme.example")
        org = await ada.org()
        projects = [await ada.project(org, name) for name in ("staging", "production")]
        bob = await people.member(ada, org, "bob@acme.example")
        info = await bob.send("GET", "/my-info", 200)
        team = info["orgRole"]["org"]["defaultTeamId"]
        assert info["projectRoles"] == {
            project["id"]: {"role": "admin", "principalType": "team", "principalId": team, "project": project}
            for project in projects
        }
        assert info["orgRole"]["role"] == "member"


class TestMemberships:
    async def test_an_owner_adds_a_builder(self, people: People) -> None:
        ada = await people.builder("ada@acme.example")
        org = await ada.org()
        bob = await people.builder("bob@elsewhere.example")
        await bob.send("GET", f"/orgs/{org}", 404)
        answer = await ada.ask("POST", f"/orgs/{org}/memberships", json={"builderId": bob.id})
        assert (answer.status_code, answer.content) == (201, b"")
        assert (await bob.send("GET", f"/orgs/{org}", 200))["id"] == org

    async def test_a_project_opens_at_once_for_whoever_joins(self, people: People) -> None:
        ada = await people.builder("ada@acme.example")
        org = await ada.org()
        await ada.project(org, "staging")
        bob = await people.builder("bob@acme.example")
        await bob.send("GET", "/projects/staging", 404)
        await ada.send("POST", f"/orgs/{org}/memberships", 201, json={"builderId": bob.id})
        assert (await bob.send("GET", "/projects/staging", 200))["orgId"] == org

    async def test_a_member_adds_nobody(self, people: People) -> None:
        ada = await people.builder("ada@acme.example")
        org = await ada.org()
        bob = await people.member(ada, org, "bob@acme.example")
        cleo = await people.builder("cleo@acme.example")
        await bob.send("POST", f"/orgs/{org}/memberships", 403, json={"builderId": cleo.id})
        assert "orgRole" not in await cleo.send("GET", "/my-info", 200)

    async def test_nobody_is_added_twice(self, people: People) -> None:
        ada = await people.builder("ada@acme.example")
        org = await ada.org()
        bob = await people.member(ada, org, "bob@acme.example")
        for known in (ada, bob):
            problem = await ada.send("POST", f"/orgs/{org}/memberships", 400, json={"builderId": known.id})
            assert problem["issues"][0]["name"] == "builderId"

    async def test_an_address_at_a_claimed_domain_lets_one_in(self, people: People) -> None:
        ada = await people.builder("ada@acme.example")
        org = await ada.org()
        bob, eve = await people.builder("bob@acme.example"), await people.builder("eve@mail.acme.example")
        await bob.send("POST", f"/orgs/{org}/memberships", 404, json={"builderId": bob.id})
        claim = {"domain": "acme.example", "parentId": org, "parentType": "org"}
        await ada.send("POST", "/claimed-domains", 201, json=claim)
        await bob.send("POST", f"/orgs/{org}/memberships", 404, json={"builderId": eve.id})
        await eve.send("POST", f"/orgs/{org}/memberships", 404, json={"builderId": eve.id})
        await bob.send("POST", f"/orgs/{org}/memberships", 201, json={"builderId": bob.id})
        assert (await bob.send("GET", "/my-info", 200))["orgRole"]["role"] == "member"

    async def test_who_has_an_org_cannot_let_themselves_into_another(self, people: People) -> None:
        ada = await people.builder("ada@acme.example")
        org = await ada.org()
        await ada.send(
            "POST", "/claimed-domains", 201, json={"domain": ada.email, "parentId": org, "parentType": "org"}
        )
        bob = await people.builder("bob@acme.example")
        own = await bob.org("Bob's")
        await bob.send("POST", f"/orgs/{org}/memberships", 400, json={"builderId": bob.id})
        assert (await bob.send("GET", "/my-info", 200))["orgRole"]["org"]["id"] == own

    async def test_of_two_orgs_that_add_a_builder_at_once_one_gets_them(self, people: People) -> None:
        owners = [await people.builder(f"owner@org-{n}.example") for n in range(4)]
        orgs = [await owner.org(f"Org {n}") for n, owner in enumerate(owners)]
        bob = await people.builder("bob@acme.example")
        answers = await asyncio.gather(
            *(
                owner.ask("POST", f"/orgs/{org}/memberships", json={"builderId": bob.id})
                for owner, org in zip(owners, orgs, strict=True)
            )
        )
        assert sorted(answer.status_code for answer in answers) == [201, 404, 404, 404]


class TestOthers:
    """What one org's builders learn of another org: nothing."""

    async def test_another_org_answers_as_one_that_is_not_there(self, people: People) -> None:
        ada, eve = await people.builder("ada@acme.example"), await people.builder("eve@rival.example")
        org, _ = await ada.org(), await eve.org("Rival")
        invite = await ada.send("POST", f"/orgs/{org}/invites", 201, json={"email": "bob@acme.example"})
        change = {"updateMask": ["label"], "org": {"label": "x"}}
        requests = [
            ("GET", "", None),
            ("PATCH", "", change),
            ("GET", "/builders", None),
            ("POST", "/invites", {"email": "x@acme.example"}),
            ("GET", "/invites", None),
            ("GET", f"/invites/{invite['id']}", None),
            ("DELETE", f"/invites/{invite['id']}", None),
            ("POST", "/memberships", {"builderId": eve.id}),
            ("GET", "/claimed-domains", None),
            ("GET", "/billingAccount", None),
        ]
        for method, path, body in requests:
            of_another, of_nobody = [
                await eve.send(method, f"/orgs/{each}{path}", 404, **({} if body is None else {"json": body}))
                for each in (org, UNKNOWN)
            ]
            assert of_another["type"] == of_nobody["type"]
            assert of_another["detail"].replace(org, UNKNOWN) == of_nobody["detail"]

    async def test_a_builder_of_another_org_is_as_one_that_is_not_there(self, people: People) -> None:
        ada, eve = await people.builder("ada@acme.example"), await people.builder("eve@rival.example")
        org, _ = await ada.org(), await eve.org("Rival")
        of_another, of_nobody = [
            await ada.send("POST", f"/orgs/{org}/memberships", 404, json={"builderId": each})
            for each in (eve.id, UNKNOWN)
        ]
        assert of_another["detail"].replace(eve.id, UNKNOWN) == of_nobody["detail"]

    async def test_api_keys_have_no_say_here(self, people: People, database: Database) -> None:
        async with database.transaction() as session:
            made = await people.services.tenants.create_org_and_project(session, org="A", project="p-1", app_name="A")
        headers = {"X-Api-Key": made.api_key}
        for method, path, body in (
            ("GET", f"/v1/orgs/{made.org_id}", None),
            ("GET", "/v1/my-info", None),
            ("POST", "/v1/orgs", {"label": "x"}),
            ("POST", "/v1/projects", {"orgId": made.org_id, "name": "p-2", "appName": "x"}),
            ("POST", "/v1/billingAccounts/x/portalSession", {"redirectUrl": "https://example.com"}),
        ):
            answer = await people.client.request(method, path, headers=headers, json=body)
            assert answer.status_code == 403, answer.text
            assert "conjunct admin" in answer.json()["remedy"]


async def test_nothing_is_billed_here(people: People) -> None:
    ada = await people.builder("ada@acme.example")
    org = await ada.org()
    problem = await ada.send("GET", f"/orgs/{org}/billingAccount", 404)
    assert problem["type"].endswith("/nothing-billed")
    assert "nothing is billed" in problem["detail"]
    assert problem["remedy"]
    body = {"redirectUrl": "https://example.com", "timeout": 60}
    assert (await ada.send("POST", "/billingAccounts/any/portalSession", 404, json=body))["type"] == problem["type"]


async def test_a_token_that_is_revoked_or_unknown_lets_nobody_in(people: People, database: Database) -> None:
    ada = await people.builder("ada@acme.example")
    async with database.transaction() as session:
        await people.services.builders.revoke_tokens(session, ada.id)
    await ada.send("GET", "/my-info", 401)
