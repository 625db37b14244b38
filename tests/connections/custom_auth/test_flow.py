"""From the first call to a connection: each request on the wire, and what is kept of it."""

from __future__ import annotations

from collections import Counter
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from sqlalchemy import text

from conjunct.connections.credentials import CustomCredentials
from tests.connections.custom_auth.conftest import CALLBACK, INPUTS, MICROSOFT, SECRET, TENANT, Steps, proof


async def kept(steps: Steps, connection_id: str) -> tuple[dict[str, Any], str | None]:
    """The values that are kept of the connection's credentials, and its access token."""
    async with steps.database.transaction() as session:
        credentials = await steps.service._vault.open(session, steps.project.project_id, connection_id)
    assert isinstance(credentials, CustomCredentials)
    return dict(credentials.values), None if credentials.access is None else credentials.access.text


async def sessions(steps: Steps) -> int:
    async with steps.database.reading() as reading:
        return int(await reading.scalar(text("SELECT count(*) FROM custom_auth_session")) or 0)


async def test_redtail_is_connected_by_a_request_of_the_servers_own(steps: Steps) -> None:
    answer = await steps.begin("redtail", customAuth=INPUTS, providerMetadata={})
    assert (answer.status_code, answer.json().keys()) == (200, {"connection"}), answer.text
    assert SECRET not in answer.text
    connection = answer.json()["connection"]
    assert (connection["provider"], connection["group"]["groupRef"]) == ("redtail", "acme")
    assert (connection["consumer"]["consumerRef"], connection["status"]) == ("ada", "working")
    asked, checked = steps.provider.requests
    assert (*asked[:2], asked[3]) == ("GET", "/authentication", "")
    assert asked[2]["Authorization"] == "Basic " + proof(f"{SECRET}-key:ada:{SECRET}-pässword")
    assert checked[:2] == ("GET", "/authentication")
    assert checked[2]["Authorization"] == "Userkeyauth " + proof(f"{SECRET}-key:{SECRET}-user-key")
    values, _ = await kept(steps, connection["id"])
    assert values == {"apiKey": f"{SECRET}-key", "userKey": f"{SECRET}-user-key"}
    assert await sessions(steps) == 0

    steps.provider.answers["/authentication"] = {"authenticated_user": {"user_key": "another"}}
    metadata = {"region": {"value": "eu-crm", "source": "input"}}
    again = (await steps.begin("redtail", customAuth=INPUTS, providerMetadata=metadata)).json()["connection"]
    assert (again["id"], again["providerMetadata"]) == (connection["id"], metadata)
    assert (await kept(steps, again["id"]))[0]["userKey"] == "another"
    of_another = await steps.begin("redtail", customAuth=INPUTS, consumerRef="eve")
    assert of_another.json()["connection"]["id"] != connection["id"]


async def test_microsoft_is_connected_by_a_consent_and_a_token_for_it(steps: Steps) -> None:
    app_id = await steps.make_app()
    session_id, where, params = await steps.sent(await steps.begin(MICROSOFT))
    assert where == f"{steps.provider.url}/organizations/v2.0/adminconsent"
    state = params.pop("state")
    scope = "https://graph.microsoft.com/.default"
    assert params == {"client_id": "our-client", "redirect_uri": CALLBACK, "scope": scope}
    assert min(len(state), len(session_id)) >= 43
    assert steps.provider.requests == []

    steps.again()  # the callback comes to another process
    answer = await steps.call(
        sessionId=session_id, callbackParams={"tenant": TENANT, "admin_consent": "True", "state": state, "scope": scope}
    )
    assert answer.status_code == 200, answer.text
    connection = answer.json()["connection"]
    assert (connection["providerApp"]["id"], connection["status"]) == (app_id, "working")
    bought, checked = steps.provider.requests
    assert bought[:2] == ("POST", f"/{TENANT}/oauth2/v2.0/token")
    assert dict(parse_qsl(bought[3])) == {
        "grant_type": "client_credentials",
        "client_id": "our-client",
        "client_secret": f"{SECRET}-app",
        "scope": scope,
    }
    assert checked[1] == "/v1.0/organization"
    assert checked[2]["Authorization"] == f"Bearer {SECRET}-access"
    assert await kept(steps, connection["id"]) == ({"tenant": TENANT}, f"{SECRET}-access")
    assert await sessions(steps) == 0

    steps.provider.answers[f"/{TENANT}/oauth2/v2.0/token"] = {"access_token": "renewed", "expires_in": 3599}
    await steps.client.get(f"/v1/projects/acme/connections/{connection['id']}?refresh=force")
    assert steps.provider.requests[2][1:2] + steps.provider.requests[2][3:] == (bought[1], bought[3])
    assert await kept(steps, connection["id"]) == ({"tenant": TENANT}, "renewed")


