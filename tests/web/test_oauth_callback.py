"""The page that ends an OAuth flow: what it tells its opener, what a person reads, and what nobody can slip into it."""

from __future__ import annotations

import re

import pytest

from tests.connections.flows import Flow, Page, state_of

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\u2028'\"`${x}{0}&amp;"


async def ended(flow: Flow, **query: str) -> Page:
    """The page of a flow of a provider whose customers come back with this."""
    await flow.app("strict", scopes=["a"])
    return await flow.come_back(state=state_of(await flow.url("strict")), **query)


async def test_success_is_told_to_the_opener_and_to_the_person(flow: Flow) -> None:
    page = await ended(flow, code="c")
    [made] = await flow.connections()
    assert page.response.status_code == 200
    assert page.message == {"eventType": "AUTHORIZATION_SUCCEEDED", "data": {"connection": made["id"]}}
    assert page.text == "You are connected You can close this window now."


async def test_failure_is_told_in_both_places_where_clients_look(flow: Flow) -> None:
    page = await ended(flow, error="access_denied", error_description="Ask your administrator.")
    words = "Strict did not give access: Ask your administrator."
    assert page.response.status_code == 400
    assert page.message == {"eventType": "AUTHORIZATION_FAILED", "message": words, "data": {"error": words}}
    assert page.text.startswith(f"You are not connected {words}")


async def test_the_code_of_the_error_is_shown_where_there_are_no_words(flow: Flow) -> None:
    assert "access: temporarily_unavailable" in (await ended(flow, error="temporarily_unavailable")).text


@pytest.mark.parametrize("parameter", ["error", "error_description"])
async def test_what_a_provider_says_is_text_and_nothing_else(flow: Flow, parameter: str) -> None:
    page = await ended(flow, **{"error": "x", parameter: HOSTILE})
    assert HOSTILE in page.message["message"]
    assert "alert(1)" in page.text
    content = page.response.text
    assert content.count("<script") == content.count("</script") == 1
    assert not re.search(r"<img|onerror=(?!alert\(2\)&gt;)", content.partition("<script")[0])
    assert "\u2028" not in content.partition("<script")[2]


async def test_words_of_a_stranger_are_not_shown(flow: Flow) -> None:
    """Without a state of ours nobody puts words on our page."""
    page = await flow.come_back(state="guessed", error="x", error_description="Call 555-0100 to unlock your account")
    assert "555" not in page.response.text


async def test_long_words_are_cut(flow: Flow) -> None:
    page = await ended(flow, error="x", error_description="long " * 2_000)
    assert len(page.message["message"]) < 400


@pytest.mark.parametrize("query", [{"code": "c"}, {"error": "x"}])
async def test_the_page_runs_its_own_script_only_and_keeps_its_opener(flow: Flow, query: dict[str, str]) -> None:
    response = (await ended(flow, **query)).response
    [nonce] = set(re.findall(r'nonce="([^"]+)"', response.text))
    policy = dict(part.strip().partition(" ")[::2] for part in response.headers["Content-Security-Policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "script-src": f"'nonce-{nonce}'",
        "style-src": f"'nonce-{nonce}'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert len(nonce) >= 20
    assert "Cross-Origin-Opener-Policy" not in response.headers
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    again = (await ended_again(flow)).response.text
    assert nonce not in again


async def ended_again(flow: Flow) -> Page:
    return await flow.come_back(state="guessed")


async def test_the_page_closes_itself_soon_where_it_has_an_opener(flow: Flow) -> None:
    content = (await ended(flow, code="c")).response.text
    assert re.search(r"if \(window\.opener\) \{.*window\.close\(\); \}, 500\);\s*\}", content, re.DOTALL)
    assert 'history.replaceState(null, "", location.pathname)' in content


async def test_a_person_without_scripts_can_read_it(flow: Flow) -> None:
    content = (await ended(flow, error="x")).response.text
    assert content.startswith('<!doctype html>\n<html lang="en">')
    assert "<title>You are not connected</title>" in content
    assert '<div role="alert">' in content
    assert '<meta name="viewport"' in content


async def test_a_nul_in_the_address_is_refused(flow: Flow) -> None:
    answer = await flow.browser.get(flow.client.base_url.join("/callbacks/v1/oauth?state=a%00b"))
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
