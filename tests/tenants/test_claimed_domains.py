"""Claimed domains: one org each, claimed and seen by those whose domain it is."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.people import People


def claim(org: str, domain: str = "acme.example") -> dict[str, str]:
    return {"domain": domain, "parentId": org, "parentType": "org"}


@pytest.mark.parametrize("given", ["acme.example", "bob@ACME.example", "https://www.acme.example/about?x=1#y"])
async def test_an_owner_claims_the_domain_of_their_address(people: People, given: str) -> None:
    ada = await people.builder("ada@acme.example")
    org = await ada.org()
    answer = await ada.ask("POST", "/claimed-domains", json=claim(org, given))
    assert (answer.status_code, answer.content) == (201, b"")
    shown = await ada.send("GET", "/claimed-domains", 200, params={"domain": given})
    assert shown == {"id": shown["id"], "parentType": "org", "parentId": org, "domain": "acme.example"}
    assert await ada.send("GET", f"/orgs/{org}/claimed-domains", 200) == [shown]


async def test_claiming_again_changes_nothing(people: People) -> None:
    ada = await people.builder("ada@acme.example")
    org = await ada.org()
    for _ in range(2):
        await ada.send("POST", "/claimed-domains", 201, json=claim(org))
    assert len(await ada.send("GET", f"/orgs/{org}/claimed-domains", 200)) == 1


async def test_of_two_orgs_that_claim_a_domain_at_once_one_gets_it(people: People) -> None:
    owners = [await people.builder(f"owner-{n}@acme.example") for n in range(5)]
    orgs = [await owner.org(f"Org {n}") for n, owner in enumerate(owners)]
    answers = await asyncio.gather(
        *(owner.ask("POST", "/claimed-domains", json=claim(org)) for owner, org in zip(owners, orgs, strict=True))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    lists = [
        await owner.send("GET", f"/orgs/{org}/claimed-domains", 200) for owner, org in zip(owners, orgs, strict=True)
    ]
    assert sorted(map(len, lists)) == [0, 0, 0, 0, 1]


async def test_who_sees_a_claim(people: People) -> None:
    ada = await people.builder("ada@acme.example")
    org = await ada.org()
    await ada.send("POST", "/claimed-domains", 201, json=claim(org))
    colleague = await people.builder("bob@acme.example")  # of no org, but at the domain
    owner_elsewhere = await people.builder("eve@rival.example")
    await owner_elsewhere.org("Rival")
    member = await people.member(ada, org, "cleo@elsewhere.example")  # of the org, but not at the domain
    path = "/claimed-domains?domain=acme.example"
    assert (await colleague.send("GET", path, 200))["parentId"] == org
    for stranger in (owner_elsewhere, member):
        claimed = await stranger.send("GET", path, 404)
        free = await stranger.send("GET", "/claimed-domains?domain=free.example", 404)
        assert claimed["detail"].replace("acme.example", "free.example") == free["detail"]
    assert len(await member.send("GET", f"/orgs/{org}/claimed-domains", 200)) == 1


async def test_nobody_claims_what_is_not_theirs(people: People) -> None:
    ada = await people.builder("ada@acme.example")
    org = await ada.org()
    bob = await people.member(ada, org, "bob@acme.example")
    loner = await people.builder("cleo@acme.example")
    for domain in ("rival.example", "mail.acme.example", "example"):
        answer = await ada.ask("POST", "/claimed-domains", json=claim(org, domain))
        assert answer.status_code in (400, 403), answer.text
    await bob.send("POST", "/claimed-domains", 403, json=claim(org))
    await loner.send("POST", "/claimed-domains", 404, json=claim(org))
    await ada.send("POST", "/claimed-domains", 400, json={**claim(org), "parentType": "project"})
    assert await ada.send("GET", f"/orgs/{org}/claimed-domains", 200) == []


@pytest.mark.parametrize("domain", ["", "localhost", "10.0.0.1", "http://", "a b.example", "-x.example", "x" * 3000])
async def test_what_is_no_domain_is_refused(people: People, domain: str) -> None:
    ada = await people.builder("ada@acme.example")
    org = await ada.org()
    shown = await ada.send("GET", "/claimed-domains", 400, params={"domain": domain})
    assert (shown["issues"][0]["in"], shown["issues"][0]["name"]) == ("query", "domain")
    await ada.send("POST", "/claimed-domains", 400, json=claim(org, domain))
    await ada.send("GET", "/claimed-domains", 400)
