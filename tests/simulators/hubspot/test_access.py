"""Who may call: tokens, OAuth, the rate limit, and the shape of refusals."""

from __future__ import annotations

import re

import pytest

CONTACTS = "/crm/v3/objects/contacts"


def _bearer(token):
    return {"Authorization": f"Bearer {token}"}


async def _refresh(http, **form):
    return await http.post("/oauth/v1/token", data={"grant_type": "refresh_token", "client_id": "x", **form})


@pytest.mark.parametrize(
    ("authorization", "category"),
    [
        ("", "INVALID_AUTHENTICATION"),
        ("Bearer", "INVALID_AUTHENTICATION"),
        ("Basic eDp5", "INVALID_AUTHENTICATION"),
        ("Bearer revoked", "INVALID_AUTHENTICATION"),
        ("Bearer expired", "EXPIRED_AUTHENTICATION"),
    ],
)
async def test_a_call_without_a_good_token_is_refused_in_hubspots_shape(hubspot, authorization, category):
    answer = await hubspot.http.get(CONTACTS, headers={"Authorization": authorization})
    assert answer.status_code == 401
    assert list(answer.json()) == ["status", "message", "correlationId", "category"]
    assert (answer.json()["status"], answer.json()["category"]) == ("error", category)
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", answer.json()["correlationId"])


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_unknown_object_is_refused(hubspot, method):
    answer = await hubspot.http.request(method, "/crm/v3/objects/butterflies", json={})
    assert answer.status_code == 400
    assert answer.json()["message"] == "Unable to infer object type from: butterflies"


@pytest.mark.parametrize("path", ["/", "/crm/v3/unicorns", "/crm/v3/objects/contacts/1/2/3"])
async def test_an_unknown_path_is_not_found(hubspot, path):
    assert (await hubspot.http.get(path)).status_code == 404


@pytest.mark.parametrize("record_id", ["1", "x", "171591000251", "9" * 5000, "%FF", "%00"])
async def test_an_unknown_record_is_not_found(hubspot, record_id):
    answer = await hubspot.http.get(f"{CONTACTS}/{record_id}")
    assert (answer.status_code, answer.json()["category"]) == (404, "OBJECT_NOT_FOUND")


async def test_a_refresh_gives_another_access_token_that_expires(hubspot, clock):
    first = (await _refresh(hubspot.http, refresh_token="r1")).json()
    second = (await _refresh(hubspot.http, refresh_token="r1")).json()
    assert first["access_token"] != second["access_token"]
    assert (first["refresh_token"], first["expires_in"], first["token_type"]) == ("r1", 1800, "bearer")
    clock.move(1799)
    assert (await hubspot.http.get(CONTACTS, headers=_bearer(first["access_token"]))).status_code == 200
    clock.move(1)
    answer = await hubspot.http.get(CONTACTS, headers=_bearer(first["access_token"]))
    assert (answer.status_code, answer.json()["category"]) == (401, "EXPIRED_AUTHENTICATION")


async def test_the_lifetime_of_tokens_can_be_chosen(start):
    async with start(token_lifetime=5) as hubspot:
        assert (await _refresh(hubspot.http, refresh_token="r1")).json()["expires_in"] == 5


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"refresh_token": "revoked"}, "BAD_REFRESH_TOKEN"),
        ({}, "BAD_REFRESH_TOKEN"),
        ({"grant_type": "authorization_code", "code": "expired"}, "BAD_AUTH_CODE"),
        ({"grant_type": "password"}, "BAD_GRANT_TYPE"),
    ],
)
async def test_the_token_endpoint_refuses_in_its_own_shape(hubspot, form, status):
    answer = await _refresh(hubspot.http, **form)
    assert (answer.status_code, answer.json()["status"]) == (400, status)


TARGET = "https://app.example.com/callback?x=1"


async def _code(http, client_id="x"):
    params = {"client_id": client_id, "redirect_uri": TARGET, "state": "s&1", "scope": "oauth"}
    answer = await http.get("/oauth/authorize", params=params, headers={"Authorization": ""})
    assert answer.status_code == 302
    return answer.headers["Location"]


