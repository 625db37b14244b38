"""The specifications' own examples of requests are accepted.

What an example names (a project, a group, an object, a provider) is replaced by what exists here; its shape stays. Each
is sent on its own, to a platform where it makes sense.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml
from sqlalchemy import update

from conjunct.core.database import Database
from conjunct.tenants.models import BuilderRow
from tests.api.conformance.examples import OF_FIELDS, example_bodies, speaking_of
from tests.api.conformance.operations import Specified, specified_operations
from tests.support.platform import Platform, running_platform
from tests.support.specification import require_specification
from tests.support.tokens import make_builder, public_pem

FROM_FIELDS = {
    "createProviderApp",
    "patchObjectConfigContent",
    "createApiKey",
    "createOrg",
    "createOrgInvite",
    "createTopic",
    "updateTopic",
    "claimDomain",
    "triggerRead",
    "pauseReads",
    "unpauseReads",
    "deliverResults",
    "searchRecords",
}
"""Operations without an example of a whole request, whose fields' examples make one."""

REFUSED = {
    ("createJWTKey", "example1"): (400, "its public key is not a key: the text is cut off"),
    ("updateConnection", "rotateApiKey"): (400, "the one connection here is an OAuth one"),
    ("updateConnection", "updateBasicAuth"): (400, "the one connection here is an OAuth one"),
    **{
        ("writeRecords", name): (422, "the provider refuses it: its account has no such field")
        for name in ("single-create", "batch-create")
    },
    **{
        ("writeRecords", name): (422, "the provider refuses it: its account has no such record")
        for name in ("single-create-associations", "single-update", "single-delete")
    },
}
"""Examples that cannot be accepted: the status that they get, and why."""

FIELDS = [{"fieldName": name} for name in ("email", "phone", "firstname", "lastname", "jobtitle")]
MANIFEST: dict[str, Any] = {
    "specVersion": "1.0.0",
    "integrations": [
        {
            "name": "crm",
            "provider": "hubspot",
            "read": {
                "objects": [
                    {
                        "objectName": "contacts",
                        "destination": "contactWebhook",
                        "schedule": "*/10 * * * *",
                        "delivery": {"mode": "onRequest"},
                        "requiredFields": [{"fieldName": "email"}],
                        "optionalFields": [
                            *FIELDS[1:],
                            {"fieldName": "billingcity"},
                            {"mapToName": "phoneNumber", "prompt": "Phone"},
                            {"mapToName": "emailAddress", "prompt": "Email"},
                        ],
                    },
                ]
            },
            "write": {"objects": [{"objectName": "contacts", "inheritMapping": True}]},
            "subscribe": {
                "objects": [
                    {
                        "objectName": "contacts",
                        "destination": "contactWebhook",
                        "inheritFieldsAndMapping": True,
                        "createEvent": {"enabled": "always"},
                    }
                ]
            },
        }
    ],
}


async def test_examples_are_accepted(database: Database, tmp_path: Path) -> None:
    require_specification()
    async with running_platform(database, tmp_path, worker=False) as platform:
        stage = await set_up(platform, database)
        answers = {
            (specified.name, example): await stage.send(specified, body)
            for specified in specified_operations().values()
            for example, body in example_bodies(specified)
            if example != OF_FIELDS or specified.name in FROM_FIELDS
        }
    assert len(answers) > 40
    operations = specified_operations()
    faults = {key: found for key, answer in answers.items() if (found := list(operations[key[0]].faults(answer)))}
    assert not faults
    refused = {key: answer.status_code for key, answer in answers.items() if answer.status_code >= 400}
    told = "\n".join(f"{key}: {answers[key].text[:600]}" for key in refused if key not in REFUSED)
    assert refused == {key: status for key, (status, _) in REFUSED.items()}, told


