"""A builder's life with the platform, from the first project to the last deletion, one area after the other.

Each step calls operations by their names; the driver holds every answer against the specification.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from tests.api.conformance.driver import Driver
from tests.support.platform import Platform

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
                        "requiredFields": [{"fieldName": "email"}, {"fieldName": "jobtitle", "mapToName": "title"}],
                        "optionalFields": [{"fieldName": "firstname"}, {"fieldName": "lastname"}],
                    },
                    {
                        "objectName": "companies",
                        "destination": "people-webhook",
                        "delivery": {"mode": "onRequest"},
                        "requiredFields": [{"fieldName": "name"}],
                    },
                ]
            },
            "write": {"objects": [{"objectName": "contacts", "inheritMapping": True}]},
        }
    ],
}
SOURCE = {"sourceYaml": yaml.safe_dump(MANIFEST)}
WHO = {"groupRef": "acme", "groupName": "Acme Inc", "consumerRef": "ada", "consumerName": "Ada"}
TOKEN = {"accessToken": {"token": "good"}}
CONTACTS = {"read": {"objects": {"contacts": {"selectedFields": {"firstname": True}}, "companies": {}}}}
NEW_FIELD = {
    "fieldName": "favourite_tea",
    "displayName": "Favourite tea",
    "valueType": "singleSelect",
    "stringOptions": {"values": ["green", "black"], "valuesRestricted": True},
}


@dataclass(frozen=True, slots=True)
class Scene:
    """What the steps work with; `public_key` is the PEM of the JWTs' key, `newcomer` a builder without an org."""

    platform: Platform
    driver: Driver
    org_id: str
    newcomer_id: str
    public_key: str


async def catalog(scene: Scene) -> None:
    call = scene.driver.call
    assert "hubspot" in await call("listProviders", 200, by="nobody")
    assert (await call("getProvider", 200, by="nobody", provider="hubspot"))["name"] == "hubspot"
    await call("getProvider", 404, by="nobody", provider="nosuch")


async def people(scene: Scene) -> None:
    call, org = scene.driver.call, scene.org_id
    assert (await call("getMyInfo", 200, by="owner"))["orgRole"]["org"]["id"] == org
    await call("getOrg", 200, by="owner", orgId=org)
    await call("updateOrg", 200, by="owner", orgId=org, json={"updateMask": ["label"], "org": {"label": "Ours"}})
    await call("listOrgBuilders", 200, by="owner", orgId=org)
    invite = await call("createOrgInvite", 201, by="owner", orgId=org, json={"email": "newcomer@example.com"})
    await call("createOrgInvite", 400, by="owner", orgId=org, json={"email": "nobody"})
    assert await call("listOrgInvites", 200, by="owner", orgId=org)
    await call("getOrgInvite", 200, by="owner", orgId=org, inviteId=invite["id"])
    await call("deleteOrgInvite", 204, by="owner", orgId=org, inviteId=invite["id"])
    await call("createOrgInvite", 201, by="owner", orgId=org, json={"email": "newcomer@example.com"})
    domain = {"domain": "example.com", "parentId": org, "parentType": "org"}
    await call("checkClaimedDomain", 404, by="owner", query={"domain": "example.com"})
    await call("claimDomain", 201, by="owner", json=domain)
    await call("checkClaimedDomain", 200, by="owner", query={"domain": "ada@example.com"})
    assert await call("listOrgClaimedDomains", 200, by="owner", orgId=org)
    await call("getOrg", 404, by="newcomer", orgId=org)
    await call("acceptInvite", 200, by="newcomer", json={"invitedEmail": "newcomer@example.com"})
    await call("addUserToOrg", 400, by="owner", orgId=org, json={"builderId": scene.newcomer_id})
    await call("addUserToOrg", 404, by="owner", orgId=org, json={"builderId": "nosuch"})
    await call("addUserToOrg", 201, by="owner", orgId=org, json={"builderId": scene.driver.places["candidate"]})
    await call("addUserToOrg", 403, by="newcomer", orgId=org, json={"builderId": scene.driver.places["candidate"]})
    founded = await call("createOrg", 201, by="founder", json={"label": "Founders"})
    assert (await call("getMyInfo", 200, by="founder"))["orgRole"]["org"]["id"] == founded["id"]
    await call("claimDomain", 409, by="founder", json={**domain, "parentId": founded["id"]})
    await call("getOrgBillingAccount", 404, by="owner", orgId=org)
    await call(
        "createBillingAccountSession",
        404,
        by="owner",
        billingAccountId=org,
        json={"redirectUrl": "https://example.com"},
    )


