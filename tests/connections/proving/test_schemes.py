"""Every scheme's first access token is bought, and the credentials are shown to the provider, before they are kept."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qsl

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from conjunct.connections.credentials import CustomCredentials, OAuthTokens, StoredCredentials
from tests.connections.proving.conftest import ACCESS, SECRET, Seen, Shop
from tests.support.tokens import signing_key

CLIENT = {"clientId": "me", "clientSecret": SECRET}
TOKENS = {"accessToken": {"token": f"{SECRET}-given"}}


def pem() -> str:
    return signing_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def form(seen: Seen) -> dict[str, str]:
    return dict(parse_qsl(seen.body.decode()))


async def stored(shop: Shop, connection_id: str) -> StoredCredentials:
    async with shop.database.transaction() as session:
        return (await shop.service.open_all(session, shop.project.project_id, [connection_id]))[connection_id]


@pytest.mark.parametrize(
    ("name", "given", "header", "scheme"),
    [
        ("keyed", {"apiKey": SECRET}, ("X-Key", f"Key {SECRET}"), "apiKey"),
        ("guarded", {"basicAuth": {"username": "ann", "password": SECRET}},
         ("Authorization", basic(f"ann:{SECRET}")), "basic"),
        ("handed", {"oauth2AuthorizationCode": TOKENS},
         ("Authorization", f"Bearer {SECRET}-given"), "oauth2/authorizationCode"),
        ("custom", {"customAuth": {"seal": SECRET, "region": "eu"}}, ("X-Seal", SECRET), "none"),
    ],
)  # fmt: skip
async def test_credentials_that_the_provider_accepts_work(
    shop: Shop, name: str, given: dict[str, Any], header: tuple[str, str], scheme: str
) -> None:
    made = await shop.generate(name, **given)
    assert (made["status"], made["authScheme"]) == ("working", scheme)
    (seen,) = shop.provider.seen
    assert (seen.method, seen.path, seen.headers[header[0]]) == ("GET", "/me", header[1])
    assert seen.query == ({"where": "eu"} if name == "custom" else {})


async def test_a_client_buys_its_token_by_form(shop: Shop) -> None:
    made = await shop.generate("machine", oauth2ClientCredentials=CLIENT)
    assert (made["status"], made["authScheme"]) == ("working", "oauth2/clientCredentials")
    bought, check = shop.provider.seen
    assert form(bought) == {
        "grant_type": "client_credentials",
        "client_id": "me",
        "client_secret": SECRET,
        "scope": "read",
    }
    assert check.headers["Authorization"] == f"Bearer {ACCESS}"
    kept = (await shop.shown(made["id"]))["oauth2AuthorizationCode"]["accessToken"]
    assert (kept["token"], kept["expiresAt"][:19]) == (ACCESS, "2026-03-01T13:00:00")


async def test_a_client_buys_its_token_by_json_and_basic(shop: Shop) -> None:
    await shop.generate("coded", oauth2ClientCredentials={**CLIENT, "scopes": ["a", "b"]})
    bought = shop.provider.asked("/token")[0]
    assert json.loads(bought.body) == {"grant_type": "client_credentials", "scope": "a b"}
    assert bought.headers["Authorization"] == basic(f"me:{SECRET}")


async def test_a_client_is_renewed_with_the_scopes_that_were_asked_for(shop: Shop) -> None:
    """Some providers word the scopes that they grant in another way."""
    shop.provider.answers["/token"] = {"access_token": ACCESS, "expires_in": 1, "scope": "https://p/odd"}
    made = await shop.generate("machine", oauth2ClientCredentials={**CLIENT, "scopes": ["wanted"]})
    tokens = await stored(shop, made["id"])
    assert isinstance(tokens, OAuthTokens)
    assert (tokens.scopes, tokens.client is not None) == (("wanted",), True)


async def test_a_user_buys_tokens_by_password(shop: Shop) -> None:
    shop.provider.answers["/token"] = {"access_token": ACCESS, "refresh_token": f"{SECRET}-refresh"}
    user = {"username": "ann", "password": f"{SECRET}-p", **CLIENT}
    made = await shop.generate("logged", oauth2PasswordCredentials=user)
    assert (made["status"], made["authScheme"]) == ("working", "oauth2/password")
    assert form(shop.provider.asked("/token")[0]) == {
        "grant_type": "password",
        "username": "ann",
        "password": f"{SECRET}-p",
        "client_id": "me",
        "client_secret": SECRET,
    }
    tokens = await stored(shop, made["id"])
    assert isinstance(tokens, OAuthTokens)
    assert tokens.refresh is not None


async def test_values_are_exchanged_with_the_builders_client(shop: Shop) -> None:
    missing = await shop.generate("exchanged", 422, customAuth={"user": "ann", "pass": SECRET})
    assert missing["type"].endswith("/authorization-not-possible")
    app = {"provider": "exchanged", "clientId": "ours", "clientSecret": f"{SECRET}-app"}
    answer = await shop.client.post("/v1/projects/acme/provider-apps", json=app)
    made = await shop.generate("exchanged", customAuth={"user": "ann", "pass": SECRET})
    assert made["providerApp"]["id"] == answer.json()["id"]
    bought, check = shop.provider.seen
    assert form(bought) == {"user": "ann", "pass": SECRET}
    assert bought.headers["Authorization"] == basic(f"ours:{SECRET}-app")
    assert check.headers["Authorization"] == f"Bearer {ACCESS}"
    credentials = await stored(shop, made["id"])
    assert isinstance(credentials, CustomCredentials)
    assert credentials.values == {"user": "ann", "pass": SECRET}


async def test_salesforce_takes_an_assertion_that_the_customers_key_signed(shop: Shop) -> None:
    key = base64.b64encode(pem().encode()).decode()
    given = {"clientId": "consumer-key", "username": "ann@acme.com", "privateKey": key}
    made = await shop.generate("salesforceJWT", providerWorkspaceRef="acme", customAuth=given)
    assert made["status"] == "working"
    sent = form(shop.provider.asked("/services/oauth2/token")[0])
    claims = jwt.decode(
        sent["assertion"],
        signing_key().public_key(),
        algorithms=["RS256"],
        audience="https://login.salesforce.com",
        options={"verify_exp": False, "verify_iat": False},
    )
    assert (claims["iss"], claims["sub"]) == ("consumer-key", "ann@acme.com")
    assert claims["exp"] == int(shop.clock.now().timestamp()) + 180
    assert shop.provider.asked("/services/oauth2/userinfo")[0].headers["Authorization"] == f"Bearer {ACCESS}"


async def test_netsuite_takes_an_assertion_by_ps256(shop: Shop) -> None:
    given = {"clientId": "client", "certificateId": "cert-7", "privateKey": pem()}
    await shop.generate("netsuiteM2M", providerWorkspaceRef="1234567-sb", customAuth=given)
    path = "/services/rest/auth/oauth2/v1/token"
    token = form(shop.provider.asked(path)[0])["client_assertion"]
    claims = jwt.decode(
        token,
        signing_key().public_key(),
        algorithms=["PS256"],
        audience=f"https://1234567-sb.suitetalk.api.netsuite.com{path}",
        options={"verify_exp": False, "verify_iat": False},
    )
    assert (claims["iss"], claims["scope"]) == ("client", ["restlets", "rest_webservices"])
    assert jwt.get_unverified_header(token)["kid"] == "cert-7"


async def test_google_takes_a_service_accounts_assertion_for_the_scopes_given_as_a_list(shop: Shop) -> None:
    file = {"client_email": "bot@acme.iam", "private_key": pem(), "private_key_id": "kid-1"}
    key = base64.b64encode(json.dumps(file).encode()).decode()
    made = await shop.generate(
        "googleWorkspaceDelegation",
        customAuth={"serviceAccountKey": key, "scopes": ["https://g/calendar", "https://g/mail"]},
        providerMetadata={"userEmail": {"value": "ann@acme.com", "source": "input"}},
    )
    token = form(shop.provider.asked("/token")[0])["assertion"]
    claims = jwt.decode(
        token,
        signing_key().public_key(),
        algorithms=["RS256"],
        audience="https://oauth2.googleapis.com/token",
        options={"verify_exp": False, "verify_iat": False},
    )
    assert (claims["iss"], claims["sub"], claims["scope"]) == (
        "bot@acme.iam",
        "ann@acme.com",
        "https://g/calendar https://g/mail",
    )
    assert made["providerMetadata"]["scopes"]["value"] == "https://g/calendar https://g/mail"


@pytest.mark.parametrize(
    ("name", "given", "where"),
    [
        ("custom", {"customAuth": {}}, {"customAuth.seal", "customAuth.region"}),
        ("custom", {"customAuth": {"seal": "", "region": "moon"}}, {"customAuth.seal", "customAuth.region"}),
        ("custom", {"customAuth": {"seal": SECRET, "region": ["eu"]}}, {"customAuth.region"}),
        ("custom", {"customAuth": {"seal": SECRET, "region": "eu", "zeal": SECRET}}, {"customAuth.zeal"}),
        ("custom", {"customAuth": {"seal": SECRET * 3000, "region": "eu"}}, {"customAuth.seal"}),
        ("custom", {"customAuth": {"seal": SECRET, "region": "eu", "parts": [[[[["deep"]]]]]}}, {"customAuth.parts"}),
        ("custom", {"customAuth": {"seal": SECRET, "region": "eu", "parts": [SECRET] * 3000}}, {"customAuth.parts"}),
        ("custom", {"customAuth": {"seal": f"{SECRET}\nX: 1", "region": "eu"}}, {"customAuth"}),
        ("custom", {"apiKey": SECRET}, {"apiKey"}),
        ("machine", {"oauth2ClientCredentials": {"clientId": "", "clientSecret": SECRET}},
         {"oauth2ClientCredentials.clientId"}),
        ("machine", {"oauth2ClientCredentials": {"clientId": "me\n", "clientSecret": SECRET}},
         {"oauth2ClientCredentials"}),
        ("machine", {"oauth2AuthorizationCode": TOKENS}, {"oauth2AuthorizationCode"}),
        ("logged", {"oauth2PasswordCredentials": {"username": "ann", "password": "", **CLIENT}},
         {"oauth2PasswordCredentials.password"}),
        ("logged", {"oauth2ClientCredentials": CLIENT}, {"oauth2ClientCredentials"}),
        ("salesforceJWT", {"providerWorkspaceRef": "acme",
                           "customAuth": {"clientId": "a", "username": "b", "privateKey": SECRET}}, {"customAuth"}),
        ("googleWorkspaceDelegation", {"customAuth": {"serviceAccountKey": SECRET},
         "providerMetadata": {"userEmail": {"value": "a@b.c", "source": "input"}}}, {"customAuth"}),
    ],
)  # fmt: skip
async def test_what_the_provider_cannot_take_is_refused_before_it_is_asked(
    shop: Shop, name: str, given: dict[str, Any], where: set[str]
) -> None:
    problem = await shop.generate(name, 422, **given)
    assert {issue["name"] for issue in problem["issues"]} == where
    assert (shop.provider.seen, await shop.listed()) == ([], [])


async def test_structured_values_and_optional_ones_are_kept_as_they_are(shop: Shop) -> None:
    given = {"seal": SECRET, "region": "us", "parts": {"a": [1, {"b": True}]}, "note": None}
    made = await shop.generate("custom", customAuth=given)
    credentials = await stored(shop, made["id"])
    assert isinstance(credentials, CustomCredentials)
    assert credentials.values == {"seal": SECRET, "region": "us", "parts": {"a": [1, {"b": True}]}}
