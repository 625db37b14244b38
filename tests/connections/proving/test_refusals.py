"""Credentials that the provider refuses are not kept; without its word, they are kept unproven."""

from __future__ import annotations

import asyncio
import gzip
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from tests.connections.proving.conftest import ACCESS, SECRET, Answer, Shop

CLIENT = {"clientId": "me", "clientSecret": SECRET}


@pytest.mark.parametrize(
    ("name", "given", "at"),
    [
        ("keyed", {"apiKey": SECRET}, "apiKey"),
        ("guarded", {"basicAuth": {"username": "ann", "password": SECRET}}, "basicAuth"),
        ("machine", {"oauth2ClientCredentials": CLIENT}, "oauth2ClientCredentials"),
        ("custom", {"customAuth": {"seal": SECRET, "region": "eu"}}, "customAuth"),
    ],
)
async def test_a_check_that_refuses_is_told_in_the_providers_words_without_secrets(
    shop: Shop, name: str, given: dict[str, Any], at: str
) -> None:
    shop.provider.answers["/me"] = (401, {"message": f"unknown key {SECRET}, or {ACCESS}"})
    problem = await shop.generate(name, 422, **given)
    assert problem["type"].endswith("/credentials-refused")
    assert "unknown key [secret]" in problem["detail"]
    assert problem["remedy"]
    assert [issue["name"] for issue in problem["issues"]] == [at]
    assert await shop.listed() == []


@pytest.mark.parametrize(
    ("status", "answer", "told", "slug"),
    [
        (401, {"error": "invalid_client", "error_description": f"no {SECRET}"}, 422, "credentials-refused"),
        (400, {"error": "invalid_grant", "error_description": "user is locked"}, 422, "credentials-refused"),
        (200, {"error": "invalid_scope"}, 422, "credentials-refused"),
        (302, {}, 422, "credentials-refused"),
        (200, {"nothing": "here"}, 503, "provider-not-asked"),
        (429, {"message": "slower"}, 503, "provider-not-asked"),
        (502, {"message": "bad gateway"}, 503, "provider-not-asked"),
    ],
)
async def test_without_an_access_token_there_is_no_connection(
    shop: Shop, status: int, answer: Any, told: int, slug: str
) -> None:
    shop.provider.answers["/token"] = (status, answer)
    problem = await shop.generate("machine", told, oauth2ClientCredentials=CLIENT)
    assert problem["type"].endswith(slug)
    assert problem.get("retryable", False) == (told == 503)
    assert (await shop.listed(), shop.provider.asked("/me")) == ([], [])


@pytest.mark.parametrize("answer", [(500, {}), (429, {}), (403, {"message": "not for you"}), (404, {}), (302, {})])
async def test_a_check_that_says_nothing_of_the_credentials_leaves_them_unproven(shop: Shop, answer: Any) -> None:
    shop.provider.answers["/me"] = answer
    assert (await shop.generate("keyed", apiKey=SECRET))["status"] == "created"


async def test_a_provider_without_a_check_is_not_asked(shop: Shop) -> None:
    made = await shop.generate("unsaid", apiKey=SECRET)
    assert (made["status"], shop.provider.seen) == ("created", [])
    problem = await shop.check(made["id"], 422)
    assert problem["type"].endswith("/no-health-check")


async def dripping(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Type": "application/json"})
    await answer.prepare(request)
    while True:  # until we hang up
        await answer.write(b" ")
        await asyncio.sleep(0.02)


async def silent(_request: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


async def bomb(_request: web.Request) -> web.StreamResponse:
    packed = gzip.compress(b'{"access_token": "' + b"x" * 32_000_000 + b'"}')
    return web.Response(body=packed, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"})


async def endless(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Type": "application/json"})
    await answer.prepare(request)
    while True:
        await answer.write(b"[" * 65_536)


@pytest.mark.parametrize("answer", [dripping, silent, bomb, endless])
async def test_answers_are_bounded_in_time_and_size(shop: Shop, answer: Answer) -> None:
    """The test ends only because we hang up."""
    prover = shop.service.prover
    prover.timeout = prover.look_ups.timeout = shop.service.token_endpoint.timeout = 0.3
    shop.provider.answers["/me"] = answer
    assert (await shop.generate("keyed", apiKey=SECRET))["status"] == "created"
    shop.provider.answers["/token"] = {"access_token": ACCESS, "host": "s1.example.com"}
    shop.provider.answers["/sites"] = answer
    told: dict[str, Any] = {"oauth2ClientCredentials": CLIENT, "providerWorkspaceRef": "acme"}
    assert (await shop.generate("told", 503, **told))["type"].endswith("/provider-not-asked")
    shop.provider.answers["/token"] = answer
    problem = await shop.generate("machine", 503, oauth2ClientCredentials=CLIENT)
    assert problem["type"].endswith("/provider-not-asked")


async def test_a_connection_is_checked_on_demand(shop: Shop) -> None:
    shop.provider.answers["/me"] = (503, {})
    made = await shop.generate("keyed", apiKey=SECRET)
    assert made["status"] == "created"
    problem = await shop.check(made["id"], 503)
    assert (problem["type"].rpartition("/")[2], problem["retryable"]) == ("provider-not-asked", True)
    for answer, status in [({}, "working"), ((401, {"message": SECRET}), "bad_credentials"), ({}, "working")]:
        shop.provider.answers["/me"] = answer
        assert (await shop.check(made["id"]))["status"] == status
    shop.provider.answers["/me"] = (403, {"message": "not for you"})
    assert (await shop.check(made["id"], 503)).get("retryable", False) is False
    assert (await shop.listed())[0]["status"] == "working"
    assert (await shop.check("nonsense", 404))["type"].endswith("/connection-not-found")


async def test_a_check_renews_an_access_token_that_has_ended(shop: Shop) -> None:
    made = await shop.generate("machine", oauth2ClientCredentials=CLIENT)
    shop.clock.advance(timedelta(hours=2))
    shop.provider.answers["/token"] = {"access_token": "renewed", "expires_in": 60}
    assert (await shop.check(made["id"]))["status"] == "working"
    assert shop.provider.asked("/me")[-1].headers["Authorization"] == "Bearer renewed"
