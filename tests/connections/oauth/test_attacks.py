"""What somebody tries who wants to be connected, to connect somebody else, or to learn a secret."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from sqlalchemy import text

from conjunct.connections.oauth.service import LIFETIME
from conjunct.core.telemetry import configure
from tests.connections.flows import CALLBACK, SECRET, WHO, Flow, Page, state_of
from tests.support.logs import logging_restored
from tests.support.tenants import make_key
from tests.support.tokens import customer_token, public_pem

OVER = "This link was used before, is too old, or is not one of ours."


async def refused(flow: Flow, page: Page, status: int = 400) -> str:
    """The flow has ended without a connection; gives the words."""
    assert page.response.status_code == status
    assert page.message["eventType"] == "AUTHORIZATION_FAILED"
    assert page.message["data"] == {"error": page.message["message"]}
    async with flow.database.reading() as reading:
        assert await reading.scalar(text("SELECT count(*) FROM connection")) == 0
    return str(page.message["message"])


class TestTheState:
    async def test_it_works_once(self, flow: Flow) -> None:
        await flow.app("strict", scopes=["a"])
        url = await flow.url("strict")
        first = await flow.come_back(state=state_of(url), code="c")
        assert first.message["eventType"] == "AUTHORIZATION_SUCCEEDED"
        again = await flow.come_back(state=state_of(url), code="another")
        assert again.message["message"] == OVER
        assert len(flow.server.requests) == 1

    async def test_of_many_who_bring_it_at_once_one_gets_on(self, flow: Flow) -> None:
        await flow.app("strict", scopes=["a"])
        url = await flow.url("strict")
        pages = await asyncio.gather(*(flow.come_back(state=state_of(url), code=f"c{n}") for n in range(8)))
        assert sorted(page.message["eventType"] for page in pages).count("AUTHORIZATION_SUCCEEDED") == 1
        assert len(flow.server.requests) == 1

    async def test_it_is_used_up_by_a_refusal_too(self, flow: Flow) -> None:
        await flow.app("strict", scopes=["a"])
        url = await flow.url("strict")
        await flow.come_back(state=state_of(url), error="access_denied")
        assert await refused(flow, await flow.come_back(state=state_of(url), code="c")) == OVER
        assert flow.server.requests == []

    async def test_it_ends(self, flow: Flow) -> None:
        await flow.app("strict", scopes=["a"])
        url = await flow.url("strict")
        flow.clock.advance(LIFETIME)
        assert await refused(flow, await flow.come_back(state=state_of(url), code="c")) == OVER
        assert flow.server.requests == []

    @pytest.mark.parametrize("state", ["", "guessed", "x" * 10_000, "\N{SNOWMAN}", "' OR 1=1 --", "a\nb", "%"])
    async def test_a_guess_is_none(self, flow: Flow, state: str) -> None:
        await flow.app("strict", scopes=["a"])
        await flow.url("strict")
        assert await refused(flow, await flow.come_back(state=state, code="c")) == OVER

    async def test_a_part_or_another_spelling_is_none(self, flow: Flow) -> None:
        await flow.app("strict", scopes=["a"])
        state = state_of(await flow.url("strict"))
        for wrong in (state[:-1], state + "=", state.swapcase(), f" {state}", state[::-1]):
            assert await refused(flow, await flow.come_back(state=wrong, code="c")) == OVER

    async def test_without_any_parameter_there_is_a_page(self, flow: Flow) -> None:
        assert await refused(flow, await flow.come_back()) == OVER

    async def test_it_leads_to_the_project_that_it_was_made_for(self, flow: Flow) -> None:
        """Whoever brings it: what it is bound to is not in the browser's hands."""
        await flow.app("strict", scopes=["a"])
        ours = await flow.url("strict")
        headers = {"X-Api-Key": flow.other.api_key}
        body = {"provider": "strict", "clientId": "theirs", "clientSecret": "s", "scopes": ["a"]}
        await flow.client.post("/v1/projects/rival/provider-apps", json=body, headers=headers)
        body = {"projectIdOrName": "rival", "provider": "strict", "groupRef": "mallory", "consumerRef": "m"}
        theirs = (await flow.client.post("/v1/oauth-connect", json=body, headers=headers)).text
        query = {"project": "acme", "projectIdOrName": "acme", "groupRef": "acme", "providerAppId": "x"}
        await flow.come_back(state=state_of(theirs), code="c", **query)
        assert await flow.connections() == []
        assert flow.server.requests[0][2]["client_id"] == "theirs"
        await flow.come_back(state=state_of(ours), code="c")
        [made] = await flow.connections()
        assert made["group"]["groupRef"] == WHO["groupRef"]

    async def test_a_deleted_provider_app_ends_its_flows(self, flow: Flow) -> None:
        app_id = await flow.app("strict", scopes=["a"])
        url = await flow.url("strict")
        assert (await flow.client.delete(f"/v1/projects/acme/provider-apps/{app_id}")).status_code == 204
        assert await refused(flow, await flow.come_back(state=state_of(url), code="c")) == OVER

    async def test_a_provider_app_that_is_deleted_while_the_provider_is_asked(self, flow: Flow) -> None:
        app_id = await flow.app("strict", scopes=["a"])
        url = await flow.url("strict")

        async def deleted_meanwhile(_request: web.Request) -> dict[str, str]:
            assert (await flow.client.delete(f"/v1/projects/acme/provider-apps/{app_id}")).status_code == 204
            return {"access_token": "a"}

        flow.server.answer = deleted_meanwhile
        await refused(flow, await flow.come_back(state=state_of(url), code="c"))