async def projects(scene: Scene) -> None:
    call = scene.driver.call
    new = {"appName": "Mail", "name": "Mail-Staging", "orgId": scene.org_id}
    made = await call("createProject", 201, by="owner", json=new)
    assert made["name"] == "mail-staging"
    await call("createProject", 422, by="owner", json=new)
    await call("createProject", 422, by="owner", json={**new, "name": "no spaces"})
    assert len(await call("listProjects", 200, by="owner")) == 2
    assert len(await call("listProjects", 200)) == 1
    await call("getProject", 200, by="frontend", query={"includeEntitlements": "true"})
    await call("updateProject", 200, json={"updateMask": ["appName"], "project": {"appName": "Mail Pro"}})


async def keys(scene: Scene) -> None:
    call = scene.driver.call
    made = await call("createApiKey", 201, json={"label": "second", "scopes": ["frontend"]})
    assert made in await call("listApiKeys", 200, query={"active": "true"})
    assert await call("getApiKey", 200, apiKey=made["key"]) == made
    change = {"updateMask": ["active", "label"], "apiKey": {"active": False, "label": "off"}}
    await call("updateApiKey", 200, apiKey=made["key"], json=change)
    await call("updateApiKey", 400, apiKey=made["key"], json={"updateMask": [], "apiKey": {}})
    await call("deleteApiKey", 204, apiKey=made["key"])
    for name in ("getApiKey", "deleteApiKey"):
        await call(name, 404, apiKey=made["key"])
    key = await call("createJWTKey", 201, json={"label": "k", "algorithm": "RS256", "publicKeyPem": scene.public_key})
    await call("createJWTKey", 400, json={"label": "k", "algorithm": "RS256", "publicKeyPem": "nonsense"})
    await call("getJWTKey", 200, keyId=key["kid"])
    assert await call("listJWTKeys", 200, query={"active": "true"})
    await call("updateJWTKey", 200, keyId=key["kid"], json={"updateMask": ["active"], "jwtKey": {"active": False}})
    await call("deleteJWTKey", 204, keyId=key["kid"])
    for name in ("getJWTKey", "deleteJWTKey"):
        await call(name, 404, keyId=key["kid"])


async def destinations(scene: Scene) -> None:
    call = scene.driver.call
    new = {"name": "people-webhook", "type": "webhook", "metadata": {"url": scene.platform.receiver.url}}
    await call("createDestination", 201, json=new)
    await call("createDestination", 409, json=new)
    await call("createDestination", 400, json={"name": "x", "type": "webhook"})
    second = await call("createDestination", 201, json={**new, "name": "second"})
    scene.driver.places["destinationId"] = second["id"]
    assert len(await call("listDestinations", 200)) == 2
    shown = await call("getDestination", 200, destination="second", query={"includeSecrets": "true"})
    turned = await call("getDestination", 200, destination="second", query={"includeSecrets": "true", "rotate": "true"})
    assert shown["secrets"] != turned["secrets"]
    change = {"updateMask": ["name"], "destination": {"name": "notices"}}
    await call("updateDestination", 200, destination=second["id"], json=change)
    await call("updateDestination", 404, destination="nosuch", json=change)
    await call("getDestination", 404, destination="nosuch")


async def notifications(scene: Scene) -> None:
    call = scene.driver.call
    topic = await call("createTopic", 201, json={"name": "system-alerts"})
    await call("createTopic", 409, json={"name": "system-alerts"})
    await call("createTopic", 400, json={})
    await call("updateTopic", 200, topicId=topic["id"], json={"name": "alerts"})
    await call("updateTopic", 404, topicId="nosuch", json={"name": "other"})
    assert len(await call("listTopics", 200)) == 1
    event = {"eventType": "installation.created", "topicId": topic["id"]}
    first = await call("createEventTopicRoute", 201, json=event)
    await call("createEventTopicRoute", 400, json={"eventType": "nosuch", "topicId": topic["id"]})
    assert len(await call("listEventTopicRoutes", 200, query={"eventType": "installation.created"})) == 1
    route = {"topicId": topic["id"], "destinationId": scene.driver.places["destinationId"]}
    second = await call("createTopicDestinationRoute", 201, json=route)
    await call("createTopicDestinationRoute", 404, json={**route, "topicId": "nosuch"})
    assert len(await call("listTopicDestinationRoutes", 200, query={"topicId": topic["id"]})) == 1
    await call("deleteTopicDestinationRoute", 204, routeId=second["id"])
    await call("deleteTopicDestinationRoute", 404, routeId=second["id"])
    await call("deleteEventTopicRoute", 204, routeId=first["id"])
    await call("deleteEventTopicRoute", 404, routeId=first["id"])
    await call("deleteTopic", 204, topicId=topic["id"])
    await call("deleteTopic", 404, topicId=topic["id"])


