"""Every entry of the catalog authenticates as its facts say: where customers agree, requests for tokens, and what is
sent with each request, over the wire."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from conjunct.connections.credentials import CustomCredentials, OAuthTokens, StoredCredentials, Token, for_requests
from conjunct.connections.renewal import renewal_request
from conjunct.connectors import ApiKey, Basic, Connector, Definition, EgressTransport
from conjunct.connectors.addresses import address_of, checked_inputs
from conjunct.connectors.auth_definition import CustomAuth, OAuth2, RedirectStep, RequestStep
from conjunct.connectors.custom_steps import Known, kept_values, read_callback, redirect_url, request_of
from conjunct.connectors.definition import Check
from conjunct.connectors.oauth import (
    Login,
    OAuthClient,
    TokenRequest,
    authorization_url,
    challenge_of,
    client_credentials_request,
    code_request,
    password_request,
    refresh_request,
)
from conjunct.providers import catalog
from tests.connectors.scripted import Received, ScriptedProvider, scripted_provider
from tests.support.facts import filled, provider_facts

BACK = "https://app.test/callbacks/v1/oauth"
CLIENT = OAuthClient("client-1", "s3cret & more")
NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
BY_KIND = {"subdomain": "acme", "host": "acme.example.com", "url": "https://acme.example.com", "text": "some-thing"}
BY_NAME = {
    "coupa": {"workspace": "acme.coupahost.com"},
    "gong": {"api_base_url_for_customer": "https://us-1.api.gong.io"},
}
"""Values for inputs that must be the provider's hosts and have no default."""


def inputs_of(definition: Definition) -> dict[str, str]:
    given = {each.name: each.default or BY_KIND[each.kind] for each in definition.inputs if each.derive is None}
    return checked_inputs(definition, {**given, **BY_NAME.get(definition.name, {})})


def oauth_entries(*grants: str) -> list[tuple[str, Definition, OAuth2, dict[str, Any], dict[str, str]]]:
    found = []
    for name, entry in provider_facts().items():
        definition = catalog().get(name)
        options = entry.get("oauth2Opts", {})
        if options.get("grantType") in grants:
            assert isinstance(definition.auth, OAuth2)
            found.append((name, definition, definition.auth, options, inputs_of(definition)))
    return found


def scope_of(auth: OAuth2, options: dict[str, Any], inputs: Mapping[str, str], *asked: str) -> str:
    mapped = [filled(options.get("scopeMappings", {}).get(scope, scope), inputs) for scope in asked]
    return auth.scope_separator.join([*mapped, *auth.scopes_always])


def form_of(auth: OAuth2, request: TokenRequest) -> dict[str, str]:
    """What a request for tokens says, with the client's proof, however that is sent."""
    media_type = request.headers["Content-Type"]
    assert media_type == ("application/json" if auth.token_encode == "json" else "application/x-www-form-urlencoded")
    form: dict[str, str] = (
        json.loads(request.body) if auth.token_encode == "json" else dict(parse_qsl(request.body.decode()))
    )
    if auth.token_auth == "basic":
        assert "client_secret" not in form
        scheme, _, proof = request.headers["Authorization"].partition(" ")
        assert scheme == "Basic"
        client_id, client_secret = map(unquote, base64.b64decode(proof).decode().split(":"))
        form |= {"client_id": client_id, "client_secret": client_secret}
    for name, value in auth.token_params.items():
        assert form.pop(name) == value
    return form


def test_customers_are_sent_to_where_they_agree() -> None:
    entries = oauth_entries("authorizationCode", "authorizationCodePKCE")
    assert len(entries) == 117
    for name, definition, auth, options, inputs in entries:
        is_pkce = options["grantType"] == "authorizationCodePKCE"
        assert auth.pkce == is_pkce, name
        asked = (".default", "a b") if options.get("scopeMappings") else ("read", "a b")
        url = authorization_url(
            definition,
            "client-1",
            inputs,
            redirect_uri=BACK,
            state="st&te",
            scopes=asked,
            verifier="v" * 43 if auth.pkce else None,
        )
        sent, wanted = urlsplit(url), urlsplit(filled(options["authURL"], inputs))
        assert (sent.scheme, sent.netloc, sent.path) == (wanted.scheme, wanted.netloc, wanted.path), name
        query = {key: values[0] for key, values in parse_qs(sent.query, strict_parsing=True).items()}
        expected = {
            **options.get("authURLParams", {}),
            "response_type": "code",
            "client_id": "client-1",
            "redirect_uri": BACK,
            "state": "st&te",
            "scope": scope_of(auth, options, inputs, *asked),
        }
        if is_pkce:
            expected |= {"code_challenge": challenge_of("v" * 43), "code_challenge_method": "S256"}
        if "audience" in options:
            expected["audience"] = " ".join(options["audience"])
        assert {key: query.get(key) for key in expected} == expected, name
        assert query.keys() - expected.keys() <= auth.authorize_params.keys(), name


