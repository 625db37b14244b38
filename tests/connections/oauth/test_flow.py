"""A customer connects by OAuth, from the URL they are sent to until the connection is kept."""

from __future__ import annotations

import asyncio
import base64
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import text

from conjunct.connectors.oauth import challenge_of
from tests.connections.flows import CALLBACK, SECRET, WHO, Flow, state_of
from tests.support.specification import require_specification

HOUR = timedelta(hours=1)


def test_answers_are_held_against_the_specification() -> None:
    require_specification()


async def test_a_customer_connects_to_hubspot(flow: Flow) -> None:
    app_id = await flow.app(scopes=["oauth", "crm.objects.contacts.read"])
    url = await flow.url()
    query = parse_qs(urlsplit(url).query, strict_parsing=True)
    assert url.startswith(flow.hubspot.url + "/oauth/authorize?")
    assert query["client_id"] == ["hubspot-client"]
    assert query["redirect_uri"] == [CALLBACK]
    assert query["scope"] == ["oauth crm.objects.contacts.read"]
    assert len(state_of(url)) == 43
    assert "code_challenge" not in query

    page = await flow.browse(url)

    assert page.response.status_code == 200
    [made] = await flow.connections()
    assert page.message == {"eventType": "AUTHORIZATION_SUCCEEDED", "data": {"connection": made["id"]}}
    assert (made["provider"], made["authScheme"], made["status"]) == ("hubspot", "oauth2/authorizationCode", "working")
    assert made["group"]["groupName"] == "Acme"
    assert made["consumer"]["consumerName"] == "Ada"
    assert made["providerApp"]["id"] == app_id
    tokens = made["oauth2AuthorizationCode"]
    assert tokens["accessToken"] == {
        "token": tokens["accessToken"]["token"],
        "issuedAt": "2026-03-01T12:00:00.000000Z",
        "expiresAt": "2026-03-01T12:30:00.000000Z",
    }
    assert tokens["refreshToken"]["token"] == "sim-refresh"
    assert tokens["scopes"] == ["oauth", "crm.objects.contacts.read"]
    sent, check = flow.hubspot.journal.last(2)
    assert check.method == "GET"
    assert (sent.method, sent.path, sent.query) == ("POST", "/oauth/v1/token", "")
    assert f"client_secret={SECRET}" in sent.body.decode()


async def test_the_connection_reaches_the_provider(flow: Flow) -> None:
    await flow.app()
    page = await flow.browse(await flow.url())
    connection_id = page.message["data"]["connection"]
    async with flow.database.transaction() as session:
        connector = await flow.service.connector(session, flow.project.project_id, connection_id)
    await connector.check()


async def test_scopes_are_the_definitions_where_the_app_has_none(flow: Flow) -> None:
    await flow.app()
    assert "crm.objects.deals.read" in parse_qs(urlsplit(await flow.url()).query)["scope"][0].split(" ")


async def test_the_apps_own_parameters_go_along(flow: Flow) -> None:
    await flow.app(metadata={"authQueryParams": {"optional_scope": ["automation", "e-commerce"]}})
    assert parse_qs(urlsplit(await flow.url()).query)["optional_scope"] == ["automation e-commerce"]


async def test_whoever_connects_again_renews_their_connection(flow: Flow) -> None:
    await flow.app()
    first = (await flow.browse(await flow.url())).message["data"]["connection"]
    flow.clock.advance(HOUR)
    again = (await flow.browse(await flow.url(groupName="Acme Inc."))).message["data"]["connection"]
    assert first == again
    [renewed] = await flow.connections()
    assert renewed["oauth2AuthorizationCode"]["accessToken"]["issuedAt"] == "2026-03-01T13:00:00.000000Z"
    assert renewed["group"]["groupName"] == "Acme Inc."
    others = [{"consumerRef": "bob"}, {"groupRef": "globex"}]
    made = [(await flow.browse(await flow.url(**other))).message["data"]["connection"] for other in others]
    assert len({first, *made}) == 3


async def test_two_flows_of_one_customer_that_end_at_once_make_one_connection(flow: Flow) -> None:
    await flow.app()
    urls = [await flow.url() for _ in range(6)]
    pages = await asyncio.gather(*map(flow.browse, urls))
    assert {page.message["eventType"] for page in pages} == {"AUTHORIZATION_SUCCEEDED"}
    assert len({page.message["data"]["connection"] for page in pages}) == 1
    assert len(await flow.connections()) == 1


async def test_renewing_marks_the_credentials_as_new(flow: Flow) -> None:
    await flow.app()
    connection_id = (await flow.browse(await flow.url())).message["data"]["connection"]
    project_id = flow.project.project_id
    async with flow.database.transaction() as session:
        await flow.service.mark_bad_credentials(session, project_id, connection_id)
        before = await flow.service.find(session, project_id, connection_id)
    await flow.browse(await flow.url())
    async with flow.database.transaction() as session:
        after = await flow.service.find(session, project_id, connection_id)
    assert before is not None
    assert after is not None
    assert (after.status, after.version) == ("working", before.version + 1)


