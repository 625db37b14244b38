"""List connections, installations and integrations, and update a connection: each answer, field by field."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from tests.api.world import World
from tests.support.specification import require_specification

TIME = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
TIMES = ("createTime", "updateTime", "time")


def timeless(value: Any) -> Any:
    """The value with every moment, which must be RFC 3339 in UTC, as `<time>`."""
    if isinstance(value, list):
        return [timeless(each) for each in value]
    if not isinstance(value, dict):
        return value
    for name in TIMES:
        assert name not in value or TIME.fullmatch(value[name]), f"{name}: {value[name]}"
    return {name: "<time>" if name in TIMES else timeless(each) for name, each in value.items()}


def group(world: World, ref: str, name: str) -> dict[str, Any]:
    return {
        "groupRef": ref,
        "groupName": name,
        "projectId": world.project_id,
        "createTime": "<time>",
        "updateTime": "<time>",
    }


def consumer(world: World, ref: str, name: str) -> dict[str, Any]:
    return {
        "consumerRef": ref,
        "consumerName": name,
        "projectId": world.project_id,
        "createTime": "<time>",
        "updateTime": "<time>",
    }


def acme_connection(world: World) -> dict[str, Any]:
    return {
        "id": world.acme["id"],
        "projectId": world.project_id,
        "provider": "hubspot",
        "group": group(world, "acme", "Acme Inc"),
        "consumer": consumer(world, "ada", "Ada"),
        "createTime": "<time>",
        "updateTime": "<time>",
        "authScheme": "oauth2/authorizationCode",
        "status": "working",
    }


def globex_connection(world: World) -> dict[str, Any]:
    return {
        "id": world.globex["id"],
        "projectId": world.project_id,
        "provider": "redmine",
        "group": group(world, "globex", "Globex"),
        "consumer": consumer(world, "bob", "Bob"),
        "providerWorkspaceRef": "https://redmine.example.com",
        "createTime": "<time>",
        "updateTime": "<time>",
        "authScheme": "apiKey",
        "status": "created",
    }


def acme_installation(world: World) -> dict[str, Any]:
    return {
        "id": world.acme_installation["id"],
        "projectId": world.project_id,
        "integrationId": world.crm["id"],
        "group": group(world, "acme", "Acme Inc"),
        "healthStatus": "healthy",
        "lastOperationStatus": "in_progress",
        "connection": acme_connection(world),
        "createTime": "<time>",
        "createdBy": "user:test",
        "updateTime": "<time>",
        "config": {
            "id": world.acme_installation["config"]["id"],
            "revisionId": world.crm["latestRevision"]["id"],
            "createTime": "<time>",
            "createdBy": "user:test",
            "content": {
                "provider": "hubspot",
                "read": {
                    "objects": {
                        "contacts": {
                            "objectName": "contacts",
                            "selectedFields": {"firstname": True},
                            "selectedFieldMappings": {},
                        }
                    }
                },
            },
        },
    }


def globex_installation(world: World) -> dict[str, Any]:
    return {
        "id": world.globex_installation["id"],
        "projectId": world.project_id,
        "integrationId": world.tracker["id"],
        "group": group(world, "globex", "Globex"),
        "healthStatus": "healthy",
        "connection": globex_connection(world),
        "createTime": "<time>",
        "createdBy": "user:test",
        "updateTime": "<time>",
        "config": {
            "id": world.globex_installation["config"]["id"],
            "revisionId": world.tracker["latestRevision"]["id"],
            "createTime": "<time>",
            "createdBy": "user:test",
            "content": {
                "provider": "redmine",
                "read": {
                    "objects": {
                        "issues": {
                            "objectName": "issues",
                            "selectedFields": {},
                            "selectedFieldMappings": {},
                        }
                    }
                },
            },
        },
    }


def integrations(world: World) -> list[dict[str, Any]]:
    return [
        {
            "id": world.crm["id"],
            "projectId": world.project_id,
            "name": "crm",
            "provider": "hubspot",
            "createTime": "<time>",
            "updateTime": "<time>",
            "latestRevision": {
                "id": world.crm["latestRevision"]["id"],
                "specVersion": "1.0.0",
                "createTime": "<time>",
                "content": {
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
                                "requiredFields": [
                                    {"fieldName": "email"},
                                    {"fieldName": "jobtitle", "mapToName": "title"},
                                ],
                                "optionalFields": [{"fieldName": "firstname"}, {"fieldName": "lastname"}],
                            }
                        ]
                    },
                    "write": {"objects": [{"objectName": "contacts", "inheritMapping": True}]},
                },
            },
        },
        {
            "id": world.tracker["id"],
            "projectId": world.project_id,
            "name": "tracker",
            "provider": "redmine",
            "createTime": "<time>",
            "updateTime": "<time>",
            "latestRevision": {
                "id": world.tracker["latestRevision"]["id"],
                "specVersion": "1.0.0",
                "createTime": "<time>",
                "content": {
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
            },
        },
    ]


def test_every_answer_here_is_also_checked_against_the_specification() -> None:
    """The world's client does so; see `tests.support.specification.checked`."""
    require_specification()


