"""Every change over the API leaves one entry in the audit log, which tells who made it and nothing secret."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import yaml
from sqlalchemy import text

from tests.api.access import ACCESS, DESTINATION, INSTALLATION, INTEGRATION, ORG, PROJECT, TOPIC, credential, good_path
from tests.api.world import MANIFEST, TOPIC_ID, World
from tests.support.tokens import make_builder

Key = tuple[str, str]

PLANTED = "planted-3f9d2c71"
SECRETS = ("token", "clientSecret", "apiKey", "password")

UNAUDITED = {
    ("PUT", "/v1/uploads/{project_id}/{name}"),
    ("POST", PROJECT + "/integrations:plan"),
    ("POST", PROJECT + "/connections/{connectionId}:check"),
    ("POST", "/search" + INTEGRATION),
    ("POST", "/write" + INTEGRATION + "/objects/{objectName}"),
}
"""What changes nothing here that others could see; a write is an operation, which has records of its own."""

IMPOSSIBLE = {
    ("PUT", "/v1/uploads/{project_id}/{name}"): "its links are signed",
    ("POST", "/v1/billingAccounts/{billingAccountId}/portalSession"): "nobody is billed",
    ("POST", "/connect/{token}"): "it takes a form, and what it changes is the customer's doing",
    ("POST", "/v1/custom-auth/connect"): "nobody plays the providers that are connected in steps",
    ("POST", "/write" + INTEGRATION + "/objects/{objectName}"): "the integration writes nothing",
}
"""What cannot succeed in this world, and why."""


async def entries(world: World) -> list[dict[str, Any]]:
    """The whole audit log, oldest first."""
    async with world.database.reading() as connection:
        rows = await connection.execute(text("SELECT * FROM audit_entry ORDER BY id"))
        return [dict(row) for row in rows.mappings()]


def with_secrets(body: Any) -> Any:
    """The body with something to find again wherever it has a secret."""
    if isinstance(body, dict):
        return {
            key: PLANTED if key in SECRETS and isinstance(value, str) else with_secrets(value)
            for key, value in body.items()
        }
    return [with_secrets(each) for each in body] if isinstance(body, list) else body


def in_order() -> list[Key]:
    """The operations that are no GETs; those that delete come last, and what has routes after them."""
    keys = [key for key in ACCESS if key[0] != "GET"]
    return sorted(keys, key=lambda key: (key[0] == "DELETE", key[1] in (TOPIC, DESTINATION)))


async def fitting(world: World) -> dict[Key, dict[str, Any]]:
    """What good requests need beyond the table of operations, each for its own."""
    org = world.platform.org_id
    guest = (await make_builder(world.database, "guest"))[1]
    newcomer = (await make_builder(world.database, "newbie"))[0]
    owner = {"Authorization": f"Bearer {world.builders['owner']}"}
    invited = await world.client.post(f"/v1/orgs/{org}/invites", json={"email": "late@example.com"}, headers=owner)
    destination = {"name": "further", "type": "webhook", "metadata": {"url": "https://93.184.215.14/hook"}}
    made = await world.client.post(
        world.platform.project + "/destinations", json=destination, headers=credential(world, "full")
    )
    unused = {"provider": "hubspot", "clientId": "unused", "clientSecret": "s"}
    app = await world.platform.send("POST", "/provider-apps", 200, json=unused, headers=credential(world, "full"))
    nora = {"Authorization": f"Bearer {world.builders['without an org']}"}
    content = {"read": {"objects": {"contacts": {"selectedFields": {"firstname": True}}}}}
    return {
        ("POST", "/v1/projects"): {"json": {"orgId": org, "name": "more", "appName": "More"}},
        ("POST", "/v1/orgs"): {"headers": nora},
        ("POST", ORG + "/memberships"): {"json": {"builderId": newcomer}},
        ("POST", "/v1/invites:accept"): {"headers": {"Authorization": f"Bearer {guest}"}},
        ("POST", "/v1/claimed-domains"): {"json": {"domain": "example.com", "parentId": org, "parentType": "org"}},
        ("POST", PROJECT + "/topic-destination-routes"): {
            "json": {"topicId": TOPIC_ID, "destinationId": made.json()["id"]}
        },
        ("POST", INTEGRATION + "/installations"): {
            "json": {"groupRef": "initech", "config": {"createdBy": "user:test", "content": content}},
            "params": {"skipSampling": "true"},
        },
        ("PATCH", INSTALLATION): {"params": {"skipSampling": "true"}},
        ("DELETE", ORG + "/invites/{inviteId}"): {"path": {"inviteId": invited.json()["id"]}},
        ("DELETE", PROJECT + "/destinations/{destination}"): {"path": {"destination": "renamed"}},
        ("DELETE", PROJECT + "/provider-apps/{providerAppId}"): {"path": {"providerAppId": app["id"]}},
        ("DELETE", PROJECT + "/connections/{connectionId}"): {"path": {"connectionId": world.globex["id"]}},
        ("DELETE", PROJECT + "/integrations/{integrationIdOrName}"): {"path": {"integrationIdOrName": "more"}},
    }


async def test_every_change_leaves_one_entry_that_says_who_made_it_and_nothing_secret(world: World) -> None:
    world.client.headers.pop("X-Api-Key")
    special = await fitting(world)
    faults, seen = [], len(await entries(world))
    for key in in_order():
        operation, extra = ACCESS[key], special.get(key, {})
        options: dict[str, Any] = {"headers": credential(world, operation.access)}
        if operation.takes_body:
            options["json"] = with_secrets(operation.body)
        path = good_path(world, key[1], **extra.pop("path", {}))
        answer = await world.client.request(key[0], path, **{**options, **extra})
        log = await entries(world)
        fresh, seen = log[seen:], len(log)
        what = f"{key[0]} {key[1]}: {answer.status_code} {answer.text[:300]} {fresh}"
        if answer.is_error and key not in IMPOSSIBLE:
            faults.append(f"does not succeed: {what}")
        elif len(fresh) != (not answer.is_error and key not in UNAUDITED):
            faults.append(f"leaves {len(fresh)} entries: {what}")
        elif fresh and not fresh[0]["actor"].startswith(expected_actor(options["headers"] | extra.get("headers", {}))):
            faults.append(f"is not the caller's: {what}")
        elif fresh and fresh[0]["request_id"] != answer.headers["X-Request-Id"]:
            faults.append(f"is not the request's: {what}")
    assert not faults, "\n".join(faults)

    told = str(await entries(world))
    secrets = [PLANTED, *world.keys.values(), *world.builders.values(), "whsec_"]
    assert [each for each in secrets if each in told] == []


async def test_an_entry_tells_what_was_changed_and_how(world: World) -> None:
    sent = ACCESS["PATCH", INSTALLATION].body
    path = f"/integrations/crm/installations/{world.acme_installation['id']}?skipSampling=true"
    await world.platform.send("PATCH", path, 200, json=sent, headers={"X-Request-Id": "request-1234"})
    [entry, *_] = await world.get("/audit-log")
    [key] = [each for each in await world.get("/api-keys") if each["key"] == world.keys["full"]]
    assert entry.pop("id") > world.acme_installation["id"]
    assert entry.pop("time").endswith("Z")
    assert entry == {
        "actor": f"api-key:{key['id']}",
        "action": "updateInstallation",
        "resource": {"kind": "installation", "id": world.acme_installation["id"]},
        "requestId": "request-1234",
        "detail": {
            "path": {"integrationId": "crm", "installationId": world.acme_installation["id"]},
            "query": {"skipSampling": True},
            "updateMask": sent["updateMask"],
        },
    }


@pytest.mark.parametrize(
    ("method", "path", "body", "resource"),
    [
        ("DELETE", "/integrations/tracker", None, lambda world: ("integration", world.tracker["id"])),
        ("POST", "/integrations/crm:rollback", {"revisionId": "previous"}, lambda w: ("integration", w.crm["id"])),
        ("PUT", "/integrations:batch", {"sourceYaml": yaml.safe_dump(MANIFEST)}, lambda _: ("integration", None)),
        ("GET", "/destinations/people-webhook?rotate=true", None, lambda w: ("destination", w.destination_id)),
        ("DELETE", "/destinations/people-webhook", None, lambda w: ("destination", w.destination_id)),
    ],
)
async def test_what_is_named_by_its_name_is_told_by_its_id(
    world: World, method: str, path: str, body: Any, resource: Any
) -> None:
    destination_id = (await world.get("/destinations/people-webhook"))["id"]
    response = await world.client.request(method, world.platform.project + path, json=body)
    assert response.is_success, response.text
    known = SimpleNamespace(crm=world.crm, tracker=world.tracker, destination_id=destination_id)
    last = (await entries(world))[-1]
    assert (last["resource_kind"], last["resource_id"]) == resource(known)


async def test_a_deleted_api_key_is_told_by_its_id(world: World) -> None:
    [key] = [each for each in await world.get("/api-keys") if each["key"] == world.keys["frontend"]]
    await world.platform.send("DELETE", f"/api-keys/{world.keys['frontend']}", 204)
    last = (await entries(world))[-1]
    assert (last["action"], last["resource_id"], last["detail"]) == (
        "deleteApiKey",
        key["id"],
        {"path": {"apiKey": "***"}},
    )


async def test_what_is_refused_leaves_no_entry(world: World) -> None:
    before = await entries(world)
    url = f"/integrations/crm/installations/{world.acme_installation['id']}"
    for method, path, body in (
        ("PATCH", url, {"updateMask": ["nonsense"], "installation": {}}),
        ("PATCH", url + "x", {"updateMask": ["config"], "installation": {}}),
        ("PUT", "/integrations:batch", {"sourceYaml": "specVersion: 2"}),
        ("POST", "/integrations/crm:rollback", {"revisionId": world.crm["latestRevision"]["id"]}),
        (
            "POST",
            "/destinations",
            {"name": "people-webhook", "type": "webhook", "metadata": {"url": "https://93.184.215.14"}},
        ),
    ):
        answer = await world.client.request(method, world.platform.project + path, json=body)
        assert 400 <= answer.status_code < 500, answer.text
    assert await entries(world) == before


async def test_a_change_that_is_undone_leaves_no_entry(world: World) -> None:
    """The entry stands on the change's own transaction, here one that Postgres refuses to commit."""
    async with world.database.transaction() as session:
        await session.execute(
            text("""
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$""")
        )
        await session.execute(
            text("""
            CREATE CONSTRAINT TRIGGER refusing AFTER INSERT ON audit_entry DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION refuse()""")
        )
    try:
        before = await world.contents()
        for method, path, body in (
            ("DELETE", "/integrations/tracker", None),
            (
                "PUT",
                "/integrations:batch",
                {
                    "sourceYaml": yaml.safe_dump(
                        {**MANIFEST, "integrations": [MANIFEST["integrations"][1] | {"displayName": "T"}]}
                    )
                },
            ),
            ("POST", "/destinations", ACCESS["POST", PROJECT + "/destinations"].body),
            ("DELETE", f"/api-keys/{world.keys['frontend']}", None),
        ):
            answer = await world.client.request(method, world.platform.project + path, json=body)
            assert answer.status_code == 500
        assert await world.contents() == before
    finally:
        async with world.database.transaction() as session:
            await session.execute(text("DROP FUNCTION refuse() CASCADE"))


