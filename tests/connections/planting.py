"""Connections of every kind, made and used with planted secrets, at a provider that repeats whatever it is sent."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
import yaml
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from conjunct.core.database import Database
from tests.conftest import EMPTY_ALL
from tests.support.echoing import Provider, Sent, echoing_provider
from tests.support.planted import Logs, Objects, Plants
from tests.support.platform import Platform, running_platform
from tests.support.tokens import signing_key

NEW_KEY = {"label": "l", "scopes": ["full"]}
WHO = {"groupRef": "acme", "consumerRef": "ada"}

AUTHS = {
    "header": "{type: apiKey, name: X-Key, prefix: 'Key '}",
    "query": "{type: apiKey, in: query, name: key}",
    "halved": "{type: basic, key_as: password, filler: api}",
    "guarded": "{type: basic}",
    "special": "{type: custom, inputs: [{name: seal}, {name: part}, {name: nested}], compose: {pair: '{seal}:{part}'}, "
    "headers: {X-Seal: '{pair|base64}', X-Nested: '{nested}'}, query: {part: '{part}'}}",
    "machine": "{type: oauth2, grant: client_credentials, token_url: 'https://machine.example.com/token'}",
    "password": "{type: oauth2, grant: password, token_encode: json, token_url: 'https://password.example.com/token'}",
    "code": "{type: oauth2, pkce: true, token_auth: basic, authorize_url: 'https://code.example.com/agree', "
    "token_url: 'https://code.example.com/token', revoke: {url: 'https://code.example.com/revoke'}}",
    "signed": """
  type: custom
  inputs: [{name: file}]
  unpack: {email: {from: file, at: client_email}, pem: {from: file, at: private_key}}
  token:
    url: https://signed.example.com/token
    params: {grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: '{assertion}'}
    assertion: {algorithm: RS256, key: '{pem}', claims: {iss: '{email}'}}
    lifetime: 3600
  headers: {Authorization: 'Bearer {access_token}'}""",
    "stepped": """
  type: custom
  inputs: [{name: seal}]
  steps:
    - redirect: https://stepped.example.com/agree
      params: {back: '{redirect_uri}', state: '{state}'}
      take: {code: code}
    - request: {method: POST, path: /swap, encode: form, body: {code: '{code}', seal: '{seal}'}, query: {c: '{code}'}}
      take: {key: key}
      basic: 'us:{seal}'
  keep: [key]
  headers: {X-Key: '{key}'}""",
}
BUYING = ("machine", "password", "signed")
GIVEN = ("header", "query", "halved", "guarded", "special", *BUYING)
"""Kinds whose credentials stand in the request that makes a connection."""

MANIFEST = {
    "specVersion": "1.0.0",
    "integrations": [
        {
            "name": "things",
            "provider": "header",
            "read": {
                "objects": [
                    {
                        "objectName": "things",
                        "destination": "webhook",
                        "schedule": "0 0 1 1 *",
                        "requiredFields": [{"fieldName": "name"}],
                    }
                ]
            },
        }
    ],
}


@dataclass
class Planted:
    """The platform, the provider, and all that is kept of what they write. `answers` are all but exempt answers."""

    platform: Platform
    provider: Provider
    plants: Plants
    logs: Logs
    objects: Objects
    client: httpx.AsyncClient
    folder: Path
    answers: list[str] = field(default_factory=list)
    statuses: dict[str, set[int]] = field(default_factory=dict)
    exempt: list[str] = field(default_factory=list)
    given: dict[str, dict[str, Any]] = field(default_factory=dict)
    connections: dict[str, str] = field(default_factory=dict)

    async def ask(
        self, method: str, path: str, *, shows: tuple[str, ...] = (), whole: bool = False, **options: Any
    ) -> httpx.Response:
        """A request to the project's path or, from `/v1` or a page's address, to that.

        What its answer says is kept, but for the texts in `shows`, which belong there; with `whole`, nothing of it.
        """
        full = path if path.startswith(("/v1/", "/read/", "/callbacks/", "/connect/")) else self.platform.project + path
        answer = await self.client.request(method, full, **options)
        said = f"{method} {answer.status_code} {dict(answer.headers)} {answer.text}"
        self.statuses.setdefault(self.provider.wrong or "good", set()).add(answer.status_code)
        for each in (*shows, *(quote(each, safe="") for each in shows)):
            said = said.replace(each, "")
        (self.exempt if whole else self.answers).append(said)
        return answer

    async def generate(self, kind: str) -> httpx.Response:
        return await self.ask("POST", "/connections:generate", json={"provider": kind, **WHO, **self.given[kind]})

    async def connect_by_code(self, *, error: str | None = None) -> httpx.Response:
        """A flow of OAuth: the customer is sent, and comes back with a code or with an error that repeats the state."""
        body = {"projectIdOrName": "default", "provider": "code", **WHO}
        sent = await self.ask("POST", "/v1/oauth-connect", json=body, whole=True)
        assert sent.status_code == 200, sent.text
        state = self.plants.note("state", dict(parse_qsl(urlsplit(sent.text).query))["state"])
        code = self.plants.make("code")
        query = {"state": state, "code": code}
        if error is not None:
            query = {**query, "error": error, "error_description": f"not {state} {code} {self.secret_of_app}"}
        return await self.ask("GET", "/callbacks/v1/oauth", params=query)

    async def connect_by_steps(self) -> httpx.Response:
        """A custom authentication of two steps: what is sent on and what comes back holds what must stand there."""
        body = {"projectIdOrName": "default", "provider": "stepped", **WHO, "customAuth": self.given["stepped"]}
        sent = await self.ask("POST", "/v1/custom-auth/connect", json=body, whole=True)
        assert sent.status_code == 200, sent.text
        redirect = sent.json()["redirect"]
        session = self.plants.note("session", redirect["sessionId"])
        state = self.plants.note("state", dict(parse_qsl(urlsplit(redirect["url"]).query))["state"])
        params = {"state": state, "code": self.plants.make("code")}
        page = await self.ask("GET", "/callbacks/v1/custom-auth", params=params, whole=True)
        assert page.status_code == 200, page.text
        again = {"projectIdOrName": "default", "sessionId": session, "callbackParams": params}
        return await self.ask("POST", "/v1/custom-auth/connect", json=again)

    async def use(self, kind: str, *, refresh: bool = False) -> None:
        """Prove a connection's credentials, read a page with them, and renew them."""
        one = f"/connections/{self.connections[kind]}"
        await self.ask("POST", f"{one}:check")
        if refresh:
            await self.ask("GET", f"{one}?refresh=force")
        await self.ask("GET", f"/providers/{kind}/objects/things/metadata?groupRef=acme")

    @property
    def secret_of_app(self) -> str:
        return str(self.given["code"]["clientSecret"])

    def answer(self, sent: Sent) -> Any:
        """What the provider says while nothing is wrong: new tokens, a key, an account, records."""
        for name in ("code_verifier", "assertion"):
            if name in sent.form:
                value = sent.form[name]
                self.plants.note(name, value.rpartition(".")[2] if name == "assertion" else value)
        if sent.path == "/token":
            tokens = {"access_token": self.plants.make("access token"), "expires_in": 3600, "token_type": "bearer"}
            has_refresh = sent.form["grant_type"] in ("authorization_code", "refresh_token", "password")
            return {**tokens, **({"refresh_token": self.plants.make("refresh token")} if has_refresh else {})}
        if sent.path == "/swap":
            return {"key": self.plants.make("key of the steps")}
        if sent.path == "/things":
            return {"things": [{"id": 1, "name": self.plants.control}], "total": 1}
        return {"me": "ada"} if sent.path in ("/me", "/revoke") else None