async def test_list_connections(world: World) -> None:
    assert timeless(await world.get("/connections")) == [acme_connection(world), globex_connection(world)]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"provider": "hubspot"}, ["acme"]),
        ({"provider": "redmine"}, ["globex"]),
        ({"groupRef": "globex"}, ["globex"]),
        ({"consumerRef": "ada"}, ["acme"]),
        ({"provider": "hubspot", "groupRef": "acme", "consumerRef": "ada"}, ["acme"]),
        ({"provider": "hubspot", "groupRef": "globex"}, []),
        ({"provider": "nosuch"}, []),
        ({"groupRef": "ACME"}, []),
        ({"groupRef": "' OR 1=1 --"}, []),
        ({"unknown": "parameter"}, ["acme", "globex"]),
    ],
)
async def test_list_connections_by_provider_group_and_consumer(
    world: World, query: dict[str, str], found: list[str]
) -> None:
    everything = {"acme": acme_connection(world), "globex": globex_connection(world)}
    listed = await world.get("/connections", params=query)
    assert timeless(listed) == [everything[name] for name in found]


async def test_list_installations(world: World) -> None:
    assert timeless(await world.get("/installations")) == [acme_installation(world), globex_installation(world)]


@pytest.mark.parametrize(("ref", "found"), [("acme", ["acme"]), ("globex", ["globex"]), ("nosuch", []), ("ACME", [])])
async def test_list_installations_of_a_group(world: World, ref: str, found: list[str]) -> None:
    everything = {"acme": acme_installation(world), "globex": globex_installation(world)}
    listed = await world.get("/installations", params={"groupRef": ref})
    assert timeless(listed) == [everything[name] for name in found]


async def test_list_integrations(world: World) -> None:
    assert timeless(await world.get("/integrations")) == integrations(world)


async def test_a_project_without_anything_lists_nothing(world: World) -> None:
    for path in ("connections", "installations", "integrations"):
        answer = await world.client.get(
            f"/v1/projects/other/{path}", headers={"X-Api-Key": world.keys["of another project"]}
        )
        assert (answer.status_code, answer.json()) == (200, [])


async def test_the_projects_id_is_as_good_as_its_name(world: World) -> None:
    for path in ("connections", "installations", "integrations"):
        answer = await world.client.get(f"/v1/projects/{world.project_id}/{path}")
        assert answer.json() == await world.get(f"/{path}")


async def update(world: World, connection: str, mask: list[str], change: dict[str, Any]) -> httpx.Response:
    return await world.client.patch(
        f"/v1/projects/default/connections/{connection}", json={"updateMask": mask, "connection": change}
    )


async def test_update_connection(world: World) -> None:
    before = await world.get(f"/connections/{world.globex['id']}")
    metadata = {"plan": {"value": "gold", "source": "input", "displayName": "Plan"}}
    answer = await update(
        world,
        world.globex["id"],
        ["apiKey", "providerWorkspaceRef", "providerMetadata"],
        {
            "apiKey": "new-key",
            "providerWorkspaceRef": "https://issues.example.com",
            "providerMetadata": metadata,
            "groupName": "not in the mask",
        },
    )
    assert answer.status_code == 200
    changed = answer.json()
    assert timeless(changed) == {
        **globex_connection(world),
        "providerWorkspaceRef": "https://issues.example.com",
        "providerMetadata": metadata,
    }
    assert changed["createTime"] == before["createTime"]
    assert changed["updateTime"] > before["updateTime"]
    assert await world.get(f"/connections/{world.globex['id']}") == changed
    shown = await world.get(f"/connections/{world.globex['id']}?includeCreds=true")
    assert shown == {**changed, "apiKey": "new-key"}
    assert timeless(await world.get(f"/connections/{world.acme['id']}")) == acme_connection(world)


