"""How a provider is told that a grant is over, in each of the ways that there are."""

from __future__ import annotations

import base64
from urllib.parse import parse_qsl

import orjson
import pytest

from conjunct.connectors import load_definition
from conjunct.connectors.oauth import OAuthClient, RevocationRequest, revocation_request

CLIENT = OAuthClient("client", "s3cret+")


def request(revoke: str, *, client: OAuthClient | None = CLIENT, **tokens: str | None) -> RevocationRequest | None:
    definition = load_definition(
        "spec: conjunct/provider@1\nname: gate\ndisplay: Gate\nbase_url: https://gate.example.com\n"
        "inputs: [{name: workspace, kind: subdomain}]\n"
        "auth:\n  type: oauth2\n  authorize_url: https://gate.example.com/authorize\n"
        f"  token_url: https://gate.example.com/token\n  revoke: {revoke}\n"
    )
    given = {"access_token": "a-token", "refresh_token": "r-token", **tokens}
    return revocation_request(definition, client, {"workspace": "acme"}, **given)


def form(found: RevocationRequest | None) -> dict[str, str]:
    assert found is not None
    assert found.body is not None
    return dict(parse_qsl(found.body.decode()))


def test_as_the_standard_says() -> None:
    found = request("{url: 'https://{workspace}.gate.example.com/revoke'}")
    assert found is not None
    assert (found.method, found.url) == ("POST", "https://acme.gate.example.com/revoke")
    assert found.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert form(found) == {
        "token": "r-token",
        "token_type_hint": "refresh_token",
        "client_id": "client",
        "client_secret": "s3cret+",
    }
    assert "s3cret+" not in repr(found)
    assert "r-token" not in repr(found)


def test_without_a_refresh_token_the_access_token_is_named() -> None:
    found = form(request("{url: 'https://gate.example.com/revoke'}", refresh_token=None))
    assert (found["token"], found["token_type_hint"]) == ("a-token", "access_token")


def test_an_address_of_refresh_tokens_takes_no_other() -> None:
    way = "{url: 'https://gate.example.com/tokens/{token}', method: DELETE, param: null, proof: none}"
    found = request(way, client=None)
    assert found is not None
    assert (found.method, found.url, found.body) == ("DELETE", "https://gate.example.com/tokens/r-token", None)
    assert request(way, client=None, refresh_token=None) is None


def test_with_the_client_in_the_header_and_a_json_body() -> None:
    found = request("{url: 'https://gate.example.com/revoke', proof: basic, encode: json, params: {why: over}}")
    assert found is not None
    assert base64.b64decode(found.headers["Authorization"].removeprefix("Basic ")) == b"client:s3cret%2B"
    assert orjson.loads(found.body or b"") == {"why": "over", "token": "r-token", "token_type_hint": "refresh_token"}


def test_with_the_access_token_as_proof_and_all_in_the_query() -> None:
    found = request("{url: 'https://gate.example.com/revoke', token: access_token, proof: bearer, encode: query}")
    assert found is not None
    assert found.headers["Authorization"] == "Bearer a-token"
    assert found.url == "https://gate.example.com/revoke?token_type_hint=access_token&token=a-token"


@pytest.mark.parametrize("proof", ["body", "basic"])
def test_without_the_client_that_must_ask_nothing_is_asked(proof: str) -> None:
    assert request(f"{{url: 'https://gate.example.com/revoke', proof: {proof}}}", client=None) is None
