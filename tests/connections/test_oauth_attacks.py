"""Attacks on OAuth from outside: codes and states of others, redirects, addresses, and answers meant to do harm.

What somebody may try with one flow of their own stands in `oauth/test_attacks.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, urlsplit

import httpx
import pytest
from aiohttp import web
from sqlalchemy import text

from conjunct.connections.tokens import LARGEST_ANSWER
from conjunct.connectors.oauth import challenge_of
from conjunct.core.egress import Egress, EgressPolicy
from tests.connections.flows import SECRET, WHO, Flow, Page, TokenServer, state_of, token_server
from tests.support.names import Names

URL = "/v1/projects/acme/connections/"
REFUSED_ADDRESS = "network that requests may not go to"
REFRESH = "refresh/planted+token=1"
READ_AHEAD = 16 * 2**20  # bytes that may be under way in sockets when a reader lets go of an endless answer


@pytest.fixture
async def egress() -> AsyncIterator[Egress]:
    """The way out, with names of the test's own; of all addresses here only 127.0.0.2 is one of the allowed."""
    names = Names(
        inside=[["127.0.0.1"]],
        metadata=[["169.254.169.254"]],
        six=[["::1"]],
        changing=[["127.0.0.2"], ["127.0.0.1"]],
        mixed=[["127.0.0.1", "127.0.0.2"]],
    )
    policy = EgressPolicy(allowed_networks=(ip_network("127.0.0.2/32"),))
    async with Egress(policy=policy, user_agent="conjunct-tests", resolver=names) as egress:
        yield egress


@pytest.fixture
async def other_server() -> AsyncIterator[TokenServer]:
    """Somebody else's server, which nothing must reach."""
    async with token_server() as server:
        yield server


async def connected(flow: Flow) -> str:
    """A connection of the provider `strict`, whose refresh token is one to be kept secret; gives its id."""
    await flow.app("strict", scopes=["a"])
    flow.server.answer = {"access_token": "a-0", "refresh_token": REFRESH, "expires_in": 600}
    page = await flow.come_back(state=state_of(await flow.url("strict")), code="c")
    return str(page.message["data"]["connection"])


async def refresh(flow: Flow, connection_id: str, statuses: set[int]) -> httpx.Response:
    """Refresh the connection's access token, in vain."""
    answer = await flow.client.get(f"{URL}{connection_id}?refresh=force")
    assert answer.status_code in statuses, answer.text
    return answer


async def failed(flow: Flow, page: Page) -> str:
    """The flow has ended without a connection; gives the words."""
    assert page.message["eventType"] == "AUTHORIZATION_FAILED"
    assert await flow.connections() == []
    return str(page.message["message"])