async def deploys(scene: Scene) -> None:
    call, places = scene.driver.call, scene.driver.places
    signed = await call("generateUploadUrl", 200)
    assert signed["url"].startswith("http")
    (made,) = await call("batchUpsertIntegrations", 200, json=SOURCE)
    await call("batchUpsertIntegrations", 422, json={"sourceYaml": "integrations: []"})
    places |= {
        "integrationId": made["id"],
        "integrationIdOrName": made["id"],
        "revisionId": made["latestRevision"]["id"],
    }
    assert len(await call("listIntegrations", 200, by="customer")) == 1
    await call("getIntegration", 200, by="frontend", integrationIdOrName="crm")
    await call("getIntegration", 404, integrationIdOrName="nosuch")
    more = MANIFEST["integrations"][0] | {"name": "more"}
    body = {"name": "more", "provider": "hubspot", "latestRevision": {"specVersion": "1.0.0", "content": more}}
    await call("createIntegration", 201, json=body)
    await call("createIntegration", 400, json={"name": "more"})
    changed = yaml.safe_dump({**MANIFEST, "integrations": [more | {"displayName": "More"}]})
    await call("createRevision", 201, integrationId="more", json={"sourceYaml": changed})
    await call("createRevision", 400, integrationId="more", json={})
    await call("deleteIntegration", 204, integrationIdOrName="more")
    await call("deleteIntegration", 404, integrationIdOrName="more")


async def connecting(scene: Scene) -> None:
    call, places = scene.driver.call, scene.driver.places
    app = {"provider": "hubspot", "clientId": "client", "clientSecret": "a secret", "scopes": ["contacts"]}
    made = await call("createProviderApp", 200, json=app)
    await call("createProviderApp", 400, json={"provider": "hubspot"})
    assert await call("listProviderApps", 200, by="customer")
    change = {"updateMask": ["scopes"], "providerApp": {"scopes": ["contacts", "oauth"]}}
    await call("updateProviderApp", 200, providerAppId=made["id"], json=change)
    flow = {"projectIdOrName": "default", "provider": "hubspot", "groupRef": "acme", "consumerRef": "ada"}
    assert (await call("oauthConnect", 200, by="customer", json=flow)).startswith("http")
    await call("oauthConnect", 400, json={"provider": "hubspot"})
    await call("customAuthConnect", 400, json=flow)
    in_steps = "microsoftAdminConsent"
    await call("createProviderApp", 200, json={"provider": in_steps, "clientId": "client", "clientSecret": "a secret"})
    begun = await call("customAuthConnect", 200, by="customer", json={**flow, "provider": in_steps})
    assert "/organizations/v2.0/adminconsent?" in begun["redirect"]["url"]
    body = {"provider": "hubspot", **WHO, "oauth2AuthorizationCode": TOKEN}
    connection = await call("generateConnection", 201, by="customer", json=body)
    await call("generateConnection", 400, json={"provider": "hubspot"})
    places["connectionId"] = connection["id"]
    assert len(await call("listConnections", 200, by="customer")) == 1
    await call("getConnection", 200, query={"includeCreds": "true"})
    await call("getConnection", 404, connectionId="nosuch")
    update = {"updateMask": ["providerMetadata"], "connection": {"providerMetadata": {}}}
    await call("updateConnection", 200, json=update)
    await call("updateConnection", 400, json={"updateMask": ["nosuch"], "connection": {}})
    assert (await call("oauthUpdate", 200, by="frontend")).startswith("http")
    extra = await call("generateConnection", 201, json={**body, "groupRef": "globex"})
    await call("deleteConnection", 204, connectionId=extra["id"])
    await call("deleteProviderApp", 204, providerAppId=made["id"])


async def objects(scene: Scene) -> None:
    call = scene.driver.call
    connection = scene.driver.places["connectionId"]
    hydrated = await call("getHydratedRevision", 200, by="customer", query={"connectionId": connection})
    assert hydrated["content"]["read"]["objects"][0]["objectName"] == "contacts"
    one = {"provider": "hubspot", "objectName": "contacts"}
    await call("getObjectMetadataForConnection", 200, by="customer", query={"groupRef": "acme"}, places=one)
    await call("getObjectMetadataForConnection", 404, query={"groupRef": "nosuch"}, places=one)
    fields = {"groupRef": "acme", "fields": {"contacts": [NEW_FIELD]}}
    answer = await call("upsertMetadataForConnection", 200, json=fields, provider="hubspot")
    assert answer["success"] is True
    await call("upsertMetadataForConnection", 400, json={"groupRef": "acme"}, provider="hubspot")