def problem(answer: httpx.Response) -> Any:
    """The answer's body; what only this request has is checked here and taken away."""
    assert answer.headers["content-type"] == "application/problem+json"
    body = timeless(answer.json())
    request_id = body.pop("requestId")
    assert answer.headers["x-request-id"] == request_id
    assert body.pop("instance") == f"urn:uuid:{request_id}"
    assert body.pop("time") == "<time>"
    assert body["status"] == answer.status_code
    return body


@pytest.mark.parametrize("path", ["connections", "installations", "integrations"])
@pytest.mark.parametrize("project", ["nosuch", "other"])
async def test_a_project_that_the_key_does_not_open_is_not_found(world: World, path: str, project: str) -> None:
    assert problem(await world.client.get(f"/v1/projects/{project}/{path}")) == {
        "type": "https://conjunct.dev/problems/not-found",
        "title": "Not found",
        "status": 404,
        "detail": f"There is no project {project!r} that this credential can see.",
        "remedy": "Check the project's id or name, and that the credential belongs to it.",
        "subsystem": "api",
        "retryable": False,
    }


@pytest.mark.parametrize("connection", ["nosuch", "01a1fc1f-2015-76ce-8725-1ce13ba17028"])
async def test_updating_a_connection_that_is_not_there(world: World, connection: str) -> None:
    answer = await update(world, connection, ["apiKey"], {"apiKey": "x"})
    assert problem(answer) == {
        "type": "https://conjunct.dev/problems/connection-not-found",
        "title": "There is no such connection",
        "status": 404,
        "detail": f"There is no connection {connection!r} in this project.",
        "remedy": "List the connections of the project to see their ids.",
        "subsystem": "api",
        "retryable": False,
    }


async def test_updating_what_cannot_be_updated(world: World) -> None:
    allowed = "apiKey, basicAuth, oauth2ClientCredentials, oauth2PasswordCredentials, customAuth"
    remedy = f"Allowed masks: 'providerWorkspaceRef, providerMetadata, {allowed}'"
    answer = await update(world, world.globex["id"], ["apiKey", "groupRef", "status"], {"apiKey": "x"})
    assert problem(answer) == {
        "type": "https://conjunct.dev/problems/invalid-update-mask",
        "title": "The update mask is not valid",
        "status": 400,
        "detail": "The update mask names what cannot be updated.",
        "remedy": remedy,
        "issues": [
            {
                "in": "body",
                "name": "updateMask.1",
                "detail": "this cannot be updated",
                "value": "groupRef",
                "remedy": remedy,
            },
            {
                "in": "body",
                "name": "updateMask.2",
                "detail": "this cannot be updated",
                "value": "status",
                "remedy": remedy,
            },
        ],
        "subsystem": "api",
        "retryable": False,
    }


async def test_updating_with_values_of_wrong_types(world: World) -> None:
    answer = await world.client.patch(
        f"/v1/projects/default/connections/{world.globex['id']}",
        json={"updateMask": "apiKey", "connection": {"apiKey": 5, "providerWorkspaceRef": ["x"]}},
    )
    assert problem(answer) == {
        "type": "https://conjunct.dev/problems/invalid-request",
        "title": "The request is not valid",
        "status": 400,
        "detail": "The request is not valid: updateMask, connection.providerWorkspaceRef, connection.apiKey.",
        "issues": [
            {"in": "body", "name": "updateMask", "detail": "Input should be a valid list"},
            {"in": "body", "name": "connection.providerWorkspaceRef", "detail": "Input should be a valid string"},
            {"in": "body", "name": "connection.apiKey", "detail": "Input should be a valid string"},
        ],
        "subsystem": "api",
        "retryable": False,
    }


async def test_a_deploy_that_is_not_good_tells_every_fault(world: World) -> None:
    source = "specVersion: 1.0.0\nintegrations:\n  - name: crm\n    provider: nosuch\n    raed: {}\n"
    answer = await world.client.put("/v1/projects/default/integrations:batch", json={"sourceYaml": source})
    body = problem(answer)
    issues = body.pop("issues")
    assert body == {
        "type": "https://conjunct.dev/problems/manifest-invalid",
        "title": "The manifest is not valid",
        "status": 422,
        "detail": "The manifest has 3 faults.",
        "remedy": "Correct each issue; nothing was changed.",
        "subsystem": "api",
        "retryable": False,
    }
    assert [(issue["name"], issue["context"]) for issue in issues] == [
        ("integrations.0", {"line": 3, "column": 5}),  # it does nothing
        ("integrations.0.provider", {"line": 4, "column": 15}),
        ("integrations.0.raed", {"line": 5, "column": 5}),
    ]
    assert timeless(await world.get("/integrations")) == integrations(world)