class TestCodesAndStates:
    async def test_a_code_of_one_flow_buys_nothing_in_another(self, flow: Flow) -> None:
        """Whoever puts their own code into another's flow, or another's into theirs, is refused by the verifier."""
        await flow.app("spacious")
        ours = await flow.url("spacious", providerWorkspaceRef="acme")
        theirs = await flow.url("spacious", providerWorkspaceRef="acme", groupRef="mallory", consumerRef="m")
        challenges = {
            code: parse_qs(urlsplit(url).query)["code_challenge"][0]
            for code, url in {"our-code": ours, "their-code": theirs}.items()
        }

        async def strict(request: web.Request) -> Any:
            form = dict(parse_qsl(await request.text()))
            if challenge_of(form["code_verifier"]) != challenges[form["code"]]:
                return web.json_response({"error": "invalid_grant"}, status=400)
            return {"access_token": "a"}

        flow.server.answer = strict
        for state, code in ((state_of(ours), "their-code"), (state_of(theirs), "our-code")):
            assert "invalid_grant" in await failed(flow, await flow.come_back(state=state, code=code))
        # The codes themselves are good.
        again = await flow.url("spacious", providerWorkspaceRef="acme")
        challenges["our-code"] = parse_qs(urlsplit(again).query)["code_challenge"][0]
        page = await flow.come_back(state=state_of(again), code="our-code")
        assert page.message["eventType"] == "AUTHORIZATION_SUCCEEDED"

    async def test_nobody_begins_for_the_connection_of_another_project(self, flow: Flow) -> None:
        await flow.app("strict", scopes=["a"])
        page = await flow.come_back(state=state_of(await flow.url("strict")), code="c")
        connection_id = page.message["data"]["connection"]
        headers = {"X-Api-Key": flow.other.api_key}
        for project in ("acme", "rival"):
            path = f"/v1/projects/{project}/connections/{connection_id}:oauth-update"
            answer = await flow.client.patch(path, headers=headers)
            assert answer.status_code == 404
            assert "state" not in answer.text

    async def test_a_state_of_one_project_makes_nothing_in_another(self, flow: Flow) -> None:
        """Even where both have the same provider, client, group and consumer."""
        await flow.app("strict", scopes=["a"])
        headers = {"X-Api-Key": flow.other.api_key}
        app = {"provider": "strict", "clientId": "strict-client", "clientSecret": SECRET, "scopes": ["a"]}
        await flow.client.post("/v1/projects/rival/provider-apps", json=app, headers=headers)
        body = {"projectIdOrName": "rival", "provider": "strict", **WHO}
        theirs = (await flow.client.post("/v1/oauth-connect", json=body, headers=headers)).text
        page = await flow.come_back(state=state_of(theirs), code="c")
        assert page.message["eventType"] == "AUTHORIZATION_SUCCEEDED"
        assert await flow.connections() == []
        listed = (await flow.client.get("/v1/projects/rival/connections", headers=headers)).json()
        assert [each["id"] for each in listed] == [page.message["data"]["connection"]]

    async def test_the_callback_is_read_only_by_get_and_by_its_own_parameters(self, flow: Flow) -> None:
        await flow.app("strict", scopes=["a"])
        state = state_of(await flow.url("strict"))
        callback = flow.client.base_url.join("/callbacks/v1/oauth")
        posted = await flow.browser.post(callback, data={"state": state, "code": "c"})
        assert posted.status_code == 405
        twice = await flow.browser.get(f"{callback}?state={state}&state=other&code=c")
        assert twice.status_code == 400
        assert (flow.server.requests, await flow.connections()) == ([], [])


class TestWorkspaces:
    HOSTILE = (
        "evil.com/#",
        "evil.com?",
        "evil.com#",
        "evil.com\\",
        "a.b@evil.com",
        "evil.com:443/",
        "evil.com%2f",
        "evil.com%23",
        "evil%2ecom%2F%23",
        "evil.com\N{FULLWIDTH SOLIDUS}",
        "evil.com\N{FULLWIDTH NUMBER SIGN}",
        "evil\N{IDEOGRAPHIC FULL STOP}com/",
        "evil\N{FULLWIDTH FULL STOP}com",
        "evil\N{ONE DOT LEADER}com",
        "\N{CIRCLED LATIN SMALL LETTER E}vil",
        "evil\N{ZERO WIDTH SPACE}",
        "evil.com\nHost: x",
        "evil.com\r\n\r\nGET /",
        "evil.com\t/",
        "..",
        ".evil.com/",
        "{workspace}",
        "a" * 300,
    )

    async def test_a_part_of_a_host_is_nothing_else(self, flow: Flow) -> None:
        await flow.app("spacious")
        for workspace in self.HOSTILE:
            answer = await flow.connect("spacious", providerWorkspaceRef=workspace)
            assert answer.status_code == 422, (workspace, answer.text)
            assert [each["name"] for each in answer.json()["issues"]] == ["providerWorkspaceRef"], workspace

    @pytest.mark.parametrize("unsendable", ["a\x00b", "a" * 100_000])
    async def test_nor_what_no_request_may_have(self, flow: Flow, unsendable: str) -> None:
        await flow.app("spacious")
        assert (await flow.connect("spacious", providerWorkspaceRef=unsendable)).status_code == 400

    async def test_an_address_is_a_plain_one(self, flow: Flow) -> None:
        await flow.app("hosted")
        hostile = (
            "https://good.example.com@mallory.com",
            "https://mallory.com\\.good.example.com",
            "https://mallory.com#.good.example.com",
            "https://mallory.com?.good.example.com",
            "https://mallory.com%2f.good.example.com",
            "https://mallory\N{FULLWIDTH SOLIDUS}good.example.com",
            "https://good\N{IDEOGRAPHIC FULL STOP}example.com",
            "https://good.example.com\r\nX-Evil: 1",
            "https://good.example.com/a/../../b",
            "//mallory.com",
            "https:mallory.com",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "gopher://mallory.com",
            "https://:443",
            "https://good.example.com:0x50",
        )
        for workspace in hostile:
            answer = await flow.connect("hosted", providerWorkspaceRef=workspace)
            assert answer.status_code == 422, (workspace, answer.text)
            assert [each["name"] for each in answer.json()["issues"]] == ["providerWorkspaceRef"], workspace

    async def test_nor_does_a_change_of_a_connection_lead_elsewhere(self, flow: Flow) -> None:
        await flow.app("spacious")
        url = await flow.url("spacious", providerWorkspaceRef="acme")
        page = await flow.come_back(state=state_of(url), code="c")
        path = f"/v1/projects/acme/connections/{page.message['data']['connection']}"
        for workspace in self.HOSTILE:
            change = {"updateMask": ["providerWorkspaceRef"], "connection": {"providerWorkspaceRef": workspace}}
            assert (await flow.client.patch(path, json=change)).status_code == 422, workspace
        [connection] = await flow.connections()
        assert connection["providerWorkspaceRef"] == "acme"


