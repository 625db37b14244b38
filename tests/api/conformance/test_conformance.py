"""Every operation of the four specifications is there, and answers as specified: what succeeds, and what is refused."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from conjunct.core.database import Database
from tests.api.conformance.driver import Driver
from tests.api.conformance.scenario import STEPS, Scene
from tests.support.platform import Platform, running_platform
from tests.support.specification import require_specification

NO_SUCCESS = {
    "getOrgBillingAccount": "nothing is billed on one's own machine",
    "createBillingAccountSession": "nothing is billed on one's own machine",
}
"""Operations that can only refuse, and why."""

NO_REFUSAL = {"listProviders": "it is public and takes nothing"}

TABLE = Path(__file__).parents[3] / "docs/reference/conformance.md"
HEAD = """# Conformance

Written by `tests/api/conformance`, which calls every operation of the specifications and holds each answer (its status,
media type and body) against the specification's own schema. `CONJUNCT_WRITE_CONFORMANCE=1` writes this page anew.

"""


async def test_every_operation_answers_as_specified(database: Database, tmp_path: Path) -> None:
    require_specification()
    async with running_platform(database, tmp_path, worker=False) as platform:
        scene = await set_the_scene(platform, database)
        for step in STEPS:
            await step(scene)
        await refuse_everybody_else(scene.driver)
    seen = scene.driver.seen
    lacking = {name for name in scene.driver.operations if not any(status < 400 for status in seen[name])}
    assert lacking == NO_SUCCESS.keys()
    unrefused = {name for name in scene.driver.operations if not any(status >= 400 for status in seen[name])}
    assert unrefused == NO_REFUSAL.keys()
    table = HEAD + scene.driver.table()
    if os.environ.get("CONJUNCT_WRITE_CONFORMANCE"):
        TABLE.write_text(table)
    assert TABLE.read_text() == table


async def refuse_everybody_else(driver: Driver) -> None:
    """Call everything that is not public without a credential, and with one of another project or org."""
    anything = {name: "nosuch" for each in driver.operations.values() for name in parameters(each.path)}
    for name, specified in driver.operations.items():
        if specified.is_public:
            continue
        await driver.call(name, 401, by="nobody", places=anything)
        if "{projectIdOrName}" in specified.path:
            body: Any = {} if "requestBody" in specified.operation else None
            places = {**anything, "projectIdOrName": "default"}
            await driver.call(name, 404, by="stranger", places=places, json=body)


def parameters(path: str) -> list[str]:
    return [part.partition("}")[0] for part in path.split("{")[1:]]


async def set_the_scene(platform: Platform, database: Database) -> Scene:
    """People and credentials of every kind, of an org that has one project."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    project = "/v1/projects/default"
    made = await platform.client.post(
        project + "/jwt-keys", json={"label": "k", "algorithm": "RS256", "publicKeyPem": pem.decode()}
    )
    now = int(time.time())
    claims = {"groupRef": "acme", "consumerRef": "ada", "iat": now, "exp": now + 600}
    token = jwt.encode(claims, key, algorithm="RS256", headers={"kid": made.json()["kid"]})
    frontend = await platform.client.post(project + "/api-keys", json={"label": "page", "scopes": ["frontend"]})
    shown = (await platform.client.get(project)).json()
    builders = platform.services.builders
    tokens, ids = {}, {}
    async with database.transaction() as session:
        for name in ("owner", "newcomer", "candidate", "founder"):
            builder = await builders.create(session, f"{name}@example.com")
            ids[name] = builder.id
            tokens[name] = await builders.give_token(session, builder.id)
            if name == "owner":
                await builders.join(session, builder, shown["orgId"], "owner")
        other = await platform.services.tenants.create_org_and_project(
            session, org="other", project="other", app_name="Other"
        )
    api_key = platform.client.headers.pop("X-Api-Key")
    credentials: dict[str, dict[str, str]] = {
        "nobody": {},
        "full": {"X-Api-Key": api_key},
        "frontend": {"X-Api-Key": frontend.json()["key"]},
        "stranger": {"X-Api-Key": other.api_key},
        "customer": {"Authorization": f"Bearer {token}"},
        **{name: {"Authorization": f"Bearer {each}"} for name, each in tokens.items()},
    }
    driver = Driver(platform.client, credentials, projectIdOrName="default", candidate=ids["candidate"])
    return Scene(platform, driver, shown["orgId"], ids["newcomer"], pem.decode())
