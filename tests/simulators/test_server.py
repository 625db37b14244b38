"""What the server adds to every simulator: faults on the wire, latency, the control API, starting and stopping."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from conjunct.simulators import SimulatorError, SimulatorOptions, run, serve
from tests.support.servers import NO_AUTHORITIES

CONTACTS = "/crm/v3/objects/contacts"


async def test_a_page_rule_spoils_that_page_once(start):
    async with start(fail=("429@page=2",)) as hubspot:
        statuses = [(await hubspot.http.get(CONTACTS)).status_code for _ in range(3)]
    assert statuses == [200, 429, 200]


async def test_an_error_status_comes_in_the_providers_own_words(start):
    async with start(fail=("429@request=1", "500@request=2")) as hubspot:
        limited, broken = await hubspot.http.get(CONTACTS), await hubspot.http.get(CONTACTS)
    assert limited.headers["Retry-After"] == "1"
    assert limited.json()["errorType"] == "RATE_LIMIT"
    assert (broken.status_code, broken.json()["message"]) == (500, "internal error")


async def test_a_reset_cuts_the_connection_without_an_answer(start):
    async with start(fail=("reset@request=1",)) as hubspot:
        with pytest.raises(httpx.TransportError):
            await hubspot.http.get(CONTACTS)
        assert (await hubspot.http.get(CONTACTS)).status_code == 200


async def test_html_comes_with_status_200(start):
    async with start(fail=("html:1",)) as hubspot:
        answer = await hubspot.http.get(CONTACTS)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html;charset=utf-8")
    assert answer.text.startswith("<!DOCTYPE html>")


async def test_a_truncated_answer_ends_in_the_middle_of_the_body_that_was_announced(start):
    async with start(fail=("truncate@page=1",)) as hubspot:
        received = bytearray()
        with pytest.raises(httpx.RemoteProtocolError):
            announced = await _receive(hubspot.http, received)
        whole = bytearray()
        announced = await _receive(hubspot.http, whole)
    assert announced == len(whole)
    assert received == whole[: announced // 2]


async def _receive(http: httpx.AsyncClient, into: bytearray) -> int:
    """Add what comes of a page to `into`, and return the length that was announced."""
    async with http.stream("GET", CONTACTS) as answer:
        async for chunk in answer.aiter_raw():
            into += chunk
        return int(answer.headers["Content-Length"])


async def _arrived(http: httpx.AsyncClient, base: str = "") -> None:
    """Wait until the server has noted a request."""
    while not (await http.get(f"{base}/_sim/requests")).json()["requests"]:
        pass


async def test_a_timeout_never_answers_and_does_not_hold_up_the_server(start):
    async with start(fail=("timeout@request=1",)) as hubspot:
        waiting = asyncio.ensure_future(hubspot.http.get(CONTACTS))
        await _arrived(hubspot.http)
        assert (await hubspot.http.get(CONTACTS)).status_code == 200
        assert not waiting.done()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_a_request_that_is_never_answered_is_cut_when_the_server_stops():
    async with httpx.AsyncClient(headers={"Authorization": "Bearer x"}, timeout=30, verify=NO_AUTHORITIES) as http:
        async with serve("hubspot", SimulatorOptions(records=1, fail=("timeout:1",))) as running:
            waiting = asyncio.ensure_future(http.get(running.url + CONTACTS))
            await _arrived(http, running.url)
        with pytest.raises(httpx.TransportError):
            await waiting


async def test_latency_holds_back_answers_but_not_those_of_the_control_api(start):
    async with start(latency=3600) as hubspot:
        waiting = asyncio.ensure_future(hubspot.http.get(CONTACTS))
        await _arrived(hubspot.http)
        assert not waiting.done()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_the_same_seed_fails_the_same_requests(start):
    runs = []
    for _ in range(2):
        async with start(fail=("500:0.3",)) as hubspot:
            runs.append([(await hubspot.http.get(CONTACTS)).status_code for _ in range(30)])
    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 500}


async def test_stats_count_requests_pages_records_and_faults(start):
    async with start(fail=("500@page=3",)) as hubspot:
        await hubspot.http.get(CONTACTS, params={"limit": 100})
        await hubspot.search(limit=5)
        await hubspot.http.get(CONTACTS)
        await hubspot.http.get("/crm/v3/properties/contacts")
        stats = (await hubspot.http.get("/_sim/stats")).json()
    assert stats == {
        "requests": 4,
        "requestsByRoute": {
            "GET /crm/v3/objects/{object}": 2,
            "GET /crm/v3/properties/{object}": 1,
            "POST /crm/v3/objects/{object}/search": 1,
        },
        "answersByStatus": {"200": 3, "500": 1},
        "pageRequests": 3,
        "recordsServed": 105,
        "faults": {"500": 1},
    }


async def test_requests_tell_what_was_on_the_wire(hubspot):
    await hubspot.http.get(CONTACTS, params={"limit": 1})
    sent = b'{"limit": 2,  "properties": ["email"]}'
    await hubspot.http.post(f"{CONTACTS}/search?x=%20y", content=sent)
    last = (await hubspot.http.get("/_sim/requests", params={"last": 1})).json()["requests"]
    assert len(last) == 1
    assert (last[0]["method"], last[0]["path"], last[0]["query"]) == ("POST", f"{CONTACTS}/search", "x=%20y")
    assert last[0]["body"].encode() == sent
    assert last[0]["headers"]["authorization"] == "Bearer any-token"


async def test_touching_changes_as_many_records_as_asked(hubspot, clock):
    ids = (await hubspot.http.post("/_sim/records/contacts", json={"count": 3})).json()["ids"]
    changed = await hubspot.find("lastmodifieddate", "GTE", "2026-06-01T12:00:00.123Z")
    assert len(set(ids)) == 3
    assert [record["id"] for record in changed] == ids
    assert {record["updatedAt"] for record in changed} == {"2026-06-01T12:00:00.123Z"}


async def test_touching_more_records_than_there_are_changes_all(hubspot):
    ids = (await hubspot.http.post("/_sim/records/tickets", json={"count": 1000})).json()["ids"]
    assert len(ids) == 13


async def test_rules_can_be_set_while_it_runs(hubspot):
    answer = await hubspot.http.post("/_sim/fail", json={"rules": ["503:1"]})
    assert answer.json() == {"rules": ["503:1"]}
    assert (await hubspot.http.get(CONTACTS)).status_code == 503
    await hubspot.http.post("/_sim/fail", json={"rules": []})
    assert (await hubspot.http.get(CONTACTS)).status_code == 200


async def test_reset_brings_back_the_beginning(start):
    async with start(fail=("500@request=1",)) as hubspot:
        await hubspot.http.get(CONTACTS)
        before = (await hubspot.http.get(CONTACTS)).content
        await hubspot.http.post(CONTACTS, json={"properties": {"email": "new@example.com"}})
        await hubspot.http.post("/_sim/records/contacts", json={"count": 250})
        assert (await hubspot.http.get(CONTACTS)).content != before
        assert (await hubspot.http.post("/_sim/reset")).status_code == 204
        assert (await hubspot.http.get("/_sim/stats")).json()["requests"] == 0
        assert (await hubspot.http.get(CONTACTS)).status_code == 500
        assert (await hubspot.http.get(CONTACTS)).content == before


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/_sim/records/butterflies", b"{}", 404),
        ("POST", "/_sim/records/contacts", b'{"count": -1}', 400),
        ("POST", "/_sim/records/contacts", b"[]", 400),
        ("POST", "/_sim/records/contacts", b"{", 400),
        ("POST", "/_sim/fail", b'{"rules": "500:1"}', 400),
        ("POST", "/_sim/fail", b'{"rules": ["500:7"]}', 400),
        ("GET", "/_sim/requests?last=many", b"", 400),
        ("GET", "/_sim/nothing", b"", 404),
    ],
)
async def test_the_control_api_says_what_is_wrong(hubspot, method, path, body, status):
    answer = await hubspot.http.request(method, path, content=body)
    assert answer.status_code == status
    assert answer.json()["error"].endswith(".")


async def test_run_tells_its_url_and_stops_when_cancelled():
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    running = asyncio.ensure_future(run("hubspot", "127.0.0.1", 0, SimulatorOptions(records=1), ready.set_result))
    async with httpx.AsyncClient(base_url=await ready, verify=NO_AUTHORITIES) as http:
        assert (await http.get("/_sim/stats")).status_code == 200
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        with pytest.raises(httpx.ConnectError):
            await http.get("/_sim/stats")


async def test_a_port_in_use_is_refused_with_a_sentence(hubspot):
    port = int(hubspot.running.url.rpartition(":")[2])
    with pytest.raises(SimulatorError, match=r"Cannot listen on 127\.0\.0\.1"):
        await run("hubspot", "127.0.0.1", port, SimulatorOptions(records=1))