class TestTheRedirect:
    async def test_nobody_chooses_where_the_provider_sends_the_customer(self, flow: Flow) -> None:
        evil = "https://evil.example.com/cb"
        await flow.app()
        for more in ({"redirectUri": evil}, {"redirect_uri": evil}, {"redirectURL": evil}):
            assert "evil" not in await flow.url(**more)

    async def test_nor_by_a_host_header(self, flow: Flow) -> None:
        await flow.app()
        body = {"projectIdOrName": "acme", "provider": "hubspot", **WHO}
        headers = {"Host": "evil.example.com", "X-Forwarded-Host": "evil.example.com", "Origin": "https://evil.example"}
        url = (await flow.client.post("/v1/oauth-connect", json=body, headers=headers)).text
        assert "evil" not in url

    async def test_a_provider_refuses_a_code_for_another_address(self, flow: Flow) -> None:
        await flow.app()
        url = await flow.url()
        tampered = url.replace("conjunct.example.com", "evil.example.com")
        location = (await flow.browser.get(tampered)).headers["location"]
        assert location.startswith("https://evil.example.com/")
        page = await flow.come_back(location.replace("evil.example.com", "conjunct.example.com"))
        assert "missing or invalid auth code" in await refused(flow, page)

    async def test_a_customer_who_does_not_agree(self, flow: Flow) -> None:
        await flow.app(clientId="refused")
        assert "The user did not agree." in await refused(flow, await flow.browse(await flow.url()))

    async def test_no_code_and_no_error(self, flow: Flow) -> None:
        await flow.app("strict", scopes=["a"])
        for code in ("", "c" * 10_000):
            url = await flow.url("strict")
            assert "sent no code" in await refused(flow, await flow.come_back(state=state_of(url), code=code))
        assert flow.server.requests == []


class TestAddresses:
    @pytest.mark.parametrize(
        "workspace",
        [
            "evil.com/#",
            "evil.com/",
            "evil.com?x=",
            "a@evil.com",
            "evil.com\\",
            "evil.com:1/",
            "a..b",
            "//evil.com",
            "-",
            " ",
        ],
    )
    async def test_a_workspace_is_a_part_of_a_host_and_nothing_else(self, flow: Flow, workspace: str) -> None:
        await flow.app("spacious")
        answer = await flow.connect("spacious", providerWorkspaceRef=workspace)
        assert answer.status_code == 422
        assert [issue["name"] for issue in answer.json()["issues"]] == ["providerWorkspaceRef"]

    async def test_all_faults_of_the_inputs_are_told_at_once(self, flow: Flow) -> None:
        await flow.app("spacious")
        metadata = {"region": {"value": "Europe/..", "source": "input"}}
        answer = await flow.connect("spacious", providerMetadata=metadata)
        names = [issue["name"] for issue in answer.json()["issues"]]
        assert names == ["providerWorkspaceRef", "providerMetadata.region.value"]

    async def test_a_token_url_in_our_own_network_is_not_called(self, flow: Flow) -> None:
        await flow.app("inward")
        url = await flow.url("inward")
        words = await refused(flow, await flow.come_back(state=state_of(url), code="c"))
        assert "network that requests may not go to" in words

    @pytest.mark.parametrize(
        "host", ["http://169.254.169.254", "http://localhost:9", "http://[::1]:9", "http://2130706433:9"]
    )
    async def test_nor_one_on_a_host_that_the_customer_names(self, flow: Flow, host: str) -> None:
        await flow.app("hosted")
        url = await flow.url("hosted", providerWorkspaceRef=host)
        words = await refused(flow, await flow.come_back(state=state_of(url), code="c"))
        assert "network that requests may not go to" in words

    async def test_a_redirect_of_the_token_endpoint_is_not_followed(self, flow: Flow) -> None:
        await flow.app("strict", scopes=["a"])
        url = await flow.url("strict")
        flow.server.answer = web.Response(status=307, headers={"Location": f"{flow.server.url}/elsewhere"})
        await refused(flow, await flow.come_back(state=state_of(url), code="c"))
        assert [path for path, _, _ in flow.server.requests] == ["/token"]


