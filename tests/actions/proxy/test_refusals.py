"""What is not passed through, and what cannot be smuggled past us: nothing of it reaches the provider."""

from __future__ import annotations

from typing import Any

from tests.actions.proxy.conftest import Proxied
from tests.support.tokens import customer_token, public_pem

DOTS = (
    "/crm/../admin",
    "/crm/./objects",
    "/crm/%2e%2e/admin",
    "/crm/.%2E/admin",
    "/..",
    "/crm/%252e%252e/admin",
    "/crm/..%2fadmin",
    "/crm/..%5cadmin",
    "/crm/%25252e./admin",
)
SEPARATORS = ("/crm/a%2fb", "/crm/a%2Fb", "/crm/a%5cb", "/a%5Cb")
UNREADABLE = ("/crm/%zz", "/crm/%", "/crm/a\\b", "/crm/a b", "/crm/a\tb", "/crm/é", '/crm/"', "/crm/<a>", "/crm/%2")


def head(proxied: Proxied, target: str, *lines: str, method: str = "GET", connection: str = "close") -> bytes:
    """A request of these bytes, with the headers that the proxy wants."""
    key = proxied.platform.client.headers["x-api-key"]
    headers = {**proxied.headers, "host": "api.example.com", "x-api-key": key, "connection": connection}
    named = [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([f"{method} {target} HTTP/1.1", *named, *lines, "", ""]).encode("latin-1")


async def test_a_path_that_could_mean_another_is_refused(proxied: Proxied) -> None:
    for path in (*DOTS, *SEPARATORS):
        answer = await proxied.raw(head(proxied, f"/proxy{path}"))
        assert answer.startswith(b"HTTP/1.1 400 "), (path, answer)
        assert b"proxy-path-refused" in answer
    assert proxied.upstream.seen == []


async def test_a_path_with_characters_that_must_be_encoded_is_refused(proxied: Proxied) -> None:
    for path in UNREADABLE:
        answer = await proxied.raw(head(proxied, f"/proxy{path}"))
        assert answer.startswith(b"HTTP/1.1 400 "), (path, answer)
    assert proxied.upstream.seen == []


async def test_an_encoded_slash_passes_where_the_manifest_says_so_but_no_dots(proxied: Proxied) -> None:
    await proxied.deploy(proxy={"enabled": True, "encodedSlashes": "allow"})
    await proxied.raw(head(proxied, "/proxy/projects/group%2Fname"))
    assert [seen.line for seen in proxied.upstream.seen] == ["GET /projects/group%2Fname HTTP/1.1"]
    for path in ("/a%2f..%2fb", "/a%5cb", "/a%2f%2e%2e/b"):
        assert (await proxied.raw(head(proxied, f"/proxy{path}"))).startswith(b"HTTP/1.1 400 ")
    assert len(proxied.upstream.seen) == 1


async def test_a_target_that_is_no_path_is_refused(proxied: Proxied) -> None:
    for target in ("http://evil.example/proxy/crm", "https://evil.example/crm", "evil.example:443", "*", "proxy/crm"):
        answer = await proxied.raw(head(proxied, target))
        assert answer.startswith(b"HTTP/1.1 400 "), (target, answer)
    assert proxied.upstream.seen == []


async def test_a_path_that_looks_like_a_host_stays_a_path(proxied: Proxied) -> None:
    await proxied.raw(head(proxied, "/proxy//evil.example/@evil.example:1/"))
    [seen] = proxied.upstream.seen
    assert seen.line == "GET //evil.example/@evil.example:1/ HTTP/1.1"


AMBIGUOUS: tuple[tuple[tuple[str, ...], bytes], ...] = (
    (("Content-Length: 5", "Content-Length: 6"), b"aaaaa"),
    (("Content-Length: 5", "Transfer-Encoding: chunked"), b"0\r\n\r\nGET /x HTTP/1.1\r\n\r\n"),
    (("Transfer-Encoding: chunked, identity",), b"0\r\n\r\n"),
    (("Transfer-Encoding : chunked",), b"0\r\n\r\n"),
    (("Transfer-Encoding: xchunked",), b"0\r\n\r\n"),
    (("Content-Length: +5",), b"aaaaa"),
    (("Content-Length: 0x5",), b"aaaaa"),
    (("X-Folded: a", " b"), b""),
    (("X-Bare: a\rX-Injected: b",), b""),
    (("X-Nul: a\x00b",), b""),
    (("X Space: a",), b""),
)


async def test_what_two_servers_could_read_in_different_ways_is_refused(proxied: Proxied) -> None:
    for lines, body in AMBIGUOUS:
        answer = await proxied.raw(head(proxied, "/proxy/crm", *lines, method="POST") + body)
        assert answer.startswith(b"HTTP/1.1 400 "), (lines, answer)
    assert proxied.upstream.seen == []


async def test_a_request_behind_another_is_one_of_its_own(proxied: Proxied) -> None:
    inner = b"GET /proxy/inner HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    outer = head(proxied, "/proxy/outer", "Content-Length: 3", method="POST", connection="keep-alive")
    answer = await proxied.raw(outer + b"abc" + inner)
    assert [seen.line for seen in proxied.upstream.seen] == ["POST /outer HTTP/1.1"]
    assert answer.count(b"HTTP/1.1 ") == 2  # the second names no project


async def test_nothing_in_the_query_splits_the_request(proxied: Proxied) -> None:
    answer = await proxied.ask(path="/crm?a=%0d%0aX-Injected:%201&b=%00")
    assert answer.status_code == 200
    [seen] = proxied.upstream.seen
    assert seen.line == "GET /crm?a=%0d%0aX-Injected:%201&b=%00 HTTP/1.1"
    assert seen.values("x-injected") == []


async def test_a_head_without_end_is_refused(proxied: Proxied) -> None:
    endless = head(proxied, "/proxy/crm", *(f"X-{number}: {'x' * 1000}" for number in range(1000)))
    answer = await proxied.raw(endless.removesuffix(b"\r\n"))
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")  # the rest, unread, may reset the connection
    assert proxied.upstream.seen == []


async def test_redirects_are_not_followed(proxied: Proxied) -> None:
    proxied.upstream.answer = (
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/elsewhere\r\nContent-Length: 0\r\n\r\n"
    )
    answer = await proxied.ask()
    assert (answer.status_code, answer.headers["location"]) == (302, "http://127.0.0.1:9/elsewhere")
    assert len(proxied.upstream.seen) == 1


WRONG: tuple[tuple[dict[str, str], list[str]], ...] = (
    ({"x-amp-proxy-version": "2"}, ["x-amp-proxy-version"]),
    ({"x-amp-project-id": ""}, ["x-amp-project-id"]),
    ({"x-amp-group-ref": ""}, ["x-amp-installation-id"]),
    ({"x-amp-rate-limiter-mode": "yes"}, ["x-amp-rate-limiter-mode"]),
    ({"x-amp-proxy-version": "", "x-amp-project-id": ""}, ["x-amp-proxy-version", "x-amp-project-id"]),
)


async def test_headers_that_do_not_say_where_it_goes(proxied: Proxied) -> None:
    for changes, names in WRONG:
        answer = await proxied.ask(headers=changes)
        assert answer.status_code == 400
        assert [issue["name"] for issue in answer.json()["issues"]] == names
    assert proxied.upstream.seen == []


async def test_a_header_that_is_there_twice_counts_for_neither(proxied: Proxied) -> None:
    answer = await proxied.raw(head(proxied, "/proxy/crm", "X-Amp-Project-Id: other"))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert proxied.upstream.seen == []


async def test_only_what_the_manifest_lists_is_passed_through(proxied: Proxied) -> None:
    rules = [
        {"path": "/crm/v3/objects/**", "methods": ["GET"]},
        {"path": "/crm/v3/owners/*"},
        {"path": "/account-info/v3/details"},
    ]
    await proxied.deploy(proxy={"enabled": True, "allow": rules})
    allowed = [("GET", "/crm/v3/objects/contacts/7"), ("POST", "/crm/v3/owners/1"), ("GET", "/account-info/v3/details")]
    refused = [
        ("POST", "/crm/v3/objects/contacts"),
        ("GET", "/crm/v3/owners"),
        ("GET", "/crm/v3/owners/1/2"),
        ("GET", "/account-info/v3/details/"),
        ("GET", "/Account-info/v3/details"),
        ("GET", "/crm/v3/objects;/contacts"),
        ("HEAD", "/crm/v3/objects/contacts"),
    ]
    for method, path in allowed:
        assert (await proxied.ask(method, path)).status_code == 200, path
    for method, path in refused:
        assert (await proxied.ask(method, path)).status_code == 403, path
    assert len(proxied.upstream.seen) == len(allowed)


async def test_an_integration_that_does_not_proxy_and_a_config_that_forbids_it(proxied: Proxied) -> None:
    platform = proxied.platform
    path = f"/integrations/{platform.integration}/installations/{platform.installation}"
    off: dict[str, Any] = {
        "updateMask": ["config.content.proxy"],
        "installation": {"config": {"content": {"proxy": {"enabled": False}}}},
    }
    await platform.send("PATCH", path, 200, json=off)
    platform.services.proxy.forget()
    assert (await proxied.ask()).json()["type"].endswith("proxy-not-enabled")
    await proxied.deploy(proxy={"enabled": False})
    assert (await proxied.ask()).status_code == 403
    assert proxied.upstream.seen == []


async def test_strangers_do_not_get_through(proxied: Proxied) -> None:
    for headers, status in (
        ({"X-Api-Key": "cj_unknown"}, 401),
        ({"x-amp-project-id": "another"}, 404),
        ({"x-amp-integration-name": "another"}, 404),
        ({"x-amp-group-ref": "another"}, 404),
        ({"x-amp-installation-id": "01890000-0000-7000-8000-000000000000"}, 404),
    ):
        assert (await proxied.ask(headers=headers)).status_code == status, headers
    assert proxied.upstream.seen == []


async def test_frontends_get_through_only_where_the_project_says_so(proxied: Proxied) -> None:
    platform = proxied.platform
    made = await platform.send("POST", "/api-keys", 201, json={"label": "page", "scopes": ["frontend"]})
    jwt_key = {"label": "k", "algorithm": "RS256", "publicKeyPem": public_pem()}
    registered = await platform.send("POST", "/jwt-keys", 201, json=jwt_key)
    own, foreign = (customer_token(registered["kid"], group, "ada") for group in ("acme", "globex"))
    page = {"X-Api-Key": made["key"]}
    tokens = [{"X-Api-Key": "", "Authorization": f"Bearer {each}"} for each in (own, foreign)]
    assert [(await proxied.ask(headers=each)).status_code for each in (page, *tokens)] == [403, 403, 403]
    change = {"updateMask": ["frontendAccess"], "project": {"frontendAccess": ["proxy"]}}
    shown = await platform.send("PATCH", "", 200, json=change)
    assert shown["frontendAccess"] == ["proxy"]
    assert [(await proxied.ask(headers=each)).status_code for each in (page, *tokens)] == [200, 200, 404]
    for seen in proxied.upstream.seen:
        assert seen.values("authorization") == ["Bearer good"]
