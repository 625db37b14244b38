"""JWTs that builders sign for their customers: which are accepted, and whom they speak for."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from conjunct.core.database import Database
from conjunct.core.encryption import Keyring, new_key
from conjunct.core.problems import Forbidden, NotFound, Unauthorized
from conjunct.tenants import Authenticator, NewProject, ProjectKeys
from conjunct.tenants.models import JwtKeyRow
from tests.support.tenants import make_project

KID = "b9a0b1b2-7d1e-4c5c-8f6d-3a0a3f7c6d5e"
OWN = rsa.generate_private_key(public_exponent=65537, key_size=2048)
FOREIGN = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC = OWN.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def claims(**changed: Any) -> dict[str, Any]:
    """Good claims, but for those that are given; None takes one away."""
    now = int(time.time())
    good = {"sub": "ada@example.com", "groupRef": "acme", "consumerRef": "ada", "iat": now, "exp": now + 300}
    return {name: value for name, value in {**good, **changed}.items() if value is not None}


def token(given: dict[str, Any] | None = None, key: rsa.RSAPrivateKey = OWN, **header: Any) -> str:
    return jwt.encode(given or claims(), key, algorithm="RS256", headers={"kid": KID, **header})


def handmade(header: dict[str, Any], secret: bytes | None = None) -> str:
    """A token that no library would make."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims())]
    signature = b"" if secret is None else hmac.digest(secret, b".".join(parts), hashlib.sha256)
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


@pytest.fixture
async def project(database: Database) -> NewProject:
    made = await make_project(database, ProjectKeys(Keyring({"m1": new_key()}, current="m1")), "acme")
    async with database.transaction() as session:
        session.add(
            JwtKeyRow(id=KID, project_id=made.project_id, label="k", algorithm="RS256", public_key_pem=PUBLIC.decode())
        )
    return made


async def test_a_token_speaks_for_one_consumer_of_one_group(database: Database, project: NewProject) -> None:
    authenticator = Authenticator(database)
    caller = await authenticator.authenticate(bearer=token())
    assert (caller.kind, caller.group_ref, caller.consumer_ref) == ("jwt", "acme", "ada")
    assert await authenticator.open_project(caller, "acme") == project.project_id
    with pytest.raises(NotFound):
        await authenticator.open_project(caller, "other")
    with pytest.raises(Forbidden):
        caller.require("full")
    caller.require("frontend")


async def test_it_is_kept_to_its_own_group_and_consumer(database: Database, project: NewProject) -> None:
    caller = await Authenticator(database).authenticate(bearer=token())
    assert caller.confine(None) == caller.confine("acme") == "acme"
    assert caller.confine_consumer(None) == caller.confine_consumer("ada") == "ada"
    with pytest.raises(Forbidden):
        caller.confine("globex")
    with pytest.raises(Forbidden):
        caller.confine_consumer("bob")


async def test_a_few_seconds_after_its_end_a_token_still_passes(database: Database, project: NewProject) -> None:
    now = int(time.time())
    await Authenticator(database).authenticate(bearer=token(claims(iat=now - 303, exp=now - 3)))


@dataclass(frozen=True)
class FromNow:
    """A moment so many seconds from when the test runs; the name of a test is the same whenever it is collected."""

    seconds: int

    def unix(self) -> int:
        return int(time.time()) + self.seconds


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": FromNow(-60), "iat": FromNow(-100)},
        {"iat": FromNow(600), "exp": FromNow(900)},
        {"nbf": FromNow(600)},
        {"exp": FromNow(1200)},
        {"exp": None},
        {"iat": None},
        {"exp": "soon"},
        {"iat": float("inf")},
        {"groupRef": None},
        {"groupRef": ""},
        {"groupRef": 5},
        {"groupRef": "x" * 501},
        {"groupRef": "a\x00b"},
        {"consumerRef": None},
        {"consumerRef": {"a": 1}},
    ],
    ids=repr,
)
async def test_claims_that_are_not_good_are_refused(
    database: Database, project: NewProject, changed: dict[str, Any]
) -> None:
    now = {name: value.unix() if isinstance(value, FromNow) else value for name, value in changed.items()}
    with pytest.raises(Unauthorized):
        await Authenticator(database).authenticate(bearer=token(claims(**now)))


@pytest.mark.parametrize(
    "forged",
    [
        token(key=FOREIGN),
        token(kid="c0ffee00-7d1e-4c5c-8f6d-3a0a3f7c6d5e"),
        jwt.encode(claims(), OWN, algorithm="RS256"),
        jwt.encode(claims(), OWN, algorithm="RS512", headers={"kid": KID}),
        handmade({"alg": "none", "kid": KID}),
        handmade({"alg": "HS256", "kid": KID}, secret=PUBLIC),
        handmade({"alg": "RS256", "kid": KID}, secret=PUBLIC),
        token(kid=KID)[:-4],
        "cjb_unknown",
        "nonsense",
        "a.b.c",
        "x" * 10_000,
    ],
)
async def test_forged_tokens_are_refused(database: Database, project: NewProject, forged: str) -> None:
    with pytest.raises(Unauthorized):
        await Authenticator(database).authenticate(bearer=forged)


async def test_a_key_that_is_switched_off_opens_nothing(database: Database, project: NewProject) -> None:
    authenticator = Authenticator(database)
    await authenticator.authenticate(bearer=token())
    async with database.transaction() as session:
        (await session.get_one(JwtKeyRow, KID)).active = False
    authenticator.forget()
    with pytest.raises(Unauthorized):
        await authenticator.authenticate(bearer=token())


async def test_an_api_key_goes_before_a_bearer_token(database: Database, project: NewProject) -> None:
    caller = await Authenticator(database).authenticate(api_key=project.api_key, bearer=token())
    assert caller.kind == "api_key"
    with pytest.raises(Unauthorized):
        await Authenticator(database).authenticate(api_key="cj_unknown", bearer=token())