async def _endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    try:
        while True:
            await response.write(b" " * 65_536)
    except ConnectionError:
        return response


async def _silent(_request: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


class TestTokenAnswers:
    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            (lambda: web.json_response({}), "no access token"),
            (lambda: web.json_response({"access_token": None}), "no access token"),
            (lambda: web.json_response([1]), "holds no tokens"),
            (lambda: web.json_response({"access_token": "a\r\nX-Evil: 1"}), "no access token"),
            (lambda: web.Response(body=b"<html>Sign in</html>", content_type="text/html"), "a web page"),
            (lambda: web.Response(body=b'{"access_token": "a'), "ends in the middle"),
            (lambda: web.Response(body=b"\x00\xff"), "not JSON"),
            (lambda: web.Response(body=b" " * 300_000), "larger than"),
            (lambda: web.Response(body=b"x", headers={"Content-Encoding": "gzip"}), "unpacked"),
            (lambda: web.Response(status=500, body=b"oops"), "oops"),
            (lambda: web.json_response({"error": "invalid_client"}, status=401), "invalid_client"),
            (lambda: web.json_response({"error": "invalid_grant", "error_description": "used"}, status=400), "used"),
        ],
    )  # fmt: skip
    async def test_answers_without_tokens(self, flow: Flow, answer: Callable[[], web.Response], words: str) -> None:
        await flow.app("strict", scopes=["a"])
        url = await flow.url("strict")

        async def give(_request: web.Request) -> web.Response:
            return answer()

        flow.server.answer = give
        assert words in await refused(flow, await flow.come_back(state=state_of(url), code="c"))

    async def test_an_answer_without_an_end_is_left(self, flow: Flow) -> None:
        await flow.app("strict", scopes=["a"])
        url = await flow.url("strict")
        flow.server.answer = _endless
        assert "larger than" in await refused(flow, await flow.come_back(state=state_of(url), code="c"))

    async def test_an_answer_that_never_comes_is_not_waited_for(self, flow: Flow) -> None:
        flow.service.token_endpoint.timeout = 0.2
        await flow.app("strict", scopes=["a"])
        url = await flow.url("strict")
        flow.server.answer = _silent
        assert "did not answer in time" in await refused(flow, await flow.come_back(state=state_of(url), code="c"))

    async def test_no_transaction_is_open_while_the_provider_is_asked(self, flow: Flow) -> None:
        await flow.app("strict", scopes=["a"])
        url = await flow.url("strict")
        busy = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
        seen: list[int] = []

        async def look(_request: web.Request) -> dict[str, str]:
            async with flow.database.reading() as reading:
                seen.append(await reading.scalar(text(busy)) or 0)
            return {"access_token": "a"}

        flow.server.answer = look
        page = await flow.come_back(state=state_of(url), code="c")
        assert page.message["eventType"] == "AUTHORIZATION_SUCCEEDED"
        assert seen == [0]


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """What Conjunct logs."""
    browser = logging.getLogger("httpx")
    before = browser.level
    stream = io.StringIO()
    with logging_restored():
        configure("info", "json", stream)
        browser.setLevel(logging.WARNING)  # the test's own, which logs the addresses that it opens
        yield stream
    browser.setLevel(before)


