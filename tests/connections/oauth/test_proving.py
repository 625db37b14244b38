"""What a customer agreed to is proved at the provider before it is kept, with what the provider tells of them."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from structlog.testing import capture_logs

from tests.connections.flows import SECRET, Flow, Page, state_of

TOKEN = {"access_token": "scripted-access", "user": "u-1", "plan": "gold", "scope": "read"}


async def come_back(flow: Flow, **query: str) -> Page:
    await flow.app("talkative", metadata={"providerParams": {"partner": "p-9"}})
    url = await flow.url("talkative")
    assert dict(parse_qsl(urlsplit(url).query))["partner"] == "p-9"
    return await flow.come_back(state=state_of(url), code="good", **query)


async def test_what_the_provider_tells_on_the_way_is_kept_and_used(flow: Flow) -> None:
    flow.server.answer, flow.server.told = TOKEN, {"/teams": [{"id": "t-1"}], "/me": {}}
    with capture_logs() as logs:
        page = await come_back(flow, realmId="123")
    (made,) = await flow.connections()
    assert page.message["data"]["connection"] == made["id"]
    assert made["providerMetadata"] == {
        "realm": {"value": "123", "source": "provider", "displayName": "Realm"},
        "plan": {"value": "gold", "source": "token"},
        "team": {"value": "t-1", "source": "provider"},
    }
    assert (made["providerConsumerRef"], made["status"]) == ("u-1", "working")
    assert flow.server.requests[0][2]["partner"] == "p-9"
    assert flow.server.asked == [("/teams", "Bearer scripted-access"), ("/me", "Bearer scripted-access")]
    assert made["oauth2AuthorizationCode"]["scopes"] == ["read"]
    (warning,) = [each for each in logs if each["event"] == "oauth.fewer_scopes"]
    assert (warning["log_level"], warning["not_granted"]) == ("warning", ["write"])


@pytest.mark.parametrize(
    ("told", "realm", "status", "words"),
    [
        ({"/teams": [{"id": "t-1"}], "/me": (401, {"message": f"no {SECRET} scripted-access"})}, "123", 422,
         "Talkative does not accept the credentials: no [secret] [secret]"),
        ({"/teams": []}, "123", 422, "does not tell team"),
        ({"/teams": (503, {"message": "down"})}, "123", 503, "could not be asked"),
        ({"/teams": [{"id": "t-1"}]}, "", 422, "does not tell realm"),
        ({"/teams": [{"id": "t-1"}]}, "evil.com/#", 422, "realm"),
    ],
)  # fmt: skip
async def test_what_is_refused_is_told_on_the_page_and_nothing_is_kept(
    flow: Flow, told: dict[str, Any], realm: str, status: int, words: str
) -> None:
    flow.server.answer, flow.server.told = TOKEN, told
    page = await come_back(flow, **({"realmId": realm} if realm else {}))
    assert (page.response.status_code, page.message["eventType"]) == (status, "AUTHORIZATION_FAILED")
    assert words in page.text
    assert SECRET not in page.response.text
    assert await flow.connections() == []


async def test_the_state_is_used_up_by_a_refusal(flow: Flow) -> None:
    flow.server.answer, flow.server.told = TOKEN, {"/teams": []}
    await flow.app("talkative", metadata={"providerParams": {"partner": "p-9"}})
    state = state_of(await flow.url("talkative"))
    assert (await flow.come_back(state=state, code="good", realmId="1")).response.status_code == 422
    flow.server.told = {"/teams": [{"id": "t-1"}]}
    assert (await flow.come_back(state=state, code="good", realmId="1")).response.status_code == 400
    assert await flow.connections() == []