class TestAgreeingAnew:
    async def url(self, flow: Flow, connection_id: str, status: int = 200) -> Any:
        answer = await flow.client.patch(f"/v1/projects/acme/connections/{connection_id}:oauth-update")
        assert answer.status_code == status, answer.text
        return answer.text if status == 200 else answer.json()

    async def test_it_renews_the_named_connection(self, flow: Flow) -> None:
        await flow.app()
        first = (await flow.browse(await flow.url())).message["data"]["connection"]
        second = (await flow.browse(await flow.url(consumerRef="bob"))).message["data"]["connection"]
        flow.clock.advance(HOUR)
        page = await flow.browse(await self.url(flow, first))
        assert page.message["data"]["connection"] == first
        issued = {
            each["id"]: each["oauth2AuthorizationCode"]["accessToken"]["issuedAt"] for each in await flow.connections()
        }
        assert issued == {first: "2026-03-01T13:00:00.000000Z", second: "2026-03-01T12:00:00.000000Z"}

    async def test_an_imported_connection_comes_by_the_app(self, flow: Flow) -> None:
        imported = {"oauth2AuthorizationCode": {"accessToken": {"token": "imported"}}}
        body = {"provider": "hubspot", **WHO, **imported}
        made = (await flow.client.post("/v1/projects/acme/connections:generate", json=body)).json()
        assert "providerApp" not in made
        app_id = await flow.app()
        await flow.browse(await self.url(flow, made["id"]))
        [renewed] = await flow.connections()
        assert (renewed["id"], renewed["providerApp"]["id"]) == (made["id"], app_id)

    async def test_it_goes_through_the_app_that_the_connection_was_made_with(self, flow: Flow) -> None:
        await flow.app(clientId="first")
        second = await flow.app(clientId="second")
        page = await flow.browse(await flow.url(providerAppId=second))
        url = await self.url(flow, page.message["data"]["connection"])
        assert parse_qs(urlsplit(url).query)["client_id"] == ["second"]

    async def test_the_account_stays_where_it_is(self, flow: Flow) -> None:
        await flow.app("spacious")
        url = await flow.url("spacious", providerWorkspaceRef="acme")
        page = await flow.come_back(state=state_of(url), code="c")
        again = await self.url(flow, page.message["data"]["connection"])
        assert again.startswith(f"{flow.server.url}/eu/authorize?")
        await flow.come_back(state=state_of(again), code="c")
        [connection] = await flow.connections()
        assert connection["providerWorkspaceRef"] == "acme"

    async def test_a_connection_that_is_gone_when_the_customer_comes_back(self, flow: Flow) -> None:
        await flow.app()
        made = (await flow.browse(await flow.url())).message["data"]["connection"]
        url = await self.url(flow, made)
        await flow.client.delete(f"/v1/projects/acme/connections/{made}")
        page = await flow.browse(url)
        assert page.message["eventType"] == "AUTHORIZATION_FAILED"
        assert await flow.connections() == []

    async def test_what_is_not_there_or_no_oauth_has_no_url(self, flow: Flow) -> None:
        assert (await self.url(flow, "nosuch", 404))["type"].endswith("/connection-not-found")
        body = {"provider": "keyed", **WHO, "apiKey": "k"}
        made = (await flow.client.post("/v1/projects/acme/connections:generate", json=body)).json()
        assert (await self.url(flow, made["id"], 422))["type"].endswith("/no-oauth-flow")


