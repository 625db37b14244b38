"""JWT keys over HTTP: registered, shown, changed, and what they verify refused from the moment that they are off."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from conjunct.core.database import Database
from tests.support.platform import Platform, running_platform
from tests.support.specification import require_specification, specification

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SPKI = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
PKCS1 = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1).decode()
SMALL = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()
CURVE = ec.generate_private_key(ec.SECP256R1()).public_key()
PRIVATE = {
    "pkcs1": KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode(),
    "pkcs8": KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
    "encrypted": KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")).decode(),
}


@pytest.fixture
async def platform(database: Database, tmp_path: Path) -> AsyncIterator[Platform]:
    async with running_platform(database, tmp_path, worker=False) as platform:
        yield platform


def registration(**changed: Any) -> dict[str, Any]:
    return {"label": "production", "algorithm": "RS256", "publicKeyPem": SPKI, **changed}


async def register(platform: Platform, **changed: Any) -> str:
    made = await platform.send("POST", "/jwt-keys", 201, json=registration(**changed))
    assert made.keys() == {"kid"}
    return str(made["kid"])


async def opens(platform: Platform, kid: str) -> int:
    """The status that a token gets which names this key."""
    claims = {"groupRef": "acme", "consumerRef": "ada", "iat": int(time.time()), "exp": int(time.time()) + 60}
    token = jwt.encode(claims, KEY, algorithm="RS256", headers={"kid": kid})
    headers = {"X-Api-Key": "", "Authorization": f"Bearer {token}"}
    answer = await platform.client.get(platform.project + "/connections", headers=headers)
    return answer.status_code


def switch(**values: Any) -> dict[str, Any]:
    """A change of just these values."""
    return {"updateMask": list(values), "jwtKey": values}


def test_the_specification_is_there() -> None:
    require_specification()


@pytest.mark.parametrize("pem", [SPKI, PKCS1, f"\n  words before\n{SPKI}words after"])
async def test_a_public_key_is_registered_and_verifies(platform: Platform, pem: str) -> None:
    kid = await register(platform, publicKeyPem=pem)
    assert str(UUID(kid)) == kid
    assert await opens(platform, kid) == 200
    shown = await platform.send("GET", f"/jwt-keys/{kid}", 200)
    assert shown.pop("createTime") == shown.pop("updateTime")
    assert shown == {
        "id": kid,
        "projectId": platform.project_id,
        "label": "production",
        "algorithm": "RSA",
        "publicKeyPem": SPKI,
        "active": True,
    }


async def test_names_of_the_specifications_own_examples_are_understood(platform: Platform) -> None:
    made = await platform.send(
        "POST", "/jwt-keys", 201, json={"name": "production-key-1", "algorithm": "RSA", "publicKeyPem": SPKI}
    )
    body = {"updateMask": ["active", "name"], "jwtKey": {"active": False, "name": "deprecated-key"}}
    changed = await platform.send("PATCH", f"/jwt-keys/{made['kid']}", 200, json=body)
    assert (changed["label"], changed["active"]) == ("deprecated-key", False)


async def test_keys_are_listed_oldest_first(platform: Platform) -> None:
    assert await platform.send("GET", "/jwt-keys", 200) == []
    first, second = await register(platform, label="a"), await register(platform, label="b")
    await platform.send("PATCH", f"/jwt-keys/{first}", 200, json=switch(active=False))
    listed = await platform.send("GET", "/jwt-keys", 200)
    assert [(each["id"], each["active"]) for each in listed] == [(first, False), (second, True)]
    assert await platform.send("GET", "/jwt-keys?active=false", 200) == listed
    assert await platform.send("GET", "/jwt-keys?active=true", 200) == listed[1:]
    page = await platform.client.get("/v1/projects/default/jwt-keys?pageSize=1")
    assert page.json() == listed[:1]
    token = page.headers["X-Next-Page-Token"]
    assert await platform.send("GET", f"/jwt-keys?pageSize=1&pageToken={token}", 200) == listed[1:]


async def test_a_key_that_is_switched_off_verifies_nothing_from_that_moment(platform: Platform) -> None:
    kid = await register(platform)
    for active, status in ((False, 401), (True, 200), (False, 401)):
        changed = await platform.send("PATCH", f"/jwt-keys/{kid}", 200, json=switch(active=active))
        assert changed["active"] is active
        assert changed["updateTime"] > changed["createTime"]
        assert await opens(platform, kid) == status


async def test_a_key_that_is_deleted_verifies_nothing_from_that_moment(platform: Platform) -> None:
    kid = await register(platform)
    assert await opens(platform, kid) == 200
    await platform.send("DELETE", f"/jwt-keys/{kid}", 204)
    assert await opens(platform, kid) == 401
    await platform.send("DELETE", f"/jwt-keys/{kid}", 404)


async def refused(platform: Platform, method: str, path: str, status: int, body: Any = None) -> dict[str, Any]:
    """The problem, which comes as the plain JSON that the specification asks for."""
    answer = await platform.client.request(method, platform.project + "/jwt-keys" + path, json=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    problem: dict[str, Any] = answer.json()
    assert problem.keys() >= {"type", "title", "status", "detail", "requestId", "time"}
    return problem


@pytest.mark.parametrize("kind", sorted(PRIVATE))
async def test_a_private_key_is_refused_and_not_repeated(platform: Platform, kind: str) -> None:
    for pem in (PRIVATE[kind], SPKI + PRIVATE[kind], PRIVATE[kind].replace("\n", "\\n")):
        problem = await refused(platform, "POST", "", 400, registration(publicKeyPem=pem))
        assert "private key" in problem["detail"]
        assert "openssl rsa" in problem["remedy"]
        assert [issue["name"] for issue in problem["issues"]] == ["publicKeyPem"]
        assert not any(line in str(problem) for line in pem.splitlines() if len(line) > 40 and "KEY" not in line)
    assert await platform.send("GET", "/jwt-keys", 200) == []


CERTIFICATE = SPKI.replace("PUBLIC KEY", "CERTIFICATE")


@pytest.mark.parametrize(
    ("pem", "fault"),
    [
        (SMALL.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(), "1024 bits"),
        (CURVE.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(), "not an RSA key"),
        (CERTIFICATE, "a certificate"),
        (SPKI[:200], "not a public key in PEM"),
        (SPKI.replace("\n", "\\n"), "not a public key in PEM"),
        ("", "not a public key in PEM"),
        ("\N{SNOWMAN}", "not a public key in PEM"),
    ],
)
async def test_what_is_no_fitting_public_key_is_refused(platform: Platform, pem: str, fault: str) -> None:
    problem = await refused(platform, "POST", "", 400, registration(publicKeyPem=pem))
    assert fault in problem["detail"]


@pytest.mark.parametrize(
    ("changed", "faulty"),
    [
        ({"label": ""}, "label"),
        ({"label": "x" * 256}, "label"),
        ({"algorithm": "HS256"}, "algorithm"),
        ({"publicKeyPem": "x" * 20_001}, "publicKeyPem"),
        ({"publicKeyPem": 5}, "publicKeyPem"),
    ],
)
async def test_a_registration_that_is_not_valid(platform: Platform, changed: dict[str, Any], faulty: str) -> None:
    problem = await refused(platform, "POST", "", 400, registration(**changed))
    assert [issue["name"] for issue in problem["issues"]] == [faulty]


@pytest.mark.parametrize(
    ("body", "status", "faulty"),
    [
        ({"updateMask": [], "jwtKey": {}}, 400, ["updateMask"]),
        ({"updateMask": ["publicKeyPem"], "jwtKey": {"publicKeyPem": SPKI}}, 400, ["updateMask.0"]),
        ({"updateMask": ["active", "label"], "jwtKey": {}}, 422, ["jwtKey.active", "jwtKey.label"]),
        ({"updateMask": ["active"], "jwtKey": {"active": 1}}, 400, ["jwtKey.active"]),
    ],
)
async def test_a_change_that_cannot_be_made(
    platform: Platform, body: dict[str, Any], status: int, faulty: list[str]
) -> None:
    kid = await register(platform)
    problem = await refused(platform, "PATCH", f"/{kid}", status, body)
    assert [issue["name"] for issue in problem["issues"]] == faulty
    assert (await platform.send("GET", f"/jwt-keys/{kid}", 200))["active"] is True


@pytest.mark.parametrize(("method", "body"), [("GET", None), ("PATCH", switch(active=False)), ("DELETE", None)])
async def test_a_key_of_another_project_is_as_unknown_as_any(
    platform: Platform, method: str, body: dict[str, Any] | None
) -> None:
    async with platform.services.database.transaction() as session:
        other = await platform.services.tenants.create_org_and_project(session, org="o", project="other", app_name="O")
    path, headers = "/v1/projects/other/jwt-keys", {"X-Api-Key": other.api_key}
    theirs = (await platform.client.post(path, json=registration(), headers=headers)).json()["kid"]
    problem = await refused(platform, method, f"/{theirs}", 404, body)
    assert problem["detail"] == f"There is no JWT key {theirs!r} in this project."
    assert (await platform.client.get(f"{path}/{theirs}", headers=headers)).json()["active"] is True


async def test_what_the_specification_does_not_name_is_a_problem_as_everywhere(platform: Platform) -> None:
    answer = await platform.client.get("/v1/projects/default/jwt-keys", headers={"X-Api-Key": "cj_unknown"})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


async def test_the_specifications_own_example_of_a_key_is_refused_for_its_cut_off_pem_alone(
    platform: Platform,
) -> None:
    require_specification()
    path = "/projects/{projectIdOrName}/jwt-keys"
    content = (specification() or {})["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    example = content["examples"]["example1"]["value"]
    problem = await refused(platform, "POST", "", 400, example)
    assert [issue["name"] for issue in problem["issues"]] == ["publicKeyPem"]
    await platform.send("POST", "/jwt-keys", 201, json=example | {"publicKeyPem": SPKI})