async def test_a_repeated_request_leaves_one_entry(world: World) -> None:
    before = len(await entries(world))
    for _ in range(2):
        body = {"label": "another", "scopes": ["frontend"]}
        await world.platform.send("POST", "/api-keys", 201, json=body, headers={"Idempotency-Key": "k-1"})
    assert len(await entries(world)) == before + 1


async def test_a_customer_who_comes_back_from_a_provider_is_told_without_what_they_bring(world: World) -> None:
    sent = ACCESS["POST", "/v1/oauth-connect"].body
    url = (await world.client.post("/v1/oauth-connect", json=sent)).text
    async with httpx.AsyncClient() as browser:
        redirect = (await browser.get(url)).headers["Location"]
    answer = await world.client.get("/callbacks/v1/oauth?" + urlsplit(redirect).query)
    assert answer.status_code == 200, answer.text
    begun, ended = (await entries(world))[-2:]
    assert (begun["action"], begun["resource_kind"], begun["project_id"]) == (
        "oauthConnect",
        "connection",
        world.project_id,
    )
    assert begun["detail"] == {"provider": "hubspot", "groupRef": "acme"}
    assert (ended["actor"], ended["action"], ended["project_id"]) == ("consumer:ada", "completeOAuth", world.project_id)
    assert ended["resource_kind"] == "connection"
    assert ended["resource_id"] in answer.text
    assert ended["detail"] == {}
    assert [value for value in parse_qs(urlsplit(redirect).query).values() if value[0] in str(ended)] == []