def write_providers(folder: Path) -> Path:
    for name, auth in AUTHS.items():
        path = folder / name / "provider.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(
            f"spec: conjunct/provider@1\nname: {name}\ndisplay: {name.title()}\nbase_url: https://{name}.example.com\n"
            f"auth: {auth.strip() if auth.startswith('{') else auth}\ncheck: {{path: /me}}\nerrors: {{code_at: code}}\n"
            "inputs: [{name: plan, source: provider}]\nafter_connect: [{request: {path: /me}, take: {plan: me}}]\n"
            "objects:\n  things:\n    schema: {source: sample}\n    count: {via: read, at: total}\n"
            "    read: {request: {path: /things}, records: things, id: id}\n"
        )
    return folder


def given(plants: Plants) -> dict[str, dict[str, Any]]:
    """Credentials for each kind, every part of them a secret."""
    make = plants.make
    pem = signing_key("planted").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    for line in pem.splitlines()[2:-2]:
        plants.note("line of a private key", line)
    file = json.dumps({"type": "service_account", "client_email": "us@example.com", "private_key": pem})
    client = {"clientId": "our-client", "clientSecret": make("client secret")}
    return {
        "header": {"apiKey": make("API key")},
        "query": {"apiKey": make("API key")},
        "halved": {"apiKey": make("API key")},
        "guarded": {"basicAuth": {"username": "ada", "password": make("password") + "é"}},
        "special": {
            "customAuth": {"seal": make("seal"), "part": make("part"), "nested": {"deep": [make("nested part")]}}
        },
        "machine": {"oauth2ClientCredentials": client},
        "password": {
            "oauth2PasswordCredentials": {
                "clientId": "our-client",
                "clientSecret": make("client secret"),
                "username": "ada",
                "password": make("password"),
            }
        },
        "signed": {"customAuth": {"file": base64.b64encode(file.encode()).decode()}},
        "stepped": {"seal": make("seal")},
        "code": {"provider": "code", "clientId": "our-client", "clientSecret": make("client secret")},
    }


@asynccontextmanager
async def planted(database_url: str, folder: Path) -> AsyncIterator[Planted]:
    """A platform with a worker on an empty database, whose every log line is kept from its start on."""
    plants, logs, objects = Plants(), Logs(), Objects()
    async with AsyncExitStack() as stack:
        stack.enter_context(logs.kept())
        database = Database(database_url)
        stack.push_async_callback(database.dispose)
        async with database.engine.begin() as connection:
            await connection.exec_driver_sql(EMPTY_ALL)
        provider = await stack.enter_async_context(echoing_provider(lambda sent: here.answer(sent)))  # noqa: PLW0108 - it is yet to be
        overrides = folder / "all.yaml"
        overrides.write_text(yaml.safe_dump({"*": provider.url}))
        data = folder / "data"
        data.mkdir()
        running = running_platform(
            database,
            data,
            providers_dir=write_providers(folder / "providers"),
            provider_overrides=overrides,
            log_level="debug",
        )
        platform = await stack.enter_async_context(running)
        platform.services.connections.token_endpoint.timeout = 3.0
        here = Planted(platform, provider, plants, logs, objects, platform.client, data, given=given(plants))
        yield here