async def test_consent_leads_back_with_a_code_that_buys_tokens(hubspot):
    assert await _code(hubspot.http) == f"{TARGET}&code=sim-code-1&state=s%261"
    grant = {"grant_type": "authorization_code", "code": "sim-code-1", "redirect_uri": TARGET}
    tokens = (await _refresh(hubspot.http, **grant)).json()
    described = await hubspot.http.get(f"/oauth/v1/access-tokens/{tokens['access_token']}")
    assert (described.json()["hub_id"], described.json()["expires_in"]) == (44237313, 1800)
    again = await _refresh(hubspot.http, **grant)
    assert (again.status_code, again.json()["status"]) == (400, "BAD_AUTH_CODE")


async def test_a_deleted_refresh_token_is_bad_until_the_user_agrees_anew(hubspot):
    async def sign_in():
        found = re.search("code=([^&]+)", await _code(hubspot.http))
        assert found is not None
        grant = {"grant_type": "authorization_code", "code": found[1], "redirect_uri": TARGET}
        return (await _refresh(hubspot.http, **grant)).json()

    tokens = await sign_in()
    path = f"/oauth/v1/refresh-tokens/{tokens['refresh_token']}"
    assert (await hubspot.http.delete(path, headers={"Authorization": ""})).status_code == 204
    refused = await _refresh(hubspot.http, refresh_token=tokens["refresh_token"])
    assert (refused.status_code, refused.json()["status"]) == (400, "BAD_REFRESH_TOKEN")
    assert (await hubspot.http.get(CONTACTS, headers=_bearer(tokens["access_token"]))).status_code == 200
    again = await sign_in()
    assert (await _refresh(hubspot.http, refresh_token=again["refresh_token"])).status_code == 200


@pytest.mark.parametrize(
    "changed", [{"redirect_uri": "https://evil.example.com"}, {"client_id": "y"}, {"code": "sim-code-2"}, {"code": ""}]
)
async def test_a_code_is_good_for_the_client_and_address_that_it_was_given_to(hubspot, changed):
    await _code(hubspot.http)
    grant = {"grant_type": "authorization_code", "code": "sim-code-1", "redirect_uri": TARGET, **changed}
    answer = await _refresh(hubspot.http, **grant)
    assert (answer.status_code, answer.json()["status"]) == (400, "BAD_AUTH_CODE")


async def test_users_never_agree_to_the_client_named_refused(hubspot):
    where = await _code(hubspot.http, "refused")
    assert where == f"{TARGET}&error=access_denied&error_description=The+user+did+not+agree.&state=s%261"


async def test_a_wrong_client_secret_buys_nothing(hubspot):
    answer = await _refresh(hubspot.http, refresh_token="r1", client_secret="wrong")
    assert (answer.status_code, answer.json()["status"]) == (400, "BAD_CLIENT_SECRET")


async def test_consent_needs_to_know_where_to_go(hubspot):
    assert (await hubspot.http.get("/oauth/authorize", params={"client_id": "x"})).status_code == 400


async def test_beyond_the_rate_limit_the_answer_is_429_until_the_window_ends(start, clock):
    async with start(rate_limit=2) as hubspot:
        first = await hubspot.http.get(CONTACTS)
        clock.move(3.5)
        await hubspot.http.get(CONTACTS)
        limited = await hubspot.http.get(CONTACTS)
        clock.move(6.5)
        again = await hubspot.http.get(CONTACTS)
    assert first.headers["X-HubSpot-RateLimit-Max"] == "2"
    assert first.headers["X-HubSpot-RateLimit-Remaining"] == "1"
    assert first.headers["X-HubSpot-RateLimit-Interval-Milliseconds"] == "10000"
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "7")
    assert limited.headers["X-HubSpot-RateLimit-Remaining"] == "0"
    assert limited.json()["policyName"] == "TEN_SECONDLY_ROLLING"
    assert again.status_code == 200


async def test_a_refusal_counts_against_the_rate_limit_and_tells_what_is_left(start):
    async with start(rate_limit=5) as hubspot:
        answer = await hubspot.http.get("/crm/v3/objects/butterflies")
    assert answer.headers["X-HubSpot-RateLimit-Remaining"] == "4"