class TestSecrets:
    async def test_none_is_told_or_logged(self, flow: Flow, logged: io.StringIO) -> None:
        """Not the client's secret, the code, the state, the verifier or a token: in no page, problem, log or row."""
        await flow.app("spacious")
        shown: list[str] = []
        secrets = [SECRET, "planted-code", "planted-access", "planted-refresh"]

        async def come_back(answer: Callable[[web.Request], Awaitable[Any]]) -> None:
            url = await flow.url("spacious", providerWorkspaceRef="acme")
            flow.server.answer = answer
            page = await flow.come_back(state=state_of(url), code="planted-code")
            secrets.extend((state_of(url), flow.server.requests[-1][2]["code_verifier"]))
            shown.append(page.response.text + repr(page.response.headers))

        async def give(_request: web.Request) -> Any:
            return {"access_token": "planted-access", "refresh_token": "planted-refresh", "instance": "x"}

        async def repeat(request: web.Request) -> Any:
            everything = f"{await request.text()} {request.headers['Authorization']} {SECRET} planted-code"
            return web.json_response({"error": "invalid_client", "error_description": everything}, status=401)

        async def broken(_request: web.Request) -> Any:
            return web.Response(body=b'{"access_token": "planted-access", "refresh_token": "planted-refresh"')

        for answer in (repeat, broken, give):
            await come_back(answer)
        shown += [
            (await flow.client.get(f"/v1/projects/acme/{path}")).text for path in ("provider-apps", "connections")
        ]
        async with flow.database.reading() as reading:
            tables = ("provider_app", "connection", "oauth_flow")
            shown += [str(await reading.scalar(text(f"SELECT json_agg(t)::text FROM {table} t"))) for table in tables]
        assert len(await flow.connections()) == 1
        everything = "\n".join((*shown, logged.getvalue(), repr(flow.flows), repr(flow.service)))
        assert "oauth.failed" in logged.getvalue()
        for secret in secrets:
            assert secret not in everything, secret
            assert secret.encode().hex() not in everything


class TestWhoMayBegin:
    async def test_an_api_key_of_any_scope_for_its_own_project(self, flow: Flow) -> None:
        await flow.app()
        frontend = await make_key(flow.database, flow.project, "frontend")
        none = await make_key(flow.database, flow.project)
        body = {"projectIdOrName": "acme", "provider": "hubspot", **WHO}
        for key, status in ((frontend, 200), (none, 403), (flow.other.api_key, 404), ("cj_unknown", 401), ("", 401)):
            answer = await flow.client.post("/v1/oauth-connect", json=body, headers={"X-Api-Key": key})
            assert answer.status_code == status
        ghost = {**body, "projectIdOrName": "no-such-project"}
        told = [
            (await flow.client.post("/v1/oauth-connect", json=each, headers={"X-Api-Key": flow.other.api_key})).json()
            for each in (body, ghost)
        ]
        assert {each["title"] for each in told} == {"Not found"}

    async def test_a_customers_token_for_its_own_group_and_consumer(self, flow: Flow) -> None:
        await flow.app()
        kid = await self._register(flow)
        headers = {"X-Api-Key": "", "Authorization": f"Bearer {customer_token(kid, 'acme', 'ada')}"}
        body = {"projectIdOrName": "acme", "provider": "hubspot", **WHO}
        for change, status in (({}, 200), ({"groupRef": "globex"}, 403), ({"consumerRef": "bob"}, 403)):
            answer = await flow.client.post("/v1/oauth-connect", json={**body, **change}, headers=headers)
            assert answer.status_code == status, answer.text
        listed = await flow.client.get("/v1/projects/acme/provider-apps", headers=headers)
        assert (listed.status_code, len(listed.json())) == (200, 1)

    async def test_a_customers_token_renews_connections_of_its_group_only(self, flow: Flow) -> None:
        await flow.app()
        kid = await self._register(flow)
        ours = (await flow.browse(await flow.url())).message["data"]["connection"]
        theirs = (await flow.browse(await flow.url(groupRef="globex"))).message["data"]["connection"]
        headers = {"X-Api-Key": "", "Authorization": f"Bearer {customer_token(kid, 'acme', 'ada')}"}
        for connection_id, status in ((ours, 200), (theirs, 404), ("nosuch", 404)):
            path = f"/v1/projects/acme/connections/{connection_id}:oauth-update"
            assert (await flow.client.patch(path, headers=headers)).status_code == status

    async def _register(self, flow: Flow) -> str:
        kid = "key-1"
        async with flow.database.transaction() as session:
            await session.execute(
                text(
                    "INSERT INTO jwt_key (id, project_id, label, algorithm, public_key_pem, active)"
                    " VALUES (:id, :project_id, 'test', 'RSA', :pem, true)"
                ),
                {"id": kid, "project_id": flow.project.project_id, "pem": public_pem()},
            )
        return kid


def test_the_callback_is_where_builders_are_told_to_register_it() -> None:
    assert urlsplit(CALLBACK).path == "/callbacks/v1/oauth"
    assert timedelta(minutes=10) <= LIFETIME <= timedelta(hours=1)
