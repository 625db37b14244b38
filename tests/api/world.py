"""The world that the tests of the API ask about, and what its database holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import yaml
from sqlalchemy import TextClause, func, insert, select, text, update

from conjunct.app.tables import load_metadata
from conjunct.core.database import Database
from conjunct.delivery import Message, kept
from conjunct.delivery.models import DeliveryAttemptRow, DestinationRow
from conjunct.notifications.models import EventTopicRouteRow, TopicDestinationRouteRow, TopicRow
from conjunct.tenants import NewProject
from conjunct.tenants.caller import Scope
from conjunct.tenants.models import ApiKeyRow
from tests.support.platform import Platform
from tests.support.tokens import make_builder, public_pem

MANIFEST: dict[str, Any] = {
    "specVersion": "1.0.0",
    "integrations": [
        {
            "name": "crm",
            "displayName": "CRM",
            "provider": "hubspot",
            "read": {
                "objects": [
                    {
                        "objectName": "contacts",
                        "mapToName": "people",
                        "destination": "people-webhook",
                        "schedule": "*/10 * * * *",
                        "backfill": {"defaultPeriod": {"fullHistory": True}},
                        "delivery": {"mode": "onRequest"},
                        "requiredFields": [{"fieldName": "email"}, {"fieldName": "jobtitle", "mapToName": "title"}],
                        "optionalFields": [{"fieldName": "firstname"}, {"fieldName": "lastname"}],
                    }
                ]
            },
            "write": {"objects": [{"objectName": "contacts", "inheritMapping": True}]},
        },
        {
            "name": "tracker",
            "provider": "redmine",
            "read": {
                "objects": [
                    {
                        "objectName": "issues",
                        "destination": "people-webhook",
                        "schedule": "0 * * * *",
                        "requiredFields": [{"fieldName": "subject"}],
                    }
                ]
            },
        },
    ],
}

TOPIC_ID, ROUTE_ID = "01a1fc1f-2015-7000-8000-000000000001", "01a1fc1f-2015-7000-8000-000000000002"
"""The topic, and the route to it as well as the one from it: the same in every world, so that bodies can name them."""

MESSAGE_ID = "msg-1"
"""A message that was delivered to the destination and can be pulled from it."""

ACME = {"groupRef": "acme", "groupName": "Acme Inc", "consumerRef": "ada", "consumerName": "Ada"}
GLOBEX = {"groupRef": "globex", "groupName": "Globex", "consumerRef": "bob", "consumerName": "Bob"}


@dataclass(frozen=True, slots=True)
class World:
    """What there is, by the answers to its making. `keys` are API keys by kind, `builders` builders' tokens."""

    platform: Platform
    database: Database
    keys: dict[str, str]
    other: NewProject
    crm: dict[str, Any]
    tracker: dict[str, Any]
    acme: dict[str, Any]
    globex: dict[str, Any]
    provider_app: dict[str, Any]
    connect_link: dict[str, Any]
    acme_installation: dict[str, Any]
    globex_installation: dict[str, Any]
    operation_id: str
    jwt_key_id: str
    builders: dict[str, str]
    invite: dict[str, Any]

    @property
    def client(self) -> httpx.AsyncClient:
        """A client with a key of the scope `full`, whose answers are checked against the specification."""
        return self.platform.client

    @property
    def project_id(self) -> str:
        return self.platform.project_id

    async def get(self, path: str, status: int = 200, **options: Any) -> Any:
        """The JSON below the project's path."""
        return await self.platform.send("GET", path, status, **options)

    async def contents(self) -> dict[str, str]:
        """A digest of the content of every table."""
        async with self.database.reading() as connection:
            return {table: await connection.scalar(_digest(table)) for table in sorted(load_metadata().tables)}


def _digest(table: str) -> TextClause:
    rows = "count(*) || ' ' || coalesce(md5(string_agg(t::text, ' ' ORDER BY t::text)), '')"
    return text(f'SELECT {rows} FROM "{table}" t')