async def installing(scene: Scene) -> None:
    call, places = scene.driver.call, scene.driver.places
    body = {"groupRef": "acme", "connectionId": places["connectionId"], "config": {"content": CONTACTS}}
    await call("createInstallation", 400, json={"groupRef": 5})
    unknown = {"nosuch": {"selectedFields": {"nosuch": True}}}
    bad = {"groupRef": "acme", "config": {"content": {"read": {"objects": unknown}}}}
    await call("createInstallation", 422, json=bad)
    made = await call("createInstallation", 201, by="customer", json=body)
    places["installationId"] = made["id"]
    assert len(await call("listInstallations", 200, by="customer", query={"groupRef": "acme"})) == 1
    assert len(await call("listInstallationsForProject", 200)) == 1
    await call("getInstallation", 200, by="customer")
    await call("getInstallation", 404, installationId="nosuch")
    mask = "config.content.read.objects.contacts.selectedFields"
    content = {"read": {"objects": {"contacts": {"selectedFields": {"lastname": True}}}}}
    update = {"updateMask": [mask], "installation": {"config": {"content": content}}}
    await call("updateInstallation", 200, by="customer", json=update)
    await call("updateInstallation", 400, json={"updateMask": ["nosuch"], "installation": {}})
    patch = {
        "groupRef": "acme",
        "action": "read",
        "changes": [{"op": "add", "path": "/selectedFields/firstname", "value": True}],
    }
    await call("patchObjectConfigContent", 200, by="customer", objectName="contacts", json=patch)
    await call("patchObjectConfigContent", 400, objectName="contacts", json={"groupRef": "acme"})
    await call("patchObjectConfigContent", 404, objectName="contacts", json={**patch, "groupRef": "nosuch"})
    one = {"groupRef": "acme"}
    await call("getObjectMetadataForInstallation", 200, by="customer", objectName="people", query=one)
    await call("getObjectMetadataForInstallation", 404, objectName="people", query={"groupRef": "nosuch"})
    fields = {"groupRef": "acme", "fields": {"people": [NEW_FIELD | {"displayName": "Tea"}]}}
    await call("upsertMetadataForInstallation", 200, json=fields)
    await call("upsertMetadataForInstallation", 400, json={"groupRef": "acme"})


async def acting(scene: Scene) -> None:
    call = scene.driver.call
    read = {"groupRef": "acme", "mode": "async", "sinceTimestamp": "2026-01-31T09:30:00Z"}
    await call("triggerRead", 201, objectName="people", json=read)
    await call("triggerRead", 400, objectName="people", json={"groupRef": "acme", "mode": "nosuch"})
    for name in ("pauseReads", "unpauseReads"):
        await call(name, 204, json={"objects": ["contacts"], "note": "for a while"})
        await call(name, 400, json={"objects": "contacts"})
    find = {"objectName": "people", "fieldFilters": [{"fieldName": "email", "operator": "eq", "value": "a@b.c"}]}
    await call("searchRecords", 200, json={"groupRef": "acme", **find}, query={"groupRef": "acme"})
    await call("searchRecords", 400, json={"objectName": "people"}, query={"groupRef": "acme"})
    page = await call("listOperations", 200, query={"pageSize": "1"})
    assert page["results"]
    await call("listOperations", 400, query={"pageSize": "0"})
    operation = page["results"][0]["id"]
    await call("getOperation", 200, operationId=operation)
    await call("getOperation", 404, operationId="nosuch")
    await call("listOperationLogs", 200, operationId=operation)
    await call("getBackfillProgress", 200, objectName="contacts")
    await call("getBackfillProgress", 400, objectName="nosuch")
    await call("getBackfillProgress", 404, objectName="contacts", installationId="nosuch")
    write = {"groupRef": "acme", "type": "create", "record": {"email": "ada@example.com"}}
    await call("writeRecords", 200, objectName="people", json=write)
    await call("writeRecords", 422, objectName="people", json=write)  # it is there already
    await call("writeRecords", 400, objectName="people", json={**write, "type": "nosuch"})
    await call("deliverResults", 204, objectName="companies", json={"groupRef": "acme", "pages": 1})
    await call("deliverResults", 400, objectName="companies", json={"groupRef": "acme", "pages": -1})


async def leaving(scene: Scene) -> None:
    call = scene.driver.call
    await call("deleteInstallation", 204, by="customer")
    await call("deleteInstallation", 404)
    await call("deleteDestination", 204, destination="notices")
    await call("deleteDestination", 404, destination="notices")


STEPS = (
    people,
    projects,
    keys,
    destinations,
    notifications,
    deploys,
    connecting,
    objects,
    installing,
    acting,
    leaving,
    catalog,
)
