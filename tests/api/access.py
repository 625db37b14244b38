"""Every operation of the API: who may call it, and a request that is good but for what a test breaks in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, cast

import yaml
from fastapi import FastAPI

from tests.api.world import MANIFEST, MESSAGE_ID, ROUTE_ID, TOPIC_ID, World
from tests.support.tokens import public_pem

Access = Literal["open", "signed", "frontend", "full", "key", "anybody known", "builder", "member", "owner"]
"""Who passes.

- `open`: anybody; `signed`: whoever has a signed link.
- `frontend`: a key of the project with any scope, a customer's JWT for what is their group's, a builder of the org.
- `full`: a key of the project with the scope `full`, a builder of the org. `key`: such a key alone, no builder.
- `anybody known`: every good credential with a scope.
- `builder`: every builder; `member`: one of the org in the path; `owner`: one who owns it.
"""


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation: its query parameters, a good body, and the query that it cannot do without."""

    access: Access
    query: tuple[str, ...] = ()
    body: Any = None
    needs: str = ""

    @property
    def takes_body(self) -> bool:
        return self.body is not None

    @property
    def request(self) -> dict[str, Any]:
        """The options of a good request."""
        return {"json": self.body} if self.takes_body else {}


PROJECT = "/v1/projects/{projectIdOrName}"
ORG = "/v1/orgs/{orgId}"
API_KEY = PROJECT + "/api-keys/{apiKey}"
JWT_KEY = PROJECT + "/jwt-keys/{keyId}"
CONNECTION = PROJECT + "/connections/{connectionId}"
CONNECT_LINK = PROJECT + "/connect-links/{connectLinkId}"
DESTINATION = PROJECT + "/destinations/{destination}"
TOPIC = PROJECT + "/topics/{topicId}"
EVENT_ROUTE = PROJECT + "/notification-event-topic-routes/{routeId}"
DESTINATION_ROUTE = PROJECT + "/topic-destination-routes/{routeId}"
INTEGRATION = PROJECT + "/integrations/{integrationId}"
INTEGRATION_BY_NAME = PROJECT + "/integrations/{integrationIdOrName}"
INSTALLATION = INTEGRATION + "/installations/{installationId}"

NEW_CONNECTION = {
    "provider": "hubspot",
    "groupRef": "initech",
    "groupName": "Initech",
    "consumerRef": "peter",
    "consumerName": "Peter",
    "oauth2AuthorizationCode": {
        "accessToken": {"token": "t", "expiresAt": "2030-01-31T09:30:00Z"},
        "refreshToken": {"token": "r"},
        "scopes": ["contacts"],
    },
    "providerMetadata": {"plan": {"value": "gold", "source": "input", "displayName": "Plan"}},
}
NEW_JWT_KEY = {"label": "another", "algorithm": "RS256", "publicKeyPem": public_pem()}
NEW_DESTINATION = {"name": "another", "type": "webhook", "metadata": {"url": "https://93.184.215.14/hook"}}
SOURCE = {"sourceYaml": yaml.safe_dump(MANIFEST)}
PATCH_CONFIG = {
    "groupRef": "acme",
    "action": "read",
    "changes": [{"op": "add", "path": "/selectedFields/lastname", "value": True}],
}
NEW_PROVIDER_APP = {
    "provider": "hubspot",
    "clientId": "another-client",
    "clientSecret": "s",
    "externalRef": "app-2",
    "scopes": ["crm.objects.contacts.read"],
    "metadata": {"authQueryParams": {"optional_scope": ["automation"]}, "providerParams": {"plan": "gold"}},
}
CONNECT = {
    "projectIdOrName": "default",
    "provider": "hubspot",
    "groupRef": "acme",
    "groupName": "Acme Inc",
    "consumerRef": "ada",
    "consumerName": "Ada",
    "providerWorkspaceRef": "acme",
    "providerMetadata": {"plan": {"value": "gold", "source": "input"}},
}
NEW_CONNECT_LINK = {
    "providers": ["hubspot", "redmine"],
    "groupRef": "acme",
    "groupName": "Acme Inc",
    "consumerRef": "ada",
    "consumerName": "Ada",
    "returnUrl": "https://example.com/connected",
    "expiresInSeconds": 3600,
}
READ = {"groupRef": "acme", "mode": "async", "sinceTimestamp": "2026-01-31T09:30:00Z"}
WRITE = {"groupRef": "acme", "type": "delete", "record": {"id": "7"}}
SEARCH = {"objectName": "contacts", "fieldFilters": [{"fieldName": "email", "operator": "eq", "value": "a@b.c"}]}
DELIVER = {"groupRef": "acme", "pages": 1}
PAUSE = {"objects": ["contacts"], "note": "for a while"}
AUDIT_FILTERS = ("actor", "action", "resourceKind", "resourceId", "since", "until", "pageSize", "pageToken")
NEW_FIELDS = {
    "groupRef": "acme",
    "fields": {
        "contacts": [
            {
                "fieldName": "mood",
                "displayName": "Mood",
                "description": "Of the day",
                "valueType": "singleSelect",
                "unique": False,
                "stringOptions": {"values": ["fine", "bad"], "valuesRestricted": True},
            },
            {
                "fieldName": "score",
                "displayName": "Score",
                "valueType": "float",
                "numericOptions": {"precision": 5, "scale": 2, "min": 0, "max": 100},
                "association": {"associationType": "lookup", "targetObject": "deals", "labels": {"plural": "Deals"}},
            },
        ]
    },
}

