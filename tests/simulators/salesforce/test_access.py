"""Consent and codes, refreshed and revoked tokens, the limit of requests: what the vendor's client leaves to others."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import parse_qs, urlsplit

import requests

from tests.simulators.salesforce.conftest import serving

TARGET = "https://app.example/callback?x=1"
APP = {"client_id": "app", "client_secret": "hush", "redirect_uri": TARGET}
VERIFIER = "verifier-" * 5
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


def _agree(url: str, **more: str) -> dict[str, str]:
    query = {"client_id": "app", "redirect_uri": TARGET, "state": "s", "response_type": "code", **more}
    answer = requests.get(f"{url}/services/oauth2/authorize", params=query, allow_redirects=False, timeout=30)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(f"{TARGET}&")
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def _token(url: str, **form: str) -> tuple[int, dict[str, str]]:
    answer = requests.post(f"{url}/services/oauth2/token", data=form, timeout=30)
    body: dict[str, str] = answer.json()
    return answer.status_code, body


def test_a_code_is_good_once_for_its_client_address_and_verifier(org):
    url = org.running.url
    granted: dict[str, str] = {}
    for more in ({}, {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}):
        given = _agree(url, **more)
        assert given["state"] == "s"
        form = {"grant_type": "authorization_code", "code": given["code"], "code_verifier": VERIFIER, **APP}
        status, granted = _token(url, **form)
        assert (status, granted["instance_url"], granted["token_type"]) == (200, url, "Bearer")
        assert _token(url, **form)[1]["error"] == "invalid_grant"
        for wrong in (
            {"redirect_uri": "https://b.example"},
            {"client_id": "b"},
            {"code_verifier": "x"} if more else {},
        ):
            if wrong:
                assert _token(url, **{**form, "code": _agree(url, **more)["code"], **wrong})[0] == 400
    assert _agree(url, client_id="refused")["error"] == "access_denied"
    identity = requests.get(granted["id"], headers={"Authorization": f"Bearer {granted['access_token']}"}, timeout=30)
    assert identity.json()["username"] == "admin@example.com"


def test_tokens_are_refreshed_and_revoked(org):
    url = org.running.url

    def asks(token: str, path: str = "/services/data/v60.0/limits") -> int:
        return requests.get(url + path, headers={"Authorization": f"Bearer {token}"}, timeout=30).status_code

    code = _agree(url)["code"]
    granted = _token(url, grant_type="authorization_code", code=code, **APP)[1]
    refresh = {"grant_type": "refresh_token", "refresh_token": granted["refresh_token"], **APP}
    renewed = _token(url, **refresh)[1]
    assert renewed["access_token"] != granted["access_token"]
    assert "refresh_token" not in renewed
    assert [asks(token) for token in (granted["access_token"], renewed["access_token"], "any")] == [200, 200, 200]
    org.clock.move(1800)
    assert [asks(token) for token in (granted["access_token"], "expired", "revoked", "")] == [401, 401, 401, 401]
    assert asks("expired", "/services/oauth2/userinfo") == 403
    revoked = requests.post(f"{url}/services/oauth2/revoke", data={"token": granted["refresh_token"]}, timeout=30)
    assert revoked.status_code == 200
    assert _token(url, **refresh)[1]["error"] == "invalid_grant"
    assert _token(url, **{**refresh, "client_secret": "wrong"})[1]["error"] == "invalid_client"
    assert _token(url, grant_type="magic")[1]["error"] == "unsupported_grant_type"


def test_requests_beyond_the_limit_are_refused_until_the_window_ends():
    with serving(records=10, rate_limit=2) as org:
        headers = {"Authorization": "Bearer any"}

        def ask() -> requests.Response:
            return requests.get(f"{org.running.url}/services/data/v60.0/limits/", headers=headers, timeout=30)

        assert [ask().status_code for _ in range(3)] == [200, 200, 403]
        assert ask().json()[0]["errorCode"] == "REQUEST_LIMIT_EXCEEDED"
        org.clock.move(10)
        assert ask().headers["Sforce-Limit-Info"] == "api-usage=5/100000"
        versions = requests.get(f"{org.running.url}/services/data", timeout=30).json()
        assert {"label": "Spring '24", "url": "/services/data/v60.0", "version": "60.0"} in versions
        assert (
            requests.get(f"{org.running.url}/services/data/v60/limits", headers=headers, timeout=30).status_code == 404
        )