async def test_steps_are_told_without_what_they_are_given(world: World) -> None:
    app = {"provider": "microsoftAdminConsent", "clientId": "client", "clientSecret": PLANTED}
    await world.platform.send("POST", "/provider-apps", 200, json=app)
    sent = {**ACCESS["POST", "/v1/oauth-connect"].body, "provider": "microsoftAdminConsent"}
    begun = await world.client.post("/v1/custom-auth/connect", json=sent)
    assert begun.status_code == 200, begun.text
    entry = (await entries(world))[-1]
    assert (entry["action"], entry["resource_kind"], entry["project_id"]) == (
        "customAuthConnect",
        "connection",
        world.project_id,
    )
    assert entry["detail"] == {"provider": "microsoftAdminConsent", "groupRef": "acme"}
    redirect = begun.json()["redirect"]
    assert PLANTED not in str(entry)
    assert not any(secret in str(entry) for secret in (redirect["sessionId"], *parse_qs(redirect["url"])["state"]))


async def test_a_project_and_an_org_show_their_own_entries_to_those_who_may_see_them(world: World) -> None:
    org = f"/v1/orgs/{world.platform.org_id}"
    world.client.headers.pop("X-Api-Key")
    as_owner = {"Authorization": f"Bearer {world.builders['owner']}"}
    as_other = {"Authorization": f"Bearer {world.builders['of another org']}"}
    await world.client.patch(org, json={"updateMask": ["label"], "org": {"label": "renamed"}}, headers=as_owner)
    await world.client.patch(
        world.platform.project, json={"updateMask": ["appName"], "project": {"appName": "Renamed"}}, headers=as_owner
    )
    of_project = (await world.client.get(f"{world.platform.project}/audit-log", headers=as_owner)).json()
    of_org = (await world.client.get(f"{org}/audit-log", headers=as_owner)).json()
    assert of_project[0]["action"] == "updateProject"
    assert of_project[0]["resource"] == {"kind": "project", "id": world.project_id}
    assert of_project[0]["actor"].startswith("builder:")
    assert of_org[0]["action"] == "updateOrg"
    assert {each["action"] for each in of_org} == {"updateOrg", "createOrgInvite"}
    for path in (f"{world.platform.project}/audit-log", f"{org}/audit-log"):
        assert (await world.client.get(path, headers=as_other)).status_code == 404
        assert (await world.client.get(path, headers={"X-Api-Key": world.keys["frontend"]})).status_code == 403