class TestWhereTokensAreAskedFor:
    async def test_no_address_within_a_network_is_asked(self, flow: Flow) -> None:
        """However it is spelled, and whatever name stands for it."""
        await flow.app("hosted")
        port = urlsplit(flow.server.url).port
        inside = (
            "http://127.0.0.1:9",
            "http://127.1:9",
            "http://0x7f.1:9",
            "http://017700000001:9",
            "http://0.0.0.0:9",
            "http://[::]:9",
            "http://[::ffff:127.0.0.1]:9",
            "http://[::ffff:a9fe:a9fe]",
            "http://[64:ff9b::7f00:1]:9",
            "http://[2002:7f00:1::]:9",
            "http://[fe80::1]:9",
            "http://[fd00:ec2::254]",
            "http://169.254.169.254/latest/meta-data",
            "http://100.100.100.200",
            "http://10.0.0.1",
            "http://192.168.0.1",
            "http://172.16.0.1",
            f"http://inside.example.com:{port}",
            "http://metadata.example.com",
            "http://six.example.com",
        )
        for workspace in inside:
            url = await flow.url("hosted", providerWorkspaceRef=workspace)
            words = await failed(flow, await flow.come_back(state=state_of(url), code="c"))
            assert REFUSED_ADDRESS in words, workspace
            assert "example.com" not in workspace or "169.254" not in words  # what a name stands for is not told
        assert flow.server.requests == []

    async def test_a_name_that_changes_its_address_is_asked_only_where_that_may_be(self, flow: Flow) -> None:
        """127.0.0.2 may be asked (nobody is there); 127.0.0.1, where the server is, may not."""
        await flow.app("hosted")
        port = urlsplit(flow.server.url).port
        told = []
        for workspace in (f"http://changing.example.com:{port}", f"http://changing.sub.example.com:{port}"):
            url = await flow.url("hosted", providerWorkspaceRef=workspace)
            told.append(await failed(flow, await flow.come_back(state=state_of(url), code="c")))
        assert "does not take connections" in told[0]
        assert REFUSED_ADDRESS in told[1]
        url = await flow.url("hosted", providerWorkspaceRef=f"http://mixed.example.com:{port}")
        assert "does not take connections" in await failed(flow, await flow.come_back(state=state_of(url), code="c"))
        assert flow.server.requests == []

    @pytest.mark.parametrize("step", ["code", "refresh"])
    async def test_a_redirect_takes_no_secret_anywhere(self, flow: Flow, other_server: TokenServer, step: str) -> None:
        connection_id = await connected(flow) if step == "refresh" else ""
        await flow.app("telling")
        asked = len(flow.server.requests)
        for status in (301, 302, 303, 307, 308):
            for target in (f"{other_server.url}/token", "http://169.254.169.254/", f"{flow.server.url}/elsewhere"):
                flow.server.answer = web.Response(status=status, headers={"Location": target})
                if step == "code":
                    url = await flow.url("telling")
                    await failed(flow, await flow.come_back(state=state_of(url), code="c"))
                else:
                    await refresh(flow, connection_id, {422, 503})
                asked += 1
                assert (len(flow.server.requests), other_server.requests) == (asked, [])
        assert "/elsewhere" not in {path for path, _, _ in flow.server.requests}


@dataclass
class Endless:
    """An answer without an end: a chunk again and again until the other side has had enough. `sent` is in bytes."""

    chunk: bytes
    encoding: str = "identity"
    pause: float = 0.0
    sent: int = 0
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        headers = {"Content-Type": "application/json", "Content-Encoding": self.encoding}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        try:
            with contextlib.suppress(ConnectionError):
                while self.sent < 2 * READ_AHEAD:
                    await response.write(self.chunk)
                    self.sent += len(self.chunk)
                    await asyncio.sleep(self.pause)
        finally:
            self.over.set()
        return response


