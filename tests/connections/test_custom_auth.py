"""Custom authentication in several steps: no provider has it yet, and the answer says what to do instead."""

from __future__ import annotations

from typing import Any

import pytest

from tests.connections.flows import WHO, Flow
from tests.support.tenants import make_key

FIRST = {"projectIdOrName": "acme", **WHO, "customAuth": {"userName": "ada", "password": "planted-s3cret"}}


@pytest.mark.parametrize(
    ("provider", "remedy"),
    [
        ("hubspot", "oauth-connect"),
        ("keyed", "apiKey to connections:generate"),
        ("machine", "cannot be connected yet"),
    ],
)
async def test_a_provider_without_such_steps_is_refused(flow: Flow, provider: str, remedy: str) -> None:
    answer = await flow.client.post("/v1/custom-auth/connect", json={**FIRST, "provider": provider})
    problem = answer.json()
    assert (answer.status_code, problem["type"].rpartition("/")[2]) == (400, "no-multi-step-auth")
    assert [issue["name"] for issue in problem["issues"]] == ["provider"]
    assert remedy in problem["remedy"]
    assert "planted" not in answer.text


@pytest.mark.parametrize(
    ("body", "status", "names"),
    [
        ({"projectIdOrName": "acme"}, 400, ["provider", "groupRef", "consumerRef"]),
        ({"projectIdOrName": "acme", "provider": "hubspot"}, 400, ["groupRef", "consumerRef"]),
        ({**FIRST, "provider": "nosuch"}, 422, ["provider"]),
        ({"projectIdOrName": "acme", "sessionId": "s-1", "callbackParams": {"tenant": "t"}}, 400, ["sessionId"]),
        ({**FIRST, "provider": "keyed", "callbackParams": {"tenant": 5}}, 400, ["callbackParams.tenant"]),
        ({**FIRST, "provider": "keyed", "customAuth": "text"}, 400, ["customAuth"]),
        ({"provider": "keyed", **WHO}, 400, ["projectIdOrName"]),
    ],
)
async def test_what_is_wrong_is_told_at_once(flow: Flow, body: dict[str, Any], status: int, names: list[str]) -> None:
    answer = await flow.client.post("/v1/custom-auth/connect", json=body)
    assert (answer.status_code, [issue["name"] for issue in answer.json()["issues"]]) == (status, names)


async def test_only_the_projects_own_keys_get_that_far(flow: Flow) -> None:
    body = {**FIRST, "provider": "keyed"}
    none = await make_key(flow.database, flow.project)
    for key, status in (("", 401), (none, 403), (flow.other.api_key, 404)):
        answer = await flow.client.post("/v1/custom-auth/connect", json=body, headers={"X-Api-Key": key})
        assert answer.status_code == status