ACCESS: dict[tuple[str, str], Operation] = {
    ("GET", "/healthz"): Operation("open"),
    ("GET", "/readyz"): Operation("open"),
    ("GET", "/metrics"): Operation("signed"),  # by a token of its own
    ("GET", "/v1/openapi.json"): Operation("open"),
    ("PUT", PROJECT + "/providers/{provider}/object-metadata"): Operation("full", body=NEW_FIELDS),
    ("PUT", INTEGRATION + "/object-metadata"): Operation("full", body=NEW_FIELDS),
    ("GET", "/v1/providers"): Operation("open"),
    ("GET", "/v1/providers/{provider}"): Operation("open"),
    ("GET", "/v1/payloads/{payloadId}"): Operation("signed", query=("expires", "signature")),
    ("PUT", "/v1/uploads/{project_id}/{name}"): Operation("signed", query=("expires", "signature", "md5")),
    ("GET", "/v1/generate-upload-url"): Operation("key", query=("md5",)),
    ("GET", PROJECT + "/audit-log"): Operation("full", query=AUDIT_FILTERS),
    ("GET", "/v1/orgs/{orgId}/audit-log"): Operation("member", query=AUDIT_FILTERS),
    ("GET", "/v1/projects"): Operation("anybody known", query=("pageSize", "pageToken")),
    ("POST", "/v1/projects"): Operation("builder", body={"orgId": "an org", "name": "more", "appName": "More"}),
    ("GET", PROJECT): Operation("frontend", query=("includeEntitlements",)),
    ("PATCH", PROJECT): Operation("full", body={"updateMask": ["appName"], "project": {"appName": "Renamed"}}),
    ("GET", "/v1/my-info"): Operation("builder"),
    ("POST", "/v1/orgs"): Operation("builder", body={"label": "another"}),
    ("GET", ORG): Operation("member"),
    ("PATCH", ORG): Operation("owner", body={"updateMask": ["label"], "org": {"label": "renamed"}}),
    ("GET", ORG + "/builders"): Operation("member", query=("pageSize", "pageToken")),
    ("POST", ORG + "/memberships"): Operation("owner", body={"builderId": "nosuch"}),
    ("GET", ORG + "/invites"): Operation("owner", query=("pageSize", "pageToken")),
    ("POST", ORG + "/invites"): Operation("owner", body={"email": "newcomer@example.com"}),
    ("GET", ORG + "/invites/{inviteId}"): Operation("owner"),
    ("DELETE", ORG + "/invites/{inviteId}"): Operation("owner"),
    ("POST", "/v1/invites:accept"): Operation("builder", body={"invitedEmail": "guest@example.com"}),
    ("GET", ORG + "/claimed-domains"): Operation("member", query=("pageSize", "pageToken")),
    ("GET", "/v1/claimed-domains"): Operation("builder", query=("domain",), needs="?domain=example.com"),
    ("POST", "/v1/claimed-domains"): Operation(
        "builder", body={"domain": "free.example.com", "parentId": "an org", "parentType": "org"}
    ),
    ("GET", ORG + "/billingAccount"): Operation("member"),
    ("POST", "/v1/billingAccounts/{billingAccountId}/portalSession"): Operation(
        "builder", body={"redirectUrl": "https://example.com/back", "timeout": 60}
    ),
    ("GET", PROJECT + "/api-keys"): Operation("full", query=("active", "pageSize", "pageToken")),
    ("POST", PROJECT + "/api-keys"): Operation("full", body={"label": "another", "scopes": ["frontend"]}),
    ("GET", API_KEY): Operation("full"),
    ("PATCH", API_KEY): Operation("full", body={"updateMask": ["label"], "apiKey": {"label": "renamed"}}),
    ("DELETE", API_KEY): Operation("full"),
    ("GET", PROJECT + "/jwt-keys"): Operation("full", query=("active", "pageSize", "pageToken")),
    ("POST", PROJECT + "/jwt-keys"): Operation("full", body=NEW_JWT_KEY),
    ("GET", JWT_KEY): Operation("full"),
    ("PATCH", JWT_KEY): Operation("full", body={"updateMask": ["label"], "jwtKey": {"label": "renamed"}}),
    ("DELETE", JWT_KEY): Operation("full"),
    ("GET", PROJECT + "/connections"): Operation("frontend", query=("provider", "groupRef", "consumerRef")),
    ("POST", PROJECT + "/connections:generate"): Operation("frontend", body=NEW_CONNECTION),
    ("POST", PROJECT + "/connections:export"): Operation(
        "full", query=("pageSize", "pageToken"), body={"format": "nango", "provider": "redmine"}
    ),
    ("POST", PROJECT + "/connections:import"): Operation(
        "full", body={"connections": [NEW_CONNECTION], "onExisting": "skip", "dryRun": True}
    ),
    ("GET", CONNECTION): Operation("frontend", query=("includeCreds", "includeRefreshToken", "refresh")),
    ("PATCH", CONNECTION): Operation(
        "frontend",
        body={
            "updateMask": ["providerMetadata"],
            "connection": {"providerMetadata": {"plan": {"value": "gold", "source": "input"}}},
        },
    ),
    ("DELETE", CONNECTION): Operation("frontend", query=("revoke",)),
    ("GET", CONNECTION + "/deletion-plan"): Operation("frontend"),
    ("POST", CONNECTION + ":check"): Operation("frontend"),
    ("POST", PROJECT + "/connect-links"): Operation("frontend", body=NEW_CONNECT_LINK),
    ("GET", PROJECT + "/connect-links"): Operation("full", query=("groupRef", "pageSize", "pageToken")),
    ("GET", CONNECT_LINK): Operation("full"),
    ("DELETE", CONNECT_LINK): Operation("full"),
    ("GET", "/connect/{token}"): Operation("open"),
    ("POST", "/connect/{token}"): Operation("open"),
    ("POST", "/v1/oauth-connect"): Operation("frontend", body=CONNECT),
    ("PATCH", CONNECTION + ":oauth-update"): Operation("frontend"),
    ("GET", "/callbacks/v1/custom-auth"): Operation("open"),
    ("GET", "/callbacks/v1/oauth"): Operation("open", query=("state", "code", "error", "error_description")),
    ("POST", "/v1/custom-auth/connect"): Operation("frontend", body={**CONNECT, "customAuth": {"userName": "ada"}}),
    ("GET", PROJECT + "/provider-apps"): Operation("frontend", query=("pageSize", "pageToken")),
    ("POST", PROJECT + "/provider-apps"): Operation("full", body=NEW_PROVIDER_APP),
    ("PATCH", PROJECT + "/provider-apps/{providerAppId}"): Operation(
        "full", body={"updateMask": ["clientId"], "providerApp": {"clientId": "changed"}}
    ),
    ("DELETE", PROJECT + "/provider-apps/{providerAppId}"): Operation("full"),
    ("POST", PROJECT + "/destinations"): Operation("full", body=NEW_DESTINATION),
    ("GET", PROJECT + "/destinations"): Operation("full"),
    ("GET", DESTINATION): Operation("full", query=("includeSecrets", "rotate")),
    ("PATCH", DESTINATION): Operation("full", body={"updateMask": ["name"], "destination": {"name": "renamed"}}),
    ("DELETE", DESTINATION): Operation("full"),
    ("GET", DESTINATION + "/health"): Operation("full"),
    ("POST", DESTINATION + ":disable"): Operation("full", body={"note": "for a while"}),
    ("POST", DESTINATION + ":enable"): Operation("full"),
    ("GET", DESTINATION + "/deliveries"): Operation(
        "full", query=("status", "operationId", "messageId", "since", "until", "pageSize", "pageToken")
    ),
    ("POST", DESTINATION + "/deliveries:recover"): Operation("full", body={"since": "2026-01-31T09:30:00Z"}),
    ("GET", DESTINATION + "/deliveries/{messageId}"): Operation("full"),
    ("POST", DESTINATION + "/deliveries/{messageId}:replay"): Operation("full"),
    ("GET", DESTINATION + "/messages"): Operation("full", query=("after", "limit", "wait")),
    ("POST", PROJECT + "/topics"): Operation("full", body={"name": "another"}),
    ("GET", PROJECT + "/topics"): Operation("full"),
    ("PATCH", TOPIC): Operation("full", body={"name": "renamed"}),
    ("DELETE", TOPIC): Operation("full"),
    ("POST", PROJECT + "/notification-event-topic-routes"): Operation(
        "full", body={"eventType": "connection.error", "topicId": TOPIC_ID}
    ),
    ("GET", PROJECT + "/notification-event-topic-routes"): Operation("full", query=("topicId", "eventType")),
    ("DELETE", EVENT_ROUTE): Operation("full"),
    ("POST", PROJECT + "/topic-destination-routes"): Operation(
        "full", body={"topicId": TOPIC_ID, "destinationId": "01a1fc1f-2015-7000-8000-000000000003"}
    ),
    ("GET", PROJECT + "/topic-destination-routes"): Operation("full", query=("topicId", "destinationId")),
    ("DELETE", DESTINATION_ROUTE): Operation("full"),
    ("GET", PROJECT + "/installations"): Operation("full", query=("groupRef",)),
    ("GET", INTEGRATION + "/installations"): Operation("frontend", query=("groupRef",)),
    ("POST", INTEGRATION + "/installations"): Operation(
        "frontend",
        query=("skipSampling",),
        body={"groupRef": "acme", "config": {"createdBy": "user:test", "content": {"provider": "hubspot"}}},
    ),
    ("GET", INSTALLATION): Operation("frontend"),
    ("PATCH", INSTALLATION): Operation(
        "frontend",
        query=("skipSampling",),
        body={
            "updateMask": ["config.content.read.objects.contacts.selectedFields"],
            "installation": {
                "config": {"content": {"read": {"objects": {"contacts": {"selectedFields": {"lastname": True}}}}}}
            },
        },
    ),
    ("DELETE", INSTALLATION): Operation("frontend"),
    ("GET", INSTALLATION + "/operations"): Operation("full", query=("pageSize", "pageToken")),
    ("GET", INSTALLATION + "/objects/{objectName}/backfill-progress"): Operation("full"),
    ("GET", INSTALLATION + "/reads"): Operation("full"),
    ("POST", INSTALLATION + ":pause"): Operation("full", body=PAUSE),
    ("POST", INSTALLATION + ":unpause"): Operation("full", body=PAUSE),
    ("GET", PROJECT + "/integrations"): Operation("frontend"),
    ("POST", PROJECT + "/integrations"): Operation(
        "full",
        body={
            "name": "more",
            "provider": "hubspot",
            "latestRevision": {"specVersion": "1.0.0", "content": MANIFEST["integrations"][0] | {"name": "more"}},
        },
    ),
    ("GET", INTEGRATION_BY_NAME): Operation("frontend"),
    ("DELETE", INTEGRATION_BY_NAME): Operation("full"),
    ("PUT", PROJECT + "/integrations:batch"): Operation("full", query=("destructive",), body=SOURCE),
    ("POST", PROJECT + "/integrations:plan"): Operation("full", query=("destructive",), body=SOURCE),
    ("GET", INTEGRATION + "/revisions"): Operation("full", query=("pageSize", "pageToken")),
    ("POST", INTEGRATION + "/revisions"): Operation("full", query=("destructive",), body=SOURCE),
    ("GET", INTEGRATION + "/revisions/{revisionId}:diff"): Operation("full", query=("against",)),
    ("GET", INTEGRATION + "/revisions/{revisionId}"): Operation("full"),
    ("POST", INTEGRATION + ":rollback"): Operation("full", body={"revisionId": "previous", "destructive": False}),
    ("POST", "/read" + INSTALLATION + ":pause"): Operation("full", body=PAUSE),
    ("POST", "/read" + INSTALLATION + ":unpause"): Operation("full", body=PAUSE),
    ("POST", INTEGRATION + "/objects/{objectName}:deliverResults"): Operation("full", body=DELIVER),
    ("POST", "/read" + INTEGRATION + "/objects/{objectName}:deliverResults"): Operation("full", body=DELIVER),
    ("POST", INTEGRATION + "/objects/{objectName}"): Operation("full", body=READ),
    ("POST", "/read" + INTEGRATION + "/objects/{objectName}"): Operation("full", body=READ),
    ("POST", "/write" + INTEGRATION + "/objects/{objectName}"): Operation("full", query=("dryRun",), body=WRITE),
    ("POST", "/search" + INTEGRATION): Operation("full", query=("groupRef",), body=SEARCH, needs="?groupRef=acme"),
    ("GET", INTEGRATION + "/objects/{objectName}/metadata"): Operation(
        "frontend", query=("groupRef", "excludeReadOnly"), needs="?groupRef=acme"
    ),
    ("GET", INTEGRATION + "/revisions/{revisionId}:hydrate"): Operation(
        "frontend", query=("connectionId",), needs="?connectionId={connectionId}"
    ),
    ("PATCH", INTEGRATION + "/objects/{objectName}/config-content"): Operation(
        "frontend", query=("skipSampling",), body=PATCH_CONFIG
    ),
    ("GET", PROJECT + "/providers/{provider}/objects/{objectName}/metadata"): Operation(
        "frontend", query=("groupRef", "excludeReadOnly"), needs="?groupRef=acme"
    ),
    ("GET", PROJECT + "/operations/{operationId}"): Operation("full"),
    ("GET", PROJECT + "/operations/{operationId}/logs"): Operation("full"),
}