def test_codes_and_refresh_tokens_buy_tokens() -> None:
    for name, definition, auth, options, inputs in oauth_entries("authorizationCode", "authorizationCodePKCE"):
        verifier = "v" * 43 if options["grantType"] == "authorizationCodePKCE" else None
        bought = code_request(definition, CLIENT, inputs, code="c0de", redirect_uri=BACK, verifier=verifier)
        assert bought.url == filled(options["tokenURL"], inputs), name
        assert form_of(auth, bought) == {
            "grant_type": "authorization_code",
            "code": "c0de",
            "redirect_uri": BACK,
            "client_id": CLIENT.client_id,
            "client_secret": CLIENT.client_secret,
            **({"code_verifier": verifier} if verifier else {}),
        }, name
        again = refresh_request(definition, CLIENT, inputs, refresh_token="r3fresh")
        assert again.url == filled(options["tokenURL"], inputs), name
        assert form_of(auth, again) == {
            "grant_type": "refresh_token",
            "refresh_token": "r3fresh",
            "client_id": CLIENT.client_id,
            "client_secret": CLIENT.client_secret,
        }, name


def test_clients_and_users_of_the_customers_own_buy_tokens() -> None:
    entries = oauth_entries("clientCredentials", "password")
    assert [options["grantType"] for *_, options, _ in entries].count("clientCredentials") == 8
    assert len(entries) == 9
    proof = {"client_id": CLIENT.client_id, "client_secret": CLIENT.client_secret}
    for name, definition, auth, options, inputs in entries:
        assert auth.authorize_url is None, name
        if options["grantType"] == "clientCredentials":
            request = client_credentials_request(definition, CLIENT, inputs, scopes=("a", "b"))
            expected = {"grant_type": "client_credentials", "scope": "a b"}
        else:
            request = password_request(definition, CLIENT, inputs, login=Login("u", "p"), scopes=("a", "b"))
            expected = {"grant_type": "password", "username": "u", "password": "p", "scope": "a b"}
        assert request.url == filled(options["tokenURL"], inputs), name
        assert form_of(auth, request) == {**expected, **proof}, name


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("notion", {"token_auth": "basic", "token_encode": "json"}),
        ("quickbooks", {"token_auth": "basic", "token_encode": "form"}),
        ("atlassian", {"token_encode": "json", "scopes_always": ["offline_access"]}),
        ("shopify", {"scope_separator": ","}),
        ("zoho", {"scope_separator": ","}),
        ("salesforce", {"lifetime": 7200, "keep_alive": None}),
        ("xero", {"keep_alive": 60 * 86400, "scopes_always": ["offline_access"]}),
        ("hubspot", {"token_auth": "body", "scope_separator": " "}),
    ],
)
def test_what_the_facts_leave_out(name: str, said: dict[str, Any]) -> None:
    auth = catalog().get(name).auth
    assert {key: getattr(auth, key) for key in said} == said


@cache
def private_key() -> tuple[str, Any]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return pem, key.public_key()


def custom_values(name: str, entry: dict[str, Any]) -> dict[str, str]:
    """What a customer gives for a custom scheme, by its facts."""
    pem, _ = private_key()
    encoded = base64.b64encode(pem.encode()).decode()
    account = {"client_email": "bot@p.iam.test", "private_key": pem, "private_key_id": "kid-1"}
    special = {"privateKey": encoded, "serviceAccountKey": base64.b64encode(json.dumps(account).encode()).decode()}
    asked = [each["name"] for each in entry["customOpts"].get("inputs", [])]
    return {each: special.get(each, f"the {each}") for each in (asked if name != "snowflake" else ["token"])}


BOUGHT = Token("b0ught")


