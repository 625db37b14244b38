"""Every kind of credential, by a name for it: the headers to send."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, update

from conjunct.tenants.credentials import digest_of
from conjunct.tenants.models import BuilderTokenRow, JwtKeyRow
from tests.api.world import World
from tests.support.tokens import customer_token, make_builder, public_pem

Headers = dict[str, str]


@dataclass(frozen=True, slots=True)
class Credentials:
    """`bad` opens nothing; `good` does what the table of `test_access_matrix` says. Tokens are signed when asked."""

    bad: dict[str, Callable[[], Headers]]
    good: dict[str, Callable[[], Headers]]


async def make_credentials(world: World) -> Credentials:
    """One of each kind, for the world's project `default` and the group `acme` in it."""
    keys, builders, kid = world.keys, world.builders, world.jwt_key_id
    off, theirs = await _register(world, "default", keys["full"]), await _register(world, "other", world.other.api_key)
    async with world.database.transaction() as session:
        await session.execute(update(JwtKeyRow).where(JwtKeyRow.id == off).values(active=False))
    expired, withdrawn = await _expired(world), await _withdrawn(world)

    def key(api_key: str, **beside: str) -> Callable[[], Headers]:
        return lambda: {"X-Api-Key": api_key, **beside}

    def bearer(token: str) -> Callable[[], Headers]:
        return lambda: _bearer(token)

    def token(group: str = "acme", consumer: str = "ada", *, kid: str = kid, **changed: Any) -> Callable[[], Headers]:
        """A customer's token; `iat` and `exp` are seconds from now."""

        def signed() -> Headers:
            now = time.time()
            times = {name: now + changed[name] for name in ("iat", "exp") if changed.get(name) is not None}
            return _bearer(customer_token(kid, group, consumer, **{**changed, **times}))

        return signed

    return Credentials(
        bad={
            "none": dict,
            "an empty key": key(""),
            "an unknown key": key(keys["unknown"]),
            "a key that is off": key(keys["inactive"]),
            "a key as a bearer token": bearer(keys["full"]),
            "a key as basic authentication": lambda: {"Authorization": f"Basic {keys['full']}"},
            "an unknown key beside an owner's token": key(keys["unknown"], **_bearer(builders["owner"])),
            "a token that has expired": token(iat=-200, exp=-100),
            "a token of more than 600 seconds": token(exp=700),
            "a token of tomorrow": token(iat=86_400, exp=86_500),
            "a token without an end": token(exp=None),
            "a token that ends never": token(exp=float("inf")),
            "a token signed by another key": token(key="another"),
            "a token whose key is off": token(kid=off),
            "a token whose key is unknown": token(kid=world.project_id),
            "a token whose key is a NUL": token(kid="\0"),
            "a token whose key is half a character": lambda: _forged({"alg": "RS256", "kid": "\ud800"}, b"x"),
            "a token without a group": token(groupRef=None),
            "a token without a consumer": token(consumerRef=None),
            "a token without a signature": lambda: _forged({"alg": "none", "kid": kid}),
            "a token signed with the public key": lambda: _forged({"alg": "HS256", "kid": kid}, public_pem().encode()),
            "an unknown builder's token": bearer("cjb_unknown"),
            "a builder's token that has expired": bearer(expired),
            "a builder's token that was taken back": bearer(withdrawn),
        },
        good={
            "a key without a scope": key(keys["without a scope"]),
            "a frontend key": key(keys["frontend"]),
            "a frontend key beside an owner's token": key(keys["frontend"], **_bearer(builders["owner"])),
            "a full key": key(keys["full"]),
            "a full key beside a bad token": key(keys["full"], **_bearer("nonsense")),
            "a full key of another project": key(world.other.api_key),
            "a token of the group": token(),
            "a token of another group": token("globex", "bob"),
            "a token of a group that is not there": token("nosuch", "nobody"),
            "a token of another project": token(kid=theirs),
            "an owner": bearer(builders["owner"]),
            "a member": bearer(builders["member"]),
            "a builder of another org": bearer(builders["of another org"]),
            "a builder without an org": bearer(builders["without an org"]),
        },
    )


def _bearer(token: str) -> Headers:
    return {"Authorization": f"Bearer {token}"}


async def _register(world: World, project: str, api_key: str) -> str:
    body = {"label": "more", "algorithm": "RS256", "publicKeyPem": public_pem()}
    path, headers = f"/v1/projects/{project}/jwt-keys", {"X-Api-Key": api_key}
    return str((await world.client.post(path, json=body, headers=headers)).json()["kid"])


def _forged(header: dict[str, Any], secret: bytes = b"") -> Headers:
    """A token that no library would make; without a secret it has no signature."""
    claims = {"groupRef": "acme", "consumerRef": "ada", "iat": int(time.time()), "exp": int(time.time()) + 300}
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)]
    signature = hmac.digest(secret, b".".join(parts), hashlib.sha256) if secret else b""
    return _bearer(b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode())


async def _expired(world: World) -> str:
    _, token = await make_builder(world.database, "old", world.platform.org_id)
    async with world.database.transaction() as session:
        row = update(BuilderTokenRow).where(BuilderTokenRow.digest == digest_of(token))
        await session.execute(row.values(expire_time=datetime.now(UTC) - timedelta(seconds=1)))
    return token


async def _withdrawn(world: World) -> str:
    _, token = await make_builder(world.database, "gone", world.platform.org_id)
    async with world.database.transaction() as session:
        await session.execute(delete(BuilderTokenRow).where(BuilderTokenRow.digest == digest_of(token)))
    return token
