"""The page that a step's redirect ends on: what it hands to the page that began, and to whom."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest

from conjunct.connections.custom_auth.sessions import LIFETIME
from tests.connections.custom_auth.conftest import Steps

PATH = "/callbacks/v1/custom-auth"
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\u2028'\"`${x}{0}&amp;"


async def arrive(steps: Steps, params: Any) -> httpx.Response:
    return await steps.browser.get(PATH, params=params)


def told(page: httpx.Response) -> tuple[Any, Any]:
    """The message and the origin that its hearer must have; (None, None) where nothing is told."""
    posted = re.search(r"postMessage\((.*), (\"[^\"]*\")\);", page.text)
    return (None, None) if posted is None else (json.loads(posted[1]), json.loads(posted[2]))


@pytest.mark.parametrize(
    ("origin", "target"),
    [
        ("https://app.example.com", "https://app.example.com"),
        ("http://localhost:5173", "http://localhost:5173"),
        (None, "*"),
        ("null", "*"),
        ('https://app.example.com/"); alert(1)', "*"),
    ],
)
async def test_what_the_provider_sent_goes_to_the_page_that_began(
    steps: Steps, origin: str | None, target: str
) -> None:
    await steps.make_app()
    session_id, params = await steps.awaited(headers={} if origin is None else {"Origin": origin})
    given = {**params, "error_description": HOSTILE}
    page = await arrive(steps, given)
    assert page.status_code == 200
    assert told(page) == ({"source": "ampersand-custom-auth", "params": given}, target)
    assert page.text.count("<script") == page.text.count("</script") == 1
    assert "\u2028" not in page.text
    assert re.search(r"if \(window\.opener\) \{.*window\.close\(\); \}, 500\);\s*\}", page.text, re.DOTALL)
    assert 'history.replaceState(null, "", location.pathname)' in page.text
    # It takes nothing: the page may be loaded again, and only the call goes on.
    assert told(await arrive(steps, given))[0] == told(page)[0]
    assert (await steps.call(sessionId=session_id, callbackParams=params)).status_code == 200


async def test_the_page_runs_its_own_script_only_and_keeps_its_opener(steps: Steps) -> None:
    await steps.make_app()
    _, params = await steps.awaited()
    for query, role in ((params, "status"), ({"state": "guessed"}, "alert")):
        page = await arrive(steps, query)
        [nonce] = set(re.findall(r'nonce="([^"]+)"', page.text))
        assert (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'"
            in (page.headers["Content-Security-Policy"])
        )
        assert "Cross-Origin-Opener-Policy" not in page.headers
        assert (page.headers["Cache-Control"], page.headers["Referrer-Policy"]) == ("no-store", "no-referrer")
        assert f'<div role="{role}">' in page.text


async def test_the_page_of_a_session_that_is_over_by_time_still_tells_so_that_the_call_says_why(steps: Steps) -> None:
    await steps.make_app()
    session_id, params = await steps.awaited()
    steps.clock.advance(LIFETIME)
    message, _ = told(await arrive(steps, params))
    answer = await steps.call(sessionId=session_id, callbackParams=message["params"])
    assert "30 minutes" in answer.json()["detail"]


async def test_nobody_is_told_what_nobody_waits_for(steps: Steps) -> None:
    await steps.make_app()
    session_id, params = await steps.awaited()
    state = params["state"]
    for query in (
        {},
        {"state": "guessed", "error_description": "Call 555-0100"},
        {"state": state.swapcase()},
        {"state": state[:-1]},
        [("state", state), ("tenant", "a"), ("tenant", "b")],
        [("state", state), ("", "nameless")],
        {"state": state, "x" * 201: "y"},
        {"state": state, "code": "x" * 8_193},
        {"state": state, **{f"p{n}": "" for n in range(50)}},
    ):
        page = await arrive(steps, query)
        assert (page.status_code, told(page)) == (400, (None, None))
        assert "You are not connected" in page.text
        assert "555" not in page.text
    assert (await steps.call(sessionId=session_id, callbackParams=params)).status_code == 200
    used = await arrive(steps, params)
    assert (used.status_code, told(used)) == (400, (None, None))


async def test_a_nul_in_the_address_is_refused(steps: Steps) -> None:
    answer = await steps.browser.get(PATH + "?state=a%00b")
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