async def test_the_log_is_filtered_and_paged(world: World) -> None:
    everything = await world.get("/audit-log?pageSize=1000")
    assert [each["id"] for each in everything] == sorted((each["id"] for each in everything), reverse=True)
    made = [each for each in everything if each["action"] == "createInstallation"]
    assert len(made) == 2
    assert await world.get("/audit-log?action=createInstallation") == made
    assert await world.get("/audit-log?resourceKind=installation") == made
    assert await world.get(f"/audit-log?resourceId={made[0]['resource']['id']}") == made[:1]
    assert await world.get(f"/audit-log?actor={made[0]['actor']}") == everything
    assert await world.get("/audit-log?actor=nobody") == []
    between = {"since": everything[-1]["time"], "until": everything[1]["time"]}
    assert await world.get("/audit-log", params=between) == everything[2:]

    paged, query = [], "pageSize=3"
    while query:
        answer = await world.client.get(f"{world.platform.project}/audit-log?{query}")
        paged += answer.json()
        token = answer.headers.get("X-Next-Page-Token")
        query = f"pageSize=3&pageToken={token}" if token else ""
    assert paged == everything


@pytest.mark.parametrize(
    "moment", ["yesterday", "2026-01-31T09:30:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]
)
async def test_a_moment_that_is_none_is_refused(world: World, moment: str) -> None:
    await world.get("/audit-log", 400, params={"since": moment})


def expected_actor(headers: Mapping[str, str]) -> str:
    return "builder:" if "Authorization" in headers else "api-key:"