async def test_redirects_and_requests_by_turns(steps: Steps) -> None:
    session_id, where, params = await steps.sent(await steps.begin("winding", customAuth={"secret": f"{SECRET}-s"}))
    assert where == f"{steps.provider.url}/one"
    first = params["relay"]
    assert params == {"relay": first, "fixed": "a b", "back": CALLBACK}
    async with steps.database.reading() as reading:
        row = str((await reading.execute(text("SELECT * FROM custom_auth_session"))).mappings().one())
    assert not any(secret in row for secret in (SECRET, session_id, first))

    second_answer = await steps.call(sessionId=session_id, callbackParams={"code": "c1", "relay": first})
    same, where, params = await steps.sent(second_answer)
    assert (same, where) == (session_id, f"{steps.provider.url}/two")
    second = params.pop("state")
    assert params == {"ticket": "17", "redirect_uri": CALLBACK}
    assert second != first

    answer = await steps.call(sessionId=session_id, callbackParams={"code": "c/2", "state": second})
    assert answer.status_code == 200, answer.text
    swap, finish = steps.provider.requests
    assert (swap[:2], swap[3]) == (("POST", "/swap/c1"), "code=c1")
    assert finish[:2] == ("GET", "/finish?code=c%2F2")
    assert finish[2]["X-Secret"] == f"{SECRET}-s"
    connection = answer.json()["connection"]
    assert (await kept(steps, connection["id"]), connection["status"]) == (
        ({"key": f"{SECRET}-final"}, None),
        "created",
    )


async def test_a_failed_request_can_be_repeated_and_no_step_is_done_twice(steps: Steps) -> None:
    session_id, _, params = await steps.sent(await steps.begin("winding", customAuth={"secret": "s"}))
    call: dict[str, Any] = {"sessionId": session_id, "callbackParams": {"code": "c1", "relay": params["relay"]}}
    good = steps.provider.answers["/swap/c1"]
    steps.provider.answers["/swap/c1"] = web.json_response({"message": "down"}, status=502)
    failed = await steps.call(**call)
    assert (failed.status_code, failed.json()["retryable"]) == (503, True)
    assert failed.json()["remedy"] == "Repeat the same call in a moment."
    steps.provider.answers["/swap/c1"] = good
    session_id, _, params = await steps.sent(await steps.call(**call))
    final: dict[str, Any] = {"sessionId": session_id, "callbackParams": {"code": "c2", "state": params["state"]}}
    steps.provider.answers["/finish"] = web.Response(status=200, text="half a docu")
    assert (await steps.call(**final)).status_code == 503
    steps.provider.answers["/finish"] = {"key": "k"}
    assert (await steps.call(**final)).status_code == 200
    assert Counter(path for _, path, _, _ in steps.provider.requests) == {"/swap/c1": 2, "/finish?code=c2": 2}


async def test_a_request_that_is_refused_ends_the_session(steps: Steps) -> None:
    for status in (400, 401, 403):
        session_id, _, params = await steps.sent(await steps.begin("winding", customAuth={"secret": f"{SECRET}-s"}))
        call: dict[str, Any] = {"sessionId": session_id, "callbackParams": {"code": "c1", "relay": params["relay"]}}
        steps.provider.answers["/swap/c1"] = web.json_response({"message": f"no {SECRET}-s here"}, status=status)
        refused = await steps.call(**call)
        assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (422, "credentials-refused")
        assert "no [secret] here" in refused.json()["detail"]
        assert SECRET not in refused.text
        assert await sessions(steps) == 0
        assert (await steps.call(**call)).json()["type"].endswith("custom-auth-session-over")


async def test_a_token_that_is_refused_makes_no_connection(steps: Steps) -> None:
    await steps.make_app()
    session_id, params = await steps.awaited()
    words = {"error": "invalid_client", "error_description": f"{SECRET}-app is not the secret"}
    steps.provider.answers[f"/{TENANT}/oauth2/v2.0/token"] = web.json_response(words, status=401)
    refused = await steps.call(sessionId=session_id, callbackParams=params)
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (422, "credentials-refused")
    assert SECRET not in refused.text
    assert await sessions(steps) == 0
    assert (await steps.client.get("/v1/projects/acme/connections")).json() == []


async def test_a_first_request_that_fails_leaves_nothing(steps: Steps) -> None:
    for answer, status in (
        ({"message": f"{INPUTS['password']} is wrong"}, 401),
        ({"authenticated_user": {}}, 200),
        ({"authenticated_user": {"user_key": ["k"]}}, 200),
        ({"authenticated_user": {"user_key": "a\nb"}}, 200),
        ({"message": "maintenance"}, 503),
    ):
        steps.provider.answers["/authentication"] = web.json_response(answer, status=status)
        refused = await steps.begin("redtail", customAuth=INPUTS)
        assert refused.status_code == (422 if status == 401 else 503), refused.text
        assert refused.json()["retryable"] is (status != 401)
        assert SECRET not in refused.text
        assert await sessions(steps) == 0
    assert (await steps.client.get("/v1/projects/acme/connections")).json() == []