async def make_world(platform: Platform, database: Database) -> World:
    """Deploy the manifest; connect and install a provider for each of two groups; make keys of each kind."""
    await platform.send(
        "POST",
        "/destinations",
        201,
        json={
            "name": "people-webhook",
            "type": "webhook",
            "metadata": {"url": platform.receiver.url},
            "delivery": {"keepHours": 1},
        },
    )
    await _keep_a_message(platform)
    # Twice, so that there is a revision to go back to.
    await _deploy(platform, _nameless(MANIFEST))
    deployed = await _deploy(platform, MANIFEST)
    acme = await _connect(platform, ACME, provider="hubspot", oauth2AuthorizationCode={"accessToken": {"token": "t"}})
    globex = await _connect(
        platform, GLOBEX, provider="redmine", apiKey="rm-key", providerWorkspaceRef="https://redmine.example.com"
    )
    client = {"provider": "hubspot", "clientId": "our-client", "clientSecret": "our-secret"}
    provider_app = await platform.send("POST", "/provider-apps", 200, json=client)
    link = {"provider": "redmine", "groupRef": "acme", "consumerRef": "ada"}
    connect_link = await platform.send("POST", "/connect-links", 201, json=link)
    contacts = {"contacts": {"selectedFields": {"firstname": True}}}
    first = await _install(platform, deployed[0]["id"], acme, {"read": {"objects": contacts}})
    second = await _install(platform, deployed[1]["id"], globex, {})
    async with database.transaction() as session:
        other = await platform.services.tenants.create_org_and_project(
            session, org="other", project="other", app_name="Other"
        )
    jwt_key = {"label": "production", "algorithm": "RS256", "publicKeyPem": public_pem()}
    keys = {
        "full": platform.client.headers["X-Api-Key"],
        "frontend": await _key(platform, "frontend"),
        "without a scope": await _key(platform),
        "inactive": await _key(platform, "full", active=False),
        "of another project": other.api_key,
        "unknown": "cj_unknown",
    }
    builders = {
        "owner": (await make_builder(database, "olga", platform.org_id))[1],
        "member": (await make_builder(database, "mia", platform.org_id, "member"))[1],
        "of another org": (await make_builder(database, "xena", other.org_id))[1],
        "without an org": (await make_builder(database, "nora"))[1],
    }
    page = await platform.send("GET", f"/integrations/crm/installations/{first['id']}/operations", 200)
    await _route_an_event(platform)
    await deliver(platform, MESSAGE_ID)
    return World(
        platform=platform,
        database=database,
        keys=keys,
        other=other,
        crm=deployed[0],
        tracker=deployed[1],
        acme=acme,
        globex=globex,
        provider_app=provider_app,
        connect_link=connect_link,
        acme_installation=first,
        globex_installation=second,
        operation_id=page["results"][0]["id"],
        jwt_key_id=(await platform.send("POST", "/jwt-keys", 201, json=jwt_key))["kid"],
        builders=builders,
        invite=await _invite(platform, builders["owner"]),
    )


async def _deploy(platform: Platform, manifest: dict[str, Any]) -> list[dict[str, Any]]:
    source = {"sourceYaml": yaml.safe_dump(manifest)}
    deployed: list[dict[str, Any]] = await platform.send("PUT", "/integrations:batch", 200, json=source)
    return deployed


def _nameless(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest without names for people to see."""
    integrations = [
        {key: value for key, value in each.items() if key != "displayName"} for each in manifest["integrations"]
    ]
    return {**manifest, "integrations": integrations}


async def _keep_a_message(platform: Platform) -> None:
    """Put a message into the destination's feed, so that nobody who pulls has to wait for one."""
    services = platform.services
    async with services.database.transaction() as session:
        channel = await services.delivery.open_channel(session, platform.project_id, "people-webhook")
        message = Message(MESSAGE_ID, platform.project_id, channel.destination_id, None, b"{}", 0)
        await kept.add(
            session, channel.keyring, platform.project_id, channel.destination_id, [message], datetime.now(UTC)
        )
    await platform.send("GET", "/destinations/people-webhook/messages", 200)  # which gives it its place in the feed


async def _route_an_event(platform: Platform) -> None:
    """Make the topic, and route an event to it and it to the destination."""
    destination = (await platform.send("GET", "/destinations/people-webhook", 200))["id"]
    of = {"project_id": platform.project_id}
    onward = {"topic_id": TOPIC_ID, "destination_id": destination}
    event = {"topic_id": TOPIC_ID, "event_type": "write.async.done"}
    async with platform.services.database.transaction() as session:
        await session.execute(insert(TopicRow).values(id=TOPIC_ID, name="alerts", **of))
        await session.execute(insert(EventTopicRouteRow).values(id=ROUTE_ID, **event, **of))
        await session.execute(insert(TopicDestinationRouteRow).values(id=ROUTE_ID, **onward, **of))


async def deliver(platform: Platform, message_id: str) -> None:
    """Let a message have been delivered to the destination."""
    destination = select(DestinationRow.id).where(DestinationRow.name == "people-webhook").scalar_subquery()
    how = {"number": 1, "status": 200, "elapsed_ms": 7, "latency_ms": 7, "records": 1, "bytes": 512, "at": func.now()}
    async with platform.services.database.transaction() as session:
        attempt = insert(DeliveryAttemptRow).values(
            project_id=platform.project_id, destination_id=destination, message_id=message_id, **how
        )
        await session.execute(attempt)


async def _key(platform: Platform, *scopes: Scope, active: bool = True) -> str:
    async with platform.services.database.transaction() as session:
        made = await platform.services.api_keys.create(session, platform.project_id, " ".join(scopes), scopes)
        await session.execute(update(ApiKeyRow).where(ApiKeyRow.id == made.id).values(active=active))
    return made.key


async def _invite(platform: Platform, owner: str) -> dict[str, Any]:
    path, headers = f"/v1/orgs/{platform.org_id}/invites", {"Authorization": f"Bearer {owner}", "X-Api-Key": ""}
    answer = await platform.client.post(path, json={"email": "guest@example.com"}, headers=headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def _connect(platform: Platform, who: dict[str, str], **credentials: Any) -> dict[str, Any]:
    made: dict[str, Any] = await platform.send("POST", "/connections:generate", 201, json={**who, **credentials})
    return made


async def _install(
    platform: Platform, integration: str, connection: dict[str, Any], content: dict[str, Any]
) -> dict[str, Any]:
    body = {
        "groupRef": connection["group"]["groupRef"],
        "connectionId": connection["id"],
        "config": {"createdBy": "user:test", "content": content},
    }
    made: dict[str, Any] = await platform.send(
        "POST", f"/integrations/{integration}/installations?skipSampling=true", 201, json=body
    )
    return made