def routes(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Method and path of all that the application answers, told in its OpenAPI document or not."""
    yield from _below(cast("list[Any]", app.routes), "")


def _below(found: list[Any], prefix: str) -> Iterator[tuple[str, str]]:
    for route in found:
        router = getattr(route, "original_router", None)
        if router is not None:  # within it there may be others
            yield from _below(router.routes, prefix + route.include_context.prefix)
            continue
        for method in route.methods - {"HEAD"}:
            yield method, prefix + route.path


@cache
def _shape(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{\w+\\}", "[^/]*", re.escape(path)))


def operation_at(method: str, path: str) -> Operation | None:
    """The operation that a request's path, without its query, leads to."""
    fitting = [
        (known, each) for (verb, known), each in ACCESS.items() if verb == method and _shape(known).fullmatch(path)
    ]
    return max(fitting, key=lambda found: len(re.sub(r"{\w+}", "", found[0])))[1] if fitting else None


def credential(world: World, access: Access) -> dict[str, str]:
    """Headers that pass: a key of the scope `full`, or a builder's token where only builders do."""
    if access in ("builder", "member", "owner"):
        return {"Authorization": f"Bearer {world.builders['owner']}"}
    return {"X-Api-Key": world.keys["full"]}


def good_places(world: World) -> dict[str, str]:
    """Good values of the parameters of paths, by their names."""
    return {
        "projectIdOrName": "default",
        "apiKey": world.keys["frontend"],
        "keyId": world.jwt_key_id,
        "orgId": world.platform.org_id,
        "inviteId": world.invite["id"],
        "billingAccountId": "any",
        "connectionId": world.acme["id"],
        "providerAppId": world.provider_app["id"],
        "connectLinkId": world.connect_link["id"],
        "token": "nosuch",
        "destination": "people-webhook",
        "topicId": TOPIC_ID,
        "routeId": ROUTE_ID,
        "integrationId": "crm",
        "integrationIdOrName": "crm",
        "installationId": world.acme_installation["id"],
        "revisionId": world.crm["latestRevision"]["id"],
        "objectName": "contacts",
        "provider": "hubspot",
        "messageId": MESSAGE_ID,
        "operationId": world.operation_id,
        "payloadId": "01a1fc1f-2015-76ce-8725-1ce13ba17028",
        "project_id": world.project_id,
        "name": "01a1fc1f-2015-76ce-8725-1ce13ba17028",
    }


def good_path(world: World, path: str, **changed: str) -> str:
    """The path with parameters that are good, but for those that are given."""
    needs = next((each.needs for (_, known), each in ACCESS.items() if known == path), "")
    return (path + needs).format_map({**good_places(world), **changed})


def parameters_of(path: str) -> list[str]:
    """The names of the path's parameters."""
    return [part.partition("}")[0] for part in path.split("{")[1:]]
