"""Whatever is sent, the answer is one of those that are specified, and never a failure of ours."""

from __future__ import annotations

import json
from typing import Any

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.connections.making import CREDENTIALS

SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3))
keys = st.sampled_from(
    [
        *("groupRef", "groupName", "consumerRef", "consumerName", "provider", "providerWorkspaceRef", "apiKey"),
        *("providerMetadata", "basicAuth", "oauth2AuthorizationCode", "oauth2ClientCredentials", "customAuth"),
    ]
)
good = st.sampled_from(sorted(CREDENTIALS)).map(
    lambda name: {"groupRef": "g-1", "consumerRef": "c-1", "provider": name, **CREDENTIALS[name]}
)
connections = st.builds(lambda base, changes: {**base, **changes}, good, st.dictionaries(keys, values, max_size=2))
masks = st.lists(keys | texts, max_size=3) | values


async def _answer(client: httpx.AsyncClient, method: str, url: str, body: Any) -> int:
    response = await client.request(method, url, content=json.dumps(body), headers={"Content-Type": "application/json"})
    return response.status_code


@given(body=connections | values)
@SETTINGS
async def test_generate_answers_anything(client: httpx.AsyncClient, body: Any) -> None:
    assert await _answer(client, "POST", "/v1/projects/acme/connections:generate", body) in {201, 400, 422}


@given(base=good, mask=masks, connection=connections | values)
@SETTINGS
async def test_update_answers_anything(client: httpx.AsyncClient, base: Any, mask: Any, connection: Any) -> None:
    made = (await client.post("/v1/projects/acme/connections:generate", json=base)).json()
    body = {"updateMask": mask, "connection": connection}
    assert await _answer(client, "PATCH", f"/v1/projects/acme/connections/{made['id']}", body) in {200, 400, 422}


@given(parameters=st.dictionaries(st.sampled_from(["provider", "groupRef", "consumerRef"]), texts))
@SETTINGS
async def test_filters_take_anything(client: httpx.AsyncClient, parameters: dict[str, str]) -> None:
    response = await client.get("/v1/projects/acme/connections", params=parameters)
    assert response.status_code == (400 if any("\0" in value for value in parameters.values()) else 200)
