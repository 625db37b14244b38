"""What the provider tells of a customer's account becomes part of the connection."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.connections.proving.conftest import ACCESS, SECRET, Shop

CLIENT = {"clientId": "me", "clientSecret": SECRET}
SITES = [{"id": "other-1", "url": "https://other.example.com"}, {"id": "acme-7", "url": "https://ACME.example.com"}]


def script(shop: Shop) -> dict[str, Any]:
    answers = shop.provider.answers
    answers["/token"] = {"access_token": ACCESS, "host": "s3.example.com", "user": {"id": 42}}
    answers["/sites"] = SITES
    answers["/plan"] = {"url": "https://p.example.com/plans/gold/1"}
    return answers


async def connect(shop: Shop, status: int = 201) -> Any:
    return await shop.generate("told", status, oauth2ClientCredentials=CLIENT, providerWorkspaceRef="acme")


async def test_facts_of_the_token_and_of_look_ups_are_kept_and_used(shop: Shop) -> None:
    script(shop)
    made = await connect(shop)
    assert made["providerMetadata"] == {
        "shard": {"value": "s3", "source": "token", "displayName": "Shard"},
        "cloudId": {"value": "acme-7", "source": "provider"},
        "plan": {"value": "gold", "source": "provider", "displayName": "Plan"},
    }
    assert (made["providerConsumerRef"], made["status"]) == ("42", "working")
    sites = shop.provider.asked("/sites")[0]
    assert (sites.query, sites.headers["Authorization"]) == ({"shard": "s3"}, f"Bearer {ACCESS}")
    assert [each.path for each in shop.provider.seen] == ["/token", "/sites", "/plan", "/me"]


async def test_a_look_up_that_answered_shows_that_the_credentials_work(shop: Shop) -> None:
    script(shop)["/me"] = (500, {})
    assert (await connect(shop))["status"] == "working"


async def test_an_optional_fact_may_be_missing(shop: Shop) -> None:
    script(shop)["/plan"] = (404, {"message": "no plan"})
    assert "plan" not in (await connect(shop))["providerMetadata"]


@pytest.mark.parametrize(
    ("path", "answer", "status", "slug", "words"),
    [
        ("/sites", SITES[:1], 422, "account-incomplete", "does not tell cloudId"),
        ("/sites", [{**SITES[1], "id": "../x"}], 422, "account-incomplete", "cannot be used"),
        ("/sites", (404, {"message": f"no such thing for {ACCESS}"}), 422, "account-incomplete",
         "no such thing for [secret]"),
        ("/sites", (401, {"message": f"bad {SECRET}"}), 422, "credentials-refused", "bad [secret]"),
        ("/sites", (403, {"message": "not for you"}), 422, "credentials-refused", "not for you"),
        ("/sites", (503, {"message": "down"}), 503, "provider-not-asked", "down"),
        ("/sites", (302, {}), 422, "account-incomplete", "sends us elsewhere"),
        ("/token", {"access_token": ACCESS, "host": "evil.com/#"}, 422, "account-incomplete",
         "does not tell shard"),
    ],
)  # fmt: skip
async def test_what_is_needed_and_not_told_keeps_the_customer_out(
    shop: Shop, path: str, answer: Any, status: int, slug: str, words: str
) -> None:
    script(shop)[path] = answer
    problem = await connect(shop, status)
    assert problem["type"].endswith(slug)
    assert words in problem["detail"]
    assert ACCESS not in str(problem)
    assert (await shop.listed(), shop.provider.asked("/me")) == ([], [])


async def test_another_workspace_is_looked_up_with_the_credentials_that_are_kept(shop: Shop) -> None:
    script(shop)
    made = await connect(shop)
    changed = await shop.update(made["id"], providerWorkspaceRef="other")
    assert changed["providerMetadata"]["cloudId"]["value"] == "other-1"
    assert changed["providerMetadata"]["shard"] == made["providerMetadata"]["shard"]
    assert len(shop.provider.asked("/token")) == 1
    problem = await shop.update(made["id"], 422, providerWorkspaceRef="nobodys")
    assert problem["type"].endswith("/account-incomplete")
    assert (await shop.listed())[0]["providerWorkspaceRef"] == "other"


async def test_an_access_token_that_has_ended_is_renewed_before_it_looks_anything_up(shop: Shop) -> None:
    script(shop)["/token"] |= {"expires_in": 60}
    made = await connect(shop)
    shop.clock.advance(timedelta(hours=1))
    shop.provider.answers["/token"] |= {"access_token": "renewed"}
    await shop.update(made["id"], providerWorkspaceRef="other")
    assert shop.provider.asked("/sites")[-1].headers["Authorization"] == "Bearer renewed"


async def test_what_the_provider_told_outlives_new_metadata(shop: Shop) -> None:
    script(shop)
    made = await connect(shop)
    note = {"note": {"value": "ours", "source": "input"}}
    changed = await shop.update(made["id"], providerMetadata=note)
    assert changed["providerMetadata"] == {**made["providerMetadata"], **note}
