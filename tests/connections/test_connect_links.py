"""Hosted links over the API: who may make which, what is kept of them, and what is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import text

from conjunct.tenants import ProjectKeys
from conjunct.tenants.api_keys import ApiKeyService
from tests.connections.flows import NOW, PUBLIC_URL, WHO, Flow
from tests.connections.hosted import PATH, link_json, make_link, visitor


async def refused(flow: Flow, status: int, **body: Any) -> dict[str, Any]:
    answer = await flow.client.post(PATH, json={**WHO, **body})
    assert answer.status_code == status, answer.text
    return dict(answer.json())


async def test_a_link_is_shown_with_its_url_once(flow: Flow) -> None:
    made = await make_link(flow, returnUrl="https://app.example.com/done?x=1#top", expiresInSeconds=3600)
    url = made.pop("url")
    base, _, token = url.rpartition("/")
    assert base == f"{PUBLIC_URL}/connect"
    assert len(token) >= 43  # 256 bits in base64
    shown = {name: value for name, value in made.items() if name not in ("id", "createTime")}
    assert shown == {
        "projectId": flow.project.project_id,
        "providers": ["redmine"],
        **WHO,
        "returnUrl": "https://app.example.com/done?x=1#top",
        "status": "open",
        "expireTime": "2026-03-01T13:00:00.000000Z",
    }
    assert await link_json(flow) == made
    assert (await flow.client.get(f"{PATH}/{made['id']}")).json() == made


async def test_a_link_lasts_a_day_unless_said_otherwise(flow: Flow) -> None:
    assert (await make_link(flow))["expireTime"].startswith((NOW + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M"))


async def test_the_token_is_kept_nowhere(flow: Flow) -> None:
    await flow.app("hubspot")
    made = await make_link(flow, "hubspot")
    token = made["url"].rpartition("/")[2]
    await visitor(flow, made["url"]).send({})
    async with flow.database.reading() as reading:
        for table in ("connect_link", "oauth_flow"):
            dump = str((await reading.execute(text(f"SELECT t::text FROM {table} t"))).all())
            assert dump != "[]"
            assert token not in dump
            assert token.encode().hex() not in dump


async def test_lists_are_of_the_project_and_of_a_group_if_asked(flow: Flow) -> None:
    first = await make_link(flow)
    second = await make_link(flow, groupRef="globex")
    assert [each["id"] for each in (await flow.client.get(PATH)).json()] == [first["id"], second["id"]]
    assert [each["id"] for each in (await flow.client.get(PATH + "?groupRef=globex")).json()] == [second["id"]]
    rival = {"X-Api-Key": flow.other.api_key}
    assert (await flow.client.get("/v1/projects/rival/connect-links", headers=rival)).json() == []
    for method in ("GET", "DELETE"):
        answer = await flow.client.request(method, f"/v1/projects/rival/connect-links/{first['id']}", headers=rival)
        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (404, "connect-link-not-found")


async def test_links_are_forgotten_long_after_they_end(flow: Flow) -> None:
    old = await make_link(flow)
    flow.clock.advance(timedelta(days=30))
    kept = await make_link(flow)
    listed = (await flow.client.get(PATH)).json()
    assert [(each["id"], each["status"]) for each in listed] == [(old["id"], "expired"), (kept["id"], "open")]
    flow.clock.advance(timedelta(days=2))
    await make_link(flow)
    assert old["id"] not in [each["id"] for each in (await flow.client.get(PATH)).json()]


IMPOSSIBLE: list[tuple[int, dict[str, Any], str]] = [
    (400, {}, "provider"),
    (400, {"provider": "redmine", "providers": ["redmine"]}, "provider"),
    (400, {"providers": []}, "providers"),
    (400, {"providers": ["redmine"] * 101}, "providers"),
    (422, {"provider": "nosuch"}, "provider"),
    (422, {"providers": ["redmine", "nosuch"]}, "providers.1"),
    (422, {"providers": ["redmine", "hubspot"]}, "providers.1"),  # there is no provider app
    (422, {"provider": "redmine", "providerAppId": "x"}, "providerAppId"),
    (422, {"provider": "hubspot", "providerAppId": "x"}, "providerAppId"),
    (400, {"providers": ["keyed", "redmine"], "providerAppId": "x"}, "providerAppId"),
    (400, {"provider": "redmine", "expiresInSeconds": 59}, "expiresInSeconds"),
    (400, {"provider": "redmine", "expiresInSeconds": 30 * 24 * 3600 + 1}, "expiresInSeconds"),
    (400, {"provider": "redmine", "groupRef": ""}, "groupRef"),
]


async def test_what_cannot_be_is_refused_by_name(flow: Flow) -> None:
    for status, body, at in IMPOSSIBLE:
        problem = await refused(flow, status, **body)
        assert [issue["name"] for issue in problem["issues"]] == [at], body
    assert (await flow.client.get(PATH)).json() == []


async def test_an_app_of_another_provider_or_project_is_refused(flow: Flow) -> None:
    app = await flow.app("strict", scopes=["a"])
    theirs = await flow.client.post(
        "/v1/projects/rival/provider-apps",
        json={"provider": "hubspot", "clientId": "c", "clientSecret": "s"},
        headers={"X-Api-Key": flow.other.api_key},
    )
    for each in (app, theirs.json()["id"]):
        problem = await refused(flow, 422, provider="hubspot", providerAppId=each)
        assert [issue["name"] for issue in problem["issues"]] == ["providerAppId"]


MISLEADING = [
    "http://app.example.com/",
    "http://localhost.evil.com/",
    "http://127.0.0.1.evil.com/",
    "javascript:alert(1)",
    "data:text/html,x",
    "//evil.com/",
    "/done",
    "https:evil.com",
    "https:///evil.com",
    "https:/\\evil.com",
    "https://good.com\\@evil.com/",
    "https://user@evil.com/",
    "https://user:password@evil.com/",
    "https://evil.com:99999/",
    "https://[evil/",
    "https://evil.com/\tx",
    "https://evil.com/\nx",
    " https://evil.com/",
    'https://evil.com/"><script>',
    "https://ev\u0456l.com/",
    "https://evil.com/" + "x" * 1990,
    "",
]


async def test_a_return_url_that_could_mislead_is_refused(flow: Flow) -> None:
    for url in MISLEADING:
        problem = await refused(flow, 400, provider="redmine", returnUrl=url)
        assert [issue["name"] for issue in problem["issues"]] == ["returnUrl"], url


async def test_a_return_url_is_https_or_on_this_machine(flow: Flow) -> None:
    for url in ("http://localhost:3000/x", "http://127.0.0.1/", "http://[::1]:5173/", "https://a.b/?c=d"):
        assert (await make_link(flow, returnUrl=url))["returnUrl"] == url


async def test_only_the_builder_says_where_customers_are_sent_from_here(flow: Flow, keys: ProjectKeys) -> None:
    async with flow.database.transaction() as session:
        made = await ApiKeyService(keys).create(session, flow.project.project_id, "in a page", ("frontend",))
    body, headers = {"provider": "redmine", **WHO}, {"X-Api-Key": made.key}
    assert (await flow.client.post(PATH, json=body, headers=headers)).status_code == 201
    answer = await flow.client.post(PATH, json={**body, "returnUrl": "https://a.example.com"}, headers=headers)
    assert answer.status_code == 403
    assert (await flow.client.get(PATH, headers=headers)).status_code == 403