def giving(**given: Any) -> Callable[[web.Request], Awaitable[web.Response]]:
    """An answer as `web.Response` takes it, or of some `json`."""

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response(given["json"]) if "json" in given else web.Response(**given)

    return answer


def token(value: Any) -> Callable[[web.Request], Awaitable[web.Response]]:
    return giving(json={"access_token": value})


def packed(content: bytes) -> bytes:
    """A whole gzip stream of which one may follow another."""
    return gzip.compress(content)


def hostile() -> dict[str, tuple[Any, str]]:
    """Answers that mean harm, each with the words that a refusal has."""
    bomb = packed(b'{"access_token": "' + b"a" * (LARGEST_ANSWER * 40))
    return {
        "without an end": (Endless(b" " * 65_536), "larger than"),
        "without an end, packed": (Endless(packed(b" " * 2**20), "gzip"), "larger than"),
        "drop by drop": (Endless(b" ", pause=0.02), "did not answer in time"),
        "a small bomb": (giving(body=bomb, headers={"Content-Encoding": "gzip"}), "larger than"),
        "an unknown packing": (giving(body=b"x", headers={"Content-Encoding": "br"}), "unpacked"),
        "large headers": (giving(headers={"X-Large": "x" * 100_000}), "not valid HTTP"),
        "nested deep": (giving(body=b'{"access_token":' + b"[" * 100_000), "deeper than 200 levels"),
        "a list": (giving(json=[{"access_token": "a"}]), "no tokens"),
        "a line break": (token("planted\r\nX-Evil: 1"), "no access token"),
        "a line feed": (token("planted\nb"), "no access token"),
        "a NUL": (token("planted\x00"), "no access token"),
        "beyond ASCII": (token("planted\N{LATIN SMALL LETTER O WITH DIAERESIS}"), "no access token"),
        "far too long": (token("planted" * 10_000), "no access token"),
        "no text": (token({"token": "planted"}), "no access token"),
    }


@pytest.mark.parametrize("step", ["code", "refresh"])
async def test_answers_that_mean_harm_are_bounded_and_lose_nothing(flow: Flow, step: str) -> None:
    """In bytes and in time. Nobody is connected by them, who is connected stays so, and no secret is told."""
    connection_id = await connected(flow) if step == "refresh" else ""
    await flow.app("telling")
    before = await flow.connections()
    flow.service.token_endpoint.timeout = 1.0
    for name, (answer, words) in hostile().items():
        flow.server.answer = answer
        if step == "code":
            page = await flow.come_back(state=state_of(await flow.url("telling")), code="planted-code")
            assert page.message["eventType"] == "AUTHORIZATION_FAILED", name
            told = page.response.text
        else:
            told = (await refresh(flow, connection_id, {422, 503})).text
        assert words in told, (name, told)
        for secret in (SECRET, "planted", "X-Evil"):
            assert secret not in told, name
        if isinstance(answer, Endless):
            await answer.over.wait()
            assert answer.sent < READ_AHEAD, name
        assert await flow.connections() == before, name


async def test_what_a_provider_repeats_of_a_request_is_in_no_problem_and_no_table(flow: Flow) -> None:
    connection_id = await connected(flow)
    shown = []
    for status, error in (
        (400, "invalid_request"),
        (401, "invalid_client"),
        (500, "server_error"),
        (400, "invalid_grant"),
    ):

        async def repeat(request: web.Request, status: int = status, error: str = error) -> web.Response:
            body = await request.text()
            words = f"{body} {json.dumps(dict(parse_qsl(body)))} refresh_token=another-1 " + "." * 300 + REFRESH
            return web.json_response({"error": error, "error_description": words}, status=status)

        flow.server.answer = repeat
        shown.append((await refresh(flow, connection_id, {422, 503})).text)
    async with flow.database.reading() as reading:
        tables = ("connection", "provider_app", "oauth_flow")
        shown += [str(await reading.scalar(text(f"SELECT json_agg(t)::text FROM {table} t"))) for table in tables]
        assert await reading.scalar(text("SELECT status FROM connection")) == "bad_credentials"
    for secret in (SECRET, REFRESH, REFRESH[:12], quote(REFRESH, safe=""), "another-1"):
        assert not [each for each in shown if secret in each], secret
