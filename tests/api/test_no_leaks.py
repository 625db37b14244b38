"""No answer tells whether another tenant's thing exists: it is the answer for what exists nowhere, word for word.

Tenants are projects and orgs; within a project, customers whose tokens are confined to one group.
"""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.access import (
    ACCESS,
    CONNECTION,
    INSTALLATION,
    INTEGRATION,
    PROJECT,
    credential,
    good_path,
    parameters_of,
)
from tests.api.faults import Faults
from tests.api.strangers import Strangers, make_strangers
from tests.api.world import TOPIC_ID, World
from tests.support.tokens import customer_token

UNKNOWN_ID = "01a1fc1f-2015-76ce-8725-1ce13ba17028"
UNKNOWN = {
    "projectIdOrName": "nosuch",
    "destination": "nosuch",
    "integrationId": "nosuch",
    "integrationIdOrName": "nosuch",
    "apiKey": "cj_unknown",
}
KEYED = [(method, path, each) for (method, path), each in ACCESS.items() if each.access not in ("open", "signed")]


@pytest.fixture(scope="module")
async def world(lasting_world: World) -> World:
    return lasting_world


@pytest.fixture(scope="module")
async def strangers(world: World) -> Strangers:
    return await make_strangers(world)


class Answers:
    """Answers to pairs of requests that differ in one value; what they give away is told together."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._leaks: list[str] = []
        self._pairs = 0

    async def __aenter__(self) -> Answers:
        self._before = await self._world.contents()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        assert self._pairs > 0
        assert not self._leaks, "\n" + "\n".join(self._leaks)
        assert await self._world.contents() == self._before

    async def compare(
        self, headers: dict[str, str], method: str, path: str, existing: str, unknown: str, body: Any = None
    ) -> None:
        """`<it>` in the path or the body is what exists elsewhere, and then what exists nowhere."""
        self._pairs += 1
        seen = [await self._ask(headers, method, path, each, body) for each in (existing, unknown)]
        if seen[0] != seen[1]:
            self._leaks.append(f"{method} {path} {str(body)[:200]}, {existing}:\n  {seen[0]}\n  {seen[1]}")

    async def _ask(self, headers: dict[str, str], method: str, path: str, value: str, body: Any) -> tuple[int, Any]:
        self._world.client.headers.pop("X-Api-Key", None)
        options = {} if body is None else {"json": filled(body, value)}
        answer = await self._world.client.request(method, path.replace("<it>", value), headers=headers, **options)
        return answer.status_code, told(answer, value)


def filled(body: Any, value: str) -> Any:
    """The body with the value in place of `<it>`."""
    if isinstance(body, dict):
        return {name: filled(each, value) for name, each in body.items()}
    if isinstance(body, list):
        return [filled(each, value) for each in body]
    return value if body == "<it>" else body


def told(answer: httpx.Response, value: str) -> Any:
    """What the answer says, but for what every answer has anew, and for the name that was asked for."""
    if not answer.content or not answer.headers["content-type"].endswith("json"):
        return answer.text
    body = answer.json()
    if isinstance(body, dict):
        for name in ("requestId", "instance", "time", "retryAfter"):
            body.pop(name, None)
    return str(body).replace(value, "<it>")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def ada(world: World) -> dict[str, str]:
    """A token of a customer of the group `acme`."""
    return bearer(customer_token(world.jwt_key_id, "acme", "ada"))


async def test_a_path_does_not_tell_of_another_tenants_things(world: World, strangers: Strangers) -> None:
    async with Answers(world) as answers:
        for method, path, operation in KEYED:
            for name in strangers.things.keys() & set(parameters_of(path)):
                where = good_path(world, path, **{name: "<it>"})
                for existing in strangers.things[name]:
                    unknown = UNKNOWN.get(name, UNKNOWN_ID)
                    headers = credential(world, operation.access)
                    await answers.compare(headers, method, where, existing, unknown, operation.body)


async def test_every_parameter_of_a_path_that_names_a_thing_is_tried(strangers: Strangers) -> None:
    names = {name for _, path, _ in KEYED for name in parameters_of(path)}
    assert names - set(strangers.things) == {"billingAccountId", "objectName", "provider"}  # these belong to nobody


async def test_a_path_does_not_tell_a_customer_of_another_groups_things(world: World) -> None:
    others = {"connectionId": world.globex["id"], "installationId": world.globex_installation["id"]}
    async with Answers(world) as answers:
        for method, path, operation in KEYED:
            if operation.access == "frontend":
                for name in others.keys() & set(parameters_of(path + operation.needs)):
                    for integration in ("crm", "tracker"):
                        where = good_path(world, path, **{name: "<it>", "integrationId": integration})
                        await answers.compare(ada(world), method, where, others[name], UNKNOWN_ID, operation.body)


@pytest.mark.parametrize(("name", "existing"), [("groupRef", "globex"), ("consumerRef", "bob")])
async def test_a_query_or_a_body_does_not_tell_a_customer_of_others(world: World, name: str, existing: str) -> None:
    async with Answers(world) as answers:
        for method, path, operation in KEYED:
            if operation.access != "frontend":
                continue
            where = good_path(world, path)
            if name in operation.query:
                query = where.partition("?")[0] + f"?{name}=<it>"
                await answers.compare(ada(world), method, query, existing, "nosuch", operation.body)
            if name in (operation.body or {}):
                body = {**operation.body, "groupRef": "acme", "consumerRef": "ada", name: "<it>"}
                await answers.compare(ada(world), method, where, existing, "nosuch", body)


async def test_naming_another_group_or_consumer_is_forbidden(world: World) -> None:
    async with Faults(world) as faults:
        for method, path, operation in KEYED:
            if operation.access != "frontend":
                continue
            where = good_path(world, path).partition("?")[0]
            if "groupRef" in operation.query:
                for group in ("globex", "nosuch"):
                    await faults.expect({403}, method, f"{where}?groupRef={group}", credential=ada(world))
            for name in {"groupRef", "consumerRef"} & set(operation.body or {}):
                body = {**operation.body, "groupRef": "acme", "consumerRef": "ada", name: "bob"}
                await faults.expect({403}, method, where, credential=ada(world), json=body)


CONNECT = ACCESS["POST", "/v1/oauth-connect"].body
WHO = {"groupRef": "acme", "consumerRef": "ada"}
IN_A_PROJECT: list[tuple[str, str, str, Any]] = [
    (
        "connectionId",
        "POST",
        INTEGRATION + "/installations",
        {"groupRef": "acme", "connectionId": "<it>", "config": {"content": {}}},
    ),
    (
        "connectionId",
        "PATCH",
        INSTALLATION,
        {"updateMask": ["connectionId"], "installation": {"connectionId": "<it>"}},
    ),
    ("connectionId", "GET", INTEGRATION + "/revisions/{revisionId}:hydrate?connectionId=<it>", None),
    (
        "installationId",
        "PATCH",
        INTEGRATION + "/objects/{objectName}/config-content",
        {"installationId": "<it>", "action": "read", "changes": [{"op": "remove", "path": "/schedule"}]},
    ),
]
BETWEEN_PROJECTS: list[tuple[str, str, str, Any]] = [
    ("topicId", "GET", PROJECT + "/notification-event-topic-routes?topicId=<it>", None),
    ("topicId", "GET", PROJECT + "/topic-destination-routes?topicId=<it>", None),
    ("destination", "GET", PROJECT + "/topic-destination-routes?destinationId=<it>", None),
    (
        "topicId",
        "POST",
        PROJECT + "/notification-event-topic-routes",
        {"eventType": "connection.error", "topicId": "<it>"},
    ),
    ("topicId", "POST", PROJECT + "/topic-destination-routes", {"topicId": "<it>", "destinationId": UNKNOWN_ID}),
    ("destination", "POST", PROJECT + "/topic-destination-routes", {"topicId": TOPIC_ID, "destinationId": "<it>"}),
    ("revisionId", "POST", INTEGRATION + ":rollback", {"revisionId": "<it>"}),
    ("revisionId", "GET", INTEGRATION + "/revisions/{revisionId}:diff?against=<it>", None),
    ("projectIdOrName", "POST", "/v1/oauth-connect", {**CONNECT, "projectIdOrName": "<it>"}),
    ("projectIdOrName", "POST", "/v1/custom-auth/connect", {**CONNECT, "projectIdOrName": "<it>"}),
    ("providerAppId", "POST", "/v1/oauth-connect", {**CONNECT, "providerAppId": "<it>"}),
    ("providerAppId", "POST", PROJECT + "/connect-links", {"provider": "hubspot", **WHO, "providerAppId": "<it>"}),
]
BETWEEN_ORGS: list[tuple[str, str, str, Any]] = [
    ("orgId", "POST", "/v1/projects", {"orgId": "<it>", "name": "more", "appName": "More"}),
    ("orgId", "POST", "/v1/claimed-domains", {"parentId": "<it>", "parentType": "org", "domain": "example.com"}),
]


@pytest.mark.parametrize(("name", "method", "path", "body"), IN_A_PROJECT + BETWEEN_PROJECTS)
async def test_a_value_in_a_query_or_body_does_not_tell_of_another_project(
    world: World, strangers: Strangers, name: str, method: str, path: str, body: Any
) -> None:
    async with Answers(world) as answers:
        for existing in strangers.things[name]:
            unknown = UNKNOWN.get(name, UNKNOWN_ID)
            await answers.compare(credential(world, "full"), method, good_path(world, path), existing, unknown, body)


@pytest.mark.parametrize(("name", "method", "path", "body"), IN_A_PROJECT)
async def test_a_value_in_a_query_or_body_does_not_tell_a_customer_of_another_group(
    world: World, name: str, method: str, path: str, body: Any
) -> None:
    others = {"connectionId": world.globex["id"], "installationId": world.globex_installation["id"]}
    async with Answers(world) as answers:
        for integration in ("crm", "tracker"):
            where = good_path(world, path, integrationId=integration)
            await answers.compare(ada(world), method, where, others[name], UNKNOWN_ID, body)


@pytest.mark.parametrize(("name", "method", "path", "body"), BETWEEN_ORGS)
async def test_a_value_in_a_body_does_not_tell_of_another_org(
    world: World, strangers: Strangers, name: str, method: str, path: str, body: Any
) -> None:
    async with Answers(world) as answers:
        (existing,) = strangers.things[name]
        await answers.compare(credential(world, "owner"), method, path, existing, UNKNOWN_ID, body)


async def test_adding_a_member_does_not_tell_of_another_orgs_people(world: World, strangers: Strangers) -> None:
    path = good_path(world, "/v1/orgs/{orgId}/memberships")
    async with Answers(world) as answers:
        await answers.compare(
            credential(world, "owner"), "POST", path, strangers.builder_id, UNKNOWN_ID, {"builderId": "<it>"}
        )


async def test_another_projects_upload_is_as_unknown_as_any(world: World, strangers: Strangers) -> None:
    unknown = strangers.upload.rpartition("/")[0] + "/" + UNKNOWN_ID
    for method, path in (("PUT", "/integrations:batch"), ("POST", "/integrations:plan")):
        async with Answers(world) as answers:
            where = good_path(world, PROJECT) + path
            body = {"sourceZipUrl": "<it>"}
            await answers.compare(credential(world, "full"), method, where, strangers.upload, unknown, body)


async def test_lists_show_a_customer_their_own_group_alone(world: World) -> None:
    for group, consumer, own in (("acme", "ada", world.acme), ("globex", "bob", world.globex)):
        headers = bearer(customer_token(world.jwt_key_id, group, consumer))
        for path in ("/connections", "/integrations/crm/installations", "/integrations/tracker/installations"):
            world.client.headers.pop("X-Api-Key", None)
            shown = await world.client.get(f"/v1/projects/default{path}", headers=headers)
            groups = [each["group"]["groupRef"] for each in shown.json()]
            has_it = path == "/connections" or own["provider"] == {"crm": "hubspot"}.get(path.split("/")[2], "redmine")
            assert groups == ([group] if has_it else []), path


async def test_a_customer_sees_no_credentials(world: World) -> None:
    path = good_path(world, CONNECTION)
    async with Faults(world) as faults:
        for query in ("includeCreds=true", "includeRefreshToken=true"):
            await faults.expect({403}, "GET", f"{path}?{query}", credential=ada(world))
