"""Web pages of other origins use the API: preflights, answers and errors as a browser needs them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from conjunct.app.api import create_api
from conjunct.app.services import Services
from conjunct.core.database import Database
from conjunct.core.problem_responses import MEDIA_TYPE
from conjunct.core.settings import load_settings
from tests.support.platform import Platform, running_platform

PAGE = "https://app.example.com"
OTHER = "https://elsewhere.example.com"
CONNECTIONS = "/v1/projects/default/connections"
EXPOSED = "X-Request-Id, ETag, Link, X-Next-Page-Token, Retry-After"


@pytest.fixture
async def platform(database: Database, tmp_path: Path) -> AsyncIterator[Platform]:
    async with running_platform(database, tmp_path, worker=False, max_body_bytes=2048) as platform:
        yield platform


@pytest.fixture
async def restricted(database: Database, tmp_path: Path) -> AsyncIterator[Platform]:
    async with running_platform(database, tmp_path, worker=False, cors_origins=(PAGE,)) as platform:
        yield platform


async def preflight(
    platform: Platform, path: str, method: str = "GET", headers: str = "x-api-key", origin: str = PAGE, **more: str
) -> httpx.Response:
    """What a browser asks before it sends a request that a form could not send; without any credential."""
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
        "X-Api-Key": "",
        **more,
    }
    return await platform.client.options(path, headers=asked)


def listed(answer: httpx.Response, name: str) -> list[str]:
    return [each.strip() for each in answer.headers[name].lower().split(",")]


def assert_readable(answer: httpx.Response, origin: str = "*") -> None:
    assert answer.headers["access-control-allow-origin"] == origin
    assert answer.headers["access-control-expose-headers"].startswith(EXPOSED)
    assert "access-control-allow-credentials" not in answer.headers
    assert not [name for name in answer.headers if name.startswith("cross-origin")]


@pytest.mark.parametrize(
    ("path", "method", "headers"),
    [
        (CONNECTIONS, "GET", "x-amp-client,x-amp-client-version,x-api-key"),
        (CONNECTIONS, "GET", "authorization,x-amp-client,x-amp-client-version"),
        (CONNECTIONS + ":generate", "POST", "authorization,content-type,idempotency-key"),
        (CONNECTIONS + "/c", "PATCH", "content-type,x-api-key"),
        (CONNECTIONS + "/c", "DELETE", "x-api-key"),
        ("/v1/projects/default/integrations:batch", "PUT", "content-type,x-api-key"),
        ("/v1/providers", "GET", "x-api-key,if-none-match"),
        ("/read/v1/projects/default/integrations/crm/objects/people", "POST", "content-type,x-api-key"),
        ("/proxy/crm/v3/objects/contacts", "PUT", "x-amp-project-id,x-amp-proxy-version,x-amp-installation-id"),
        ("/v1/there/is/nothing", "GET", "x-api-key"),
    ],
)
async def test_a_preflight_is_answered_without_a_credential(
    platform: Platform, path: str, method: str, headers: str
) -> None:
    answer = await preflight(platform, path, method, headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert_readable(answer)
    assert method.lower() in listed(answer, "access-control-allow-methods")
    assert set(headers.split(",")) <= set(listed(answer, "access-control-allow-headers"))
    assert int(answer.headers["access-control-max-age"]) > 600
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("host", ["read.example.com", "proxy.example.com:8080"])
async def test_a_preflight_by_host(platform: Platform, host: str) -> None:
    answer = await preflight(platform, "/crm/v3/objects", Host=host)
    assert answer.status_code == 204
    assert_readable(answer)


async def test_options_that_are_no_preflight_reach_the_application(platform: Platform) -> None:
    answer = await platform.client.options(CONNECTIONS, headers={"Origin": PAGE})
    assert answer.status_code == 405
    assert_readable(answer)


@pytest.mark.parametrize("origin", [PAGE, "http://localhost:3000", "null", "tauri://localhost", None])
async def test_an_answer_can_be_read_by_any_page(platform: Platform, origin: str | None) -> None:
    answer = await platform.client.get(CONNECTIONS, headers={"Origin": origin} if origin else {})
    assert answer.status_code == 200
    assert_readable(answer)
    assert "vary" not in answer.headers


async def test_answers_to_errors_can_be_read(platform: Platform) -> None:
    page = {"Origin": PAGE}
    asked: list[tuple[int, str, str, dict[str, Any]]] = [
        (401, "GET", CONNECTIONS, {"headers": {**page, "X-Api-Key": "wrong"}}),
        (404, "GET", "/v1/projects/another/connections", {"headers": page}),
        (404, "GET", "/v1/nowhere", {"headers": page}),
        (405, "DELETE", CONNECTIONS, {"headers": page}),
        (400, "POST", CONNECTIONS + ":generate", {"headers": page, "content": b"{"}),
        (413, "POST", CONNECTIONS + ":generate", {"headers": page, "content": b" " * 3000}),
    ]
    for status, method, path, options in asked:
        answer = await platform.client.request(method, path, **options)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == MEDIA_TYPE
        assert_readable(answer)


async def test_a_fault_of_ours_can_be_read_and_has_a_request_id(platform: Platform, tmp_path: Path) -> None:
    class Broken:
        def install(self, state: Any) -> None:
            services: Services = platform.services
            services.install(state)
            state.connections = object()

    app = create_api(platform.settings, cast("Services", Broken()))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    headers = {"Origin": PAGE, "X-Api-Key": platform.client.headers["X-Api-Key"]}
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.get(CONNECTIONS, headers=headers)
    assert answer.status_code == 500
    assert_readable(answer)
    assert answer.headers["x-request-id"] == answer.json()["requestId"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/callbacks/v1/oauth"])
async def test_what_is_no_api_has_no_such_headers(platform: Platform, path: str) -> None:
    answer = await platform.client.get(path, headers={"Origin": PAGE})
    assert not [name for name in answer.headers if name.startswith(("access-control", "cross-origin"))]


async def test_the_operator_may_name_the_origins(restricted: Platform) -> None:
    allowed = await restricted.client.get(CONNECTIONS, headers={"Origin": PAGE})
    assert_readable(allowed, PAGE)
    assert listed(allowed, "vary") == ["origin"]
    assert_readable(await preflight(restricted, CONNECTIONS), PAGE)
    for origin in (OTHER, "null", PAGE + ".evil.example", "http://app.example.com"):
        answer = await restricted.client.get(CONNECTIONS, headers={"Origin": origin})
        assert answer.status_code == 200
        assert "access-control-allow-origin" not in answer.headers
        assert listed(answer, "vary") == ["origin"]
        refused = await preflight(restricted, CONNECTIONS, origin=origin)
        assert refused.status_code == 403
        assert "access-control-allow-origin" not in refused.headers
        assert "CONJUNCT_CORS_ORIGINS" in refused.json()["remedy"]


async def test_without_an_origin_the_restriction_changes_nothing(restricted: Platform) -> None:
    answer = await restricted.client.get(CONNECTIONS)
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


def test_the_setting_is_a_list_of_origins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CONJUNCT_CORS_ORIGINS", raising=False)
    assert load_settings().cors_origins == ("*",)
    monkeypatch.setenv("CONJUNCT_CORS_ORIGINS", "https://App.example.com, http://localhost:3000")
    settings = load_settings()
    assert settings.cors_origins == ("https://app.example.com", "http://localhost:3000")
    assert settings.environment()["CONJUNCT_CORS_ORIGINS"] == "https://app.example.com,http://localhost:3000"
    monkeypatch.setenv("CONJUNCT_CORS_ORIGINS", "")
    assert load_settings().cors_origins == ()