class TestScriptedProviders:
    async def test_pkce_and_basic_auth_prove_the_client(self, flow: Flow) -> None:
        await flow.app("spacious", scopes=["a", "b"])
        url = await flow.url("spacious", providerWorkspaceRef=" acme ")
        query = parse_qs(urlsplit(url).query)
        assert url.startswith(f"{flow.server.url}/eu/authorize?")
        assert query["scope"] == ["a,b"]
        assert query["code_challenge_method"] == ["S256"]
        flow.server.answer = {
            "access_token": "scripted-access",
            "granted": "a",
            "user": {"id": 77},
            "instance": "https://not-a-subdomain.example.com",
        }
        await flow.come_back(state=state_of(url), code="the code+1")
        [(path, headers, form)] = flow.server.requests
        assert path == "/eu/token"
        assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode() == f"spacious-client:{SECRET}"
        assert form["code"] == "the code+1"
        assert form["redirect_uri"] == CALLBACK
        assert [challenge_of(form["code_verifier"])] == query["code_challenge"]
        [made] = await flow.connections()
        assert made["authScheme"] == "oauth2/authorizationCodePKCE"
        assert (made["providerWorkspaceRef"], made["providerConsumerRef"]) == ("acme", "77")
        assert made["oauth2AuthorizationCode"]["scopes"] == ["a"]
        assert "expiresAt" not in made["oauth2AuthorizationCode"]["accessToken"]

    async def test_the_verifier_and_the_state_are_not_kept_in_the_open(self, flow: Flow) -> None:
        await flow.app("spacious")
        url = await flow.url("spacious", providerWorkspaceRef="acme")
        async with flow.database.reading() as reading:
            kept = await reading.scalar(text("SELECT row_to_json(f)::text FROM oauth_flow f"))
        await flow.come_back(state=state_of(url), code="c")
        verifier = flow.server.requests[0][2]["code_verifier"]
        for secret in (state_of(url), verifier, SECRET):
            assert secret not in str(kept)
            assert secret.encode().hex() not in str(kept)

    async def test_the_workspace_may_come_with_the_tokens(self, flow: Flow) -> None:
        await flow.app("telling")
        url = await flow.url("telling")
        flow.server.answer = {"access_token": "a", "team": "globex"}
        await flow.come_back(state=state_of(url), code="c")
        [made] = await flow.connections()
        assert made["providerWorkspaceRef"] == "globex"

    @pytest.mark.parametrize("team", [None, "evil.com/#", "a..b", 5.5])
    async def test_a_workspace_in_the_tokens_is_checked_as_any_other(self, flow: Flow, team: Any) -> None:
        await flow.app("telling")
        url = await flow.url("telling")
        flow.server.answer = {"access_token": "a", "team": team}
        page = await flow.come_back(state=state_of(url), code="c")
        assert (page.response.status_code, page.message["eventType"]) == (422, "AUTHORIZATION_FAILED")
        assert await flow.connections() == []


class TestTheRequest:
    async def test_the_project_may_stand_under_either_name(self, flow: Flow) -> None:
        await flow.app()
        for name in ("projectId", "projectIdOrName"):
            for project in ("acme", flow.project.project_id):
                body = {name: project, "provider": "hubspot", "groupRef": "g", "consumerRef": "c"}
                assert (await flow.client.post("/v1/oauth-connect", json=body)).status_code == 200
        body = {"provider": "hubspot", "groupRef": "g", "consumerRef": "c"}
        answer = await flow.client.post("/v1/oauth-connect", json=body)
        assert (answer.status_code, answer.json()["issues"][0]["name"]) == (400, "projectIdOrName")

    async def test_what_the_ui_library_sends_besides_is_taken(self, flow: Flow) -> None:
        await flow.app()
        await flow.url(enableCSRFProtection=True, providerWorkspaceRef="", providerMetadata={})

    async def test_the_oldest_app_is_used_where_none_is_named(self, flow: Flow) -> None:
        await flow.app(clientId="first")
        await flow.app(clientId="second")
        assert parse_qs(urlsplit(await flow.url()).query)["client_id"] == ["first"]

    @pytest.mark.parametrize(
        ("provider", "more", "slug", "issue"),
        [
            ("hubspot", {}, "authorization-not-possible", "provider"),
            ("hubspot", {"providerAppId": "nosuch"}, "authorization-not-possible", "providerAppId"),
            ("nosuch", {}, "no-such-provider", "provider"),
            ("keyed", {}, "no-oauth-flow", None),
            ("machine", {}, "no-oauth-flow", None),
        ],
    )
    async def test_what_cannot_begin_is_refused(
        self, flow: Flow, provider: str, more: dict[str, Any], slug: str, issue: str | None
    ) -> None:
        answer = await flow.connect(provider, **more)
        assert answer.status_code == 422
        problem = answer.json()
        assert problem["type"].endswith(f"/{slug}")
        assert problem["remedy"]
        assert [each["name"] for each in problem.get("issues", [])] == ([issue] if issue else [])

    async def test_an_app_of_another_provider_or_project_is_none(self, flow: Flow) -> None:
        await flow.app()
        strange = await flow.app("spacious")
        body = {"provider": "hubspot", "clientId": "c", "clientSecret": "s"}
        headers = {"X-Api-Key": flow.other.api_key}
        theirs = (await flow.client.post("/v1/projects/rival/provider-apps", json=body, headers=headers)).json()["id"]
        for app_id in (strange, theirs):
            answer = await flow.connect(providerAppId=app_id)
            assert (answer.status_code, answer.json()["issues"][0]["name"]) == (422, "providerAppId")

    async def test_scopes_must_be_known_where_the_provider_needs_them(self, flow: Flow) -> None:
        app_id = await flow.app("strict")
        assert (await flow.connect("strict")).json()["type"].endswith("/authorization-not-possible")
        body = {"updateMask": ["scopes"], "providerApp": {"scopes": ["a"]}}
        await flow.client.patch(f"/v1/projects/acme/provider-apps/{app_id}", json=body)
        assert (await flow.connect("strict")).status_code == 200

    async def test_flows_that_nobody_came_back_from_are_swept(self, flow: Flow) -> None:
        await flow.app()
        await flow.url()
        flow.clock.advance(HOUR)
        await flow.url()
        async with flow.database.reading() as reading:
            assert await reading.scalar(text("SELECT count(*) FROM oauth_flow")) == 1