def credentials_for(name: str, definition: Definition, entry: dict[str, Any]) -> StoredCredentials:
    kind = entry["authType"]
    if kind == "oauth2":
        return OAuthTokens(Token("acc3ss"))
    if kind == "apiKey":
        return ApiKey("k3y")
    if kind == "basic":
        return Basic("us3r", "pass:word")
    auth = definition.auth
    assert isinstance(auth, CustomAuth)
    values = {**custom_values(name, entry), **{value: f"the {value}" for step in auth.steps for value in step.take}}
    return CustomCredentials(kept_values(auth, values), BOUGHT if auth.token is not None else None)


def signed_as(name: str, entry: dict[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """The headers and query parameters that the facts say a request carries."""
    if entry["authType"] == "oauth2":
        header = (
            entry["oauth2Opts"]
            .get("accessTokenOpts", {})
            .get("header", {"name": "Authorization", "valuePrefix": "Bearer "})
        )
        return {header["name"]: header.get("valuePrefix", "") + "acc3ss"}, {}
    if name == "aws":  # the facts say Basic, which AWS does not take: each request has a signature of its own
        return {}, {}
    if entry["authType"] == "basic":
        return {"Authorization": "Basic " + base64.b64encode(b"us3r:pass:word").decode()}, {}
    if entry["authType"] == "apiKey":
        options = entry["apiKeyOpts"]
        if options["attachmentType"] == "query":
            return {}, {options["query"]["name"]: "k3y"}
        return {options["header"]["name"]: options["header"].get("valuePrefix", "") + "k3y"}, {}
    made = {"userKeyCredentials": base64.b64encode(b"the apiKey:the userKey").decode(), "accessToken": BOUGHT.text}
    values = {**custom_values(name, entry), **made}
    headers = entry["customOpts"].get("headers")
    if headers is None:  # a token is bought, or (Snowflake) made by the customer
        return {"Authorization": "Bearer " + ("the token" if name == "snowflake" else BOUGHT.text)}, {}
    return {each["name"]: filled(each["valueTemplate"], values) for each in headers}, {}


async def sent_by(provider: ScriptedProvider, definition: Definition, credentials: StoredCredentials) -> Received:
    """The request that a connector sends to see whether the credentials are good."""
    # Not a copy: that would share what the definition keeps of its plans.
    probed = Definition.model_construct(**{**dict(definition), "check": Check(path="/probe?x=1")})
    connector = Connector(
        probed,
        transport=EgressTransport(provider.egress),
        credentials=for_requests(definition.auth, credentials),
        inputs=inputs_of(definition),
        base_url_override=provider.url,
    )
    await connector.check()
    return provider.received.pop()


async def test_every_request_is_signed_as_the_facts_say() -> None:
    walked = 0
    async with scripted_provider() as provider:
        provider.answer = lambda _: {"ok": True, "success": True}
        for name, entry in provider_facts().items():
            definition = catalog().get(name)
            received = await sent_by(provider, definition, credentials_for(name, definition, entry))
            headers, query = signed_as(name, entry)
            assert (received.method, received.path) == ("GET", "/probe"), name
            assert {key: received.headers.getall(key) for key in headers} == {  # type: ignore[attr-defined]
                key: [value] for key, value in headers.items()
            }, name
            assert {key: value for key, value in received.query.items() if key != "x"} == query, name
            walked += 1
    assert walked == 238


def test_base_urls_are_those_of_the_facts() -> None:
    for name, entry in provider_facts().items():
        definition = catalog().get(name)
        inputs = inputs_of(definition)
        if name != "aws":
            wanted = filled(entry["baseURL"], inputs).rstrip("/")
            assert address_of(definition, inputs).base_url == wanted, name


CLAIMS: dict[str, tuple[str, dict[str, Any], dict[str, str]]] = {
    "salesforceJWT": (
        "https://acme.my.salesforce.com/services/oauth2/token",
        {"iss": "the clientId", "sub": "the username", "aud": "https://login.salesforce.com"},
        {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"},
    ),
    "netsuiteM2M": (
        "https://acme.suitetalk.api.netsuite.com/services/rest/auth/oauth2/v1/token",
        {
            "iss": "the clientId",
            "aud": "https://acme.suitetalk.api.netsuite.com/services/rest/auth/oauth2/v1/token",
            "scope": ["restlets", "rest_webservices"],
        },
        {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        },
    ),
    "bigquery": (
        "https://oauth2.googleapis.com/token",
        {
            "iss": "bot@p.iam.test",
            "aud": "https://oauth2.googleapis.com/token",
            "scope": "https://www.googleapis.com/auth/bigquery",
        },
        {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"},
    ),
    "googleWorkspaceDelegation": (
        "https://oauth2.googleapis.com/token",
        {
            "iss": "bot@p.iam.test",
            "sub": "some-thing",
            "aud": "https://oauth2.googleapis.com/token",
            "scope": "https://www.googleapis.com/auth/calendar https://www.googleapis.com/auth/contacts"
            " https://www.googleapis.com/auth/gmail.modify",
        },
        {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"},
    ),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_assertions_are_signed_by_the_customers_key(name: str) -> None:
    url, claims, params = CLAIMS[name]
    definition, entry = catalog().get(name), provider_facts()[name]
    credentials = credentials_for(name, definition, entry)
    request = renewal_request(definition, None, inputs_of(definition), credentials, now=NOW)
    assert request is not None
    assert request.url == url
    form = dict(parse_qsl(request.body.decode()))
    assertion = form.pop("client_assertion" if name == "netsuiteM2M" else "assertion")
    assert form == params
    algorithm = "PS256" if name == "netsuiteM2M" else "RS256"
    found = jwt.decode(
        assertion,
        private_key()[1],
        algorithms=[algorithm],
        options={"verify_aud": False, "verify_exp": False, "verify_iat": False},
    )
    assert found.pop("iat") == int(NOW.timestamp())
    assert found.pop("jti")
    assert found.pop("exp") - int(NOW.timestamp()) == {"salesforceJWT": 180, "netsuiteM2M": 300}.get(name, 3600)
    assert found == claims
    kid = {"netsuiteM2M": "the certificateId", "salesforceJWT": None}.get(name, "kid-1")
    assert jwt.get_unverified_header(assertion).get("kid") == kid


@pytest.mark.parametrize(
    ("workspace", "audience"),
    [
        ("acme", "login"),
        ("acme-sandbox", "login"),
        ("acme--dev", "test"),
        ("acme--dev.sandbox", "test"),
        ("acme.scratch", "test"),
    ],
)
def test_a_sandbox_of_salesforce_has_another_audience(workspace: str, audience: str) -> None:
    inputs = checked_inputs(catalog().get("salesforceJWT"), {"workspace": workspace, "loginHost": "evil.example"})
    assert inputs["loginHost"] == f"{audience}.salesforce.com"


def test_an_administrator_agrees_and_the_builders_client_buys_tokens_for_the_tenant() -> None:
    definition = catalog().get("microsoftAdminConsent")
    auth = definition.auth
    assert isinstance(auth, CustomAuth)
    (step,) = auth.steps
    assert isinstance(step, RedirectStep)
    known = Known({}, {}, {"clientId": "client-1", "clientSecret": "s3cret"})
    url = urlsplit(redirect_url(definition, step, known, redirect_uri=BACK, state="st"))
    assert (url.netloc, url.path) == ("login.microsoftonline.com", "/organizations/v2.0/adminconsent")
    assert dict(parse_qsl(url.query)) == {
        "client_id": "client-1",
        "scope": "https://graph.microsoft.com/.default",
        "redirect_uri": BACK,
        "state": "st",
    }
    values = read_callback(definition, step, known, {"admin_consent": "True", "tenant": "t-1", "state": "st"})
    credentials = CustomCredentials(kept_values(auth, values))
    request = renewal_request(definition, OAuthClient("client-1", "s3cret"), {}, credentials, now=NOW)
    assert request is not None
    assert request.url == "https://login.microsoftonline.com/t-1/oauth2/v2.0/token"
    assert dict(parse_qsl(request.body.decode())) == {
        "grant_type": "client_credentials",
        "client_id": "client-1",
        "client_secret": "s3cret",
        "scope": "https://graph.microsoft.com/.default",
    }


def test_a_password_buys_a_key_of_the_user() -> None:
    definition = catalog().get("redtail")
    auth = definition.auth
    assert isinstance(auth, CustomAuth)
    (step,) = auth.steps
    assert isinstance(step, RequestStep)
    given = {"apiKey": "a", "username": "u", "password": "p"}
    request = request_of(definition, step, Known({"region": "crm"}, given)).request
    assert request.url == "https://crm.redtailtechnology.com/api/public/v1/authentication"
    assert base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")) == b"a:u:p"
    assert kept_values(auth, {**given, "userKey": "k"}) == {"apiKey": "a", "userKey": "k"}