@dataclass(frozen=True, slots=True)
class Stage:
    """A platform where the examples make sense. `existing` are names by the fields that hold them."""

    platform: Platform
    existing: dict[str, str]
    places: dict[str, str]
    headers: dict[str, dict[str, str]]

    async def send(self, specified: Specified, body: Any) -> httpx.Response:
        """Send an example, naming what exists."""
        existing = dict(self.existing)
        if specified.name == "createInstallation":
            existing |= await self.connect(body["groupRef"])
        if specified.name == "patchObjectConfigContent":
            existing |= await self.connect("patched")
            await self.install("patched")
        if specified.name in ("upsertMetadataForConnection", "upsertMetadataForInstallation"):
            body = {**body, "fields": {"contacts": [each for fields in body["fields"].values() for each in fields]}}
        url, query = specified.path, {"groupRef": "acme"} if specified.name == "searchRecords" else {}
        for name in re.findall(r"{(\w+)}", url):
            url = url.replace(f"{{{name}}}", self.places[name])
        return await self.platform.client.request(
            specified.method, url, params=query, json=speaking_of(body, existing), headers=self._headers(specified)
        )

    async def connect(self, group: str) -> dict[str, str]:
        """Connect a new group."""
        body = {
            "provider": "hubspot",
            "groupRef": group,
            "consumerRef": "ada",
            "oauth2AuthorizationCode": {"accessToken": {"token": "good"}},
        }
        made = await self.platform.send("POST", "/connections:generate", 201, json=body)
        return {"groupRef": group, "connectionId": made["id"]}

    async def install(self, group: str) -> None:
        """Install the integration for a group, as the examples have it."""
        selected = {"objectName": "contacts", "schedule": "*/15 * * * *", "selectedFields": {"billingcity": True}}
        body = {"groupRef": group, "config": {"content": {"read": {"objects": {"contacts": selected}}}}}
        await self.platform.send("POST", "/integrations/crm/installations", 201, json=body)

    def _headers(self, specified: Specified) -> dict[str, str]:
        if specified.name == "createOrg":
            return self.headers["founder"]
        return self.headers["owner" if specified.operation.get("security") else "full"]


async def set_up(platform: Platform, database: Database) -> Stage:
    """Deploy, connect, install, and make one of everything that an example may name."""
    send = platform.send
    target = {"name": "contactWebhook", "type": "webhook", "metadata": {"url": platform.receiver.url}}
    destination = await send("POST", "/destinations", 201, json=target)
    await send("POST", "/destinations", 201, json={**target, "name": "contactsWebhook"})
    (crm,) = await send("PUT", "/integrations:batch", 200, json={"sourceYaml": yaml.safe_dump(MANIFEST)})
    await platform.connect()
    platform.integration = crm["id"]
    deletes = {"objectName": "contacts", "deletionSettings": {"enabled": True}}
    await platform.install({"read": {"objects": {"contacts": {}}}, "write": {"objects": {"contacts": deletes}}})
    topic = await send("POST", "/topics", 201, json={"name": "notices"})
    app = {"provider": "hubspot", "clientId": "client", "clientSecret": "secret"}
    provider_app = await send("POST", "/provider-apps", 200, json={**app, "externalRef": "one"})
    jwt_key = await send(
        "POST", "/jwt-keys", 201, json={"label": "k", "algorithm": "RS256", "publicKeyPem": public_pem()}
    )
    api_key = await send("POST", "/api-keys", 201, json={"label": "page", "scopes": ["frontend"]})
    candidate, _ = await make_builder(database, "candidate")
    _, owner = await make_builder(database, "owner", platform.org_id)
    async with database.transaction() as session:
        await session.execute(
            update(BuilderRow).where(BuilderRow.email.like("owner%")).values(email="xyz@withampersand.com")
        )
    _, founder = await make_builder(database, "founder")
    existing = {
        "projectIdOrName": "default",
        "provider": "hubspot",
        "groupRef": "acme",
        "connectionId": platform.connection,
        "providerAppId": provider_app["id"],
        "topicId": topic["id"],
        "destinationId": destination["id"],
        "orgId": platform.org_id,
        "parentId": platform.org_id,
        "builderId": candidate,
        "objectName": "contacts",
        "targetObject": "contacts",
    }
    places = {
        **existing,
        "integrationId": crm["id"],
        "installationId": platform.installation,
        "destination": "contactWebhook",
        "apiKey": api_key["key"],
        "keyId": jwt_key["kid"],
    }
    headers = {
        "full": {},
        "owner": {"X-Api-Key": "", "Authorization": f"Bearer {owner}"},
        "founder": {"X-Api-Key": "", "Authorization": f"Bearer {founder}"},
    }
    return Stage(platform, existing, places, headers)
