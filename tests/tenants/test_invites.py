"""Invites: made, shown, revoked, accepted, expired."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.support.people import People, Person

UNKNOWN = "01a1fc1f-2015-76ce-8725-1ce13ba17028"


@pytest.fixture
async def ada(people: People) -> Person:
    return await people.builder("ada@acme.example")


@pytest.fixture
async def org(ada: Person) -> str:
    return await ada.org()


async def test_an_invite_is_accepted_by_whom_it_was_sent_to(people: People, ada: Person, org: str) -> None:
    invite = await ada.send("POST", f"/orgs/{org}/invites", 201, json={"email": " Bob@Elsewhere.example "})
    assert invite == {
        "id": invite["id"],
        "invitedEmail": "bob@elsewhere.example",
        "parentType": "org",
        "parentId": org,
        "status": "pending",
        "createTime": "2026-01-31T09:30:00.000000Z",
        "updateTime": "2026-01-31T09:30:00.000000Z",
    }
    bob = await people.builder("bob@elsewhere.example")
    people.clock.advance(timedelta(days=13))
    info = await bob.send("POST", "/invites:accept", 200, json={"invitedEmail": "BOB@elsewhere.example"})
    assert info == await bob.send("GET", "/my-info", 200)
    assert (info["orgRole"]["role"], info["orgRole"]["org"]["id"]) == ("member", org)
    shown = await ada.send("GET", f"/orgs/{org}/invites/{invite['id']}", 200)
    assert shown == {**invite, "status": "accepted", "updateTime": "2026-02-13T09:30:00.000000Z"}


async def test_an_invite_is_good_for_14_days(people: People, ada: Person, org: str) -> None:
    first = await ada.send("POST", f"/orgs/{org}/invites", 201, json={"email": "bob@acme.example"})
    bob = await people.builder("bob@acme.example")
    people.clock.advance(timedelta(days=14))
    assert (await ada.send("GET", f"/orgs/{org}/invites/{first['id']}", 200))["status"] == "expired"
    problem = await bob.send("POST", "/invites:accept", 404, json={"invitedEmail": bob.email})
    assert problem["type"].endswith("/invite-not-found")
    second = await ada.send("POST", f"/orgs/{org}/invites", 201, json={"email": "bob@acme.example"})
    listed = await ada.send("GET", f"/orgs/{org}/invites", 200)
    assert [(each["id"], each["status"]) for each in listed] == [(first["id"], "expired"), (second["id"], "pending")]
    await bob.send("POST", "/invites:accept", 200, json={"invitedEmail": bob.email})


async def test_nobody_is_invited_twice_to_one_org(people: People, ada: Person, org: str) -> None:
    bodies = [{"email": "bob@acme.example"}] * 6
    answers = await asyncio.gather(*(ada.ask("POST", f"/orgs/{org}/invites", json=body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5
    assert len(await ada.send("GET", f"/orgs/{org}/invites", 200)) == 1


async def test_members_are_not_invited(people: People, ada: Person, org: str) -> None:
    await people.member(ada, org, "bob@acme.example")
    for email in ("bob@acme.example", "ADA@acme.example"):
        problem = await ada.send("POST", f"/orgs/{org}/invites", 400, json={"email": email})
        assert problem["issues"][0]["name"] == "email"


async def test_people_of_another_org_are_invited_like_anybody(people: People, ada: Person, org: str) -> None:
    """The answer does not tell whether they are builders; but they cannot accept."""
    eve = await people.builder("eve@rival.example")
    rival = await eve.org("Rival")
    await ada.send("POST", f"/orgs/{org}/invites", 201, json={"email": eve.email})
    await eve.send("POST", "/invites:accept", 409, json={"invitedEmail": eve.email})
    assert (await eve.send("GET", "/my-info", 200))["orgRole"]["org"]["id"] == rival


async def test_a_revoked_invite_cannot_be_accepted(people: People, ada: Person, org: str) -> None:
    invite = await ada.send("POST", f"/orgs/{org}/invites", 201, json={"email": "bob@acme.example"})
    for _ in range(2):
        answer = await ada.ask("DELETE", f"/orgs/{org}/invites/{invite['id']}")
        assert (answer.status_code, answer.content) == (204, b"")
    assert (await ada.send("GET", f"/orgs/{org}/invites/{invite['id']}", 200))["status"] == "revoked"
    bob = await people.builder("bob@acme.example")
    await bob.send("POST", "/invites:accept", 404, json={"invitedEmail": bob.email})
    await ada.send("POST", f"/orgs/{org}/invites", 201, json={"email": "bob@acme.example"})
    await bob.send("POST", "/invites:accept", 200, json={"invitedEmail": bob.email})


async def test_an_accepted_invite_cannot_be_revoked(people: People, ada: Person, org: str) -> None:
    invite = await ada.send("POST", f"/orgs/{org}/invites", 201, json={"email": "bob@acme.example"})
    bob = await people.builder("bob@acme.example")
    await bob.send("POST", "/invites:accept", 200, json={"invitedEmail": bob.email})
    problem = await ada.send("DELETE", f"/orgs/{org}/invites/{invite['id']}", 400)
    assert problem["type"].endswith("/invite-accepted")
    assert (await ada.send("GET", f"/orgs/{org}/invites/{invite['id']}", 200))["status"] == "accepted"


async def test_an_invite_to_somebody_else_is_not_ones_own(people: People, ada: Person, org: str) -> None:
    await ada.send("POST", f"/orgs/{org}/invites", 201, json={"email": "bob@acme.example"})
    eve = await people.builder("eve@rival.example")
    of_bob = await eve.send("POST", "/invites:accept", 403, json={"invitedEmail": "bob@acme.example"})
    of_nobody = await eve.send("POST", "/invites:accept", 403, json={"invitedEmail": "nobody@acme.example"})
    assert of_bob["detail"] == of_nobody["detail"]


async def test_of_two_accepts_at_once_one_counts(people: People, ada: Person, org: str) -> None:
    await ada.send("POST", f"/orgs/{org}/invites", 201, json={"email": "bob@acme.example"})
    rival = await people.builder("eve@rival.example")
    other = await rival.org("Rival")
    await rival.send("POST", f"/orgs/{other}/invites", 201, json={"email": "bob@acme.example"})
    bob = await people.builder("bob@acme.example")
    body = {"invitedEmail": bob.email}
    answers = await asyncio.gather(*(bob.ask("POST", "/invites:accept", json=body) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 5
    # The newer one counts; the older one waits for its time to end.
    assert (await bob.send("GET", "/my-info", 200))["orgRole"]["org"]["id"] == other
    assert (await ada.send("GET", f"/orgs/{org}/invites", 200))[0]["status"] == "pending"


async def test_a_revoke_and_an_accept_at_once_agree(people: People, ada: Person, org: str) -> None:
    for number in range(6):
        bob = await people.builder(f"bob-{number}@acme.example")
        invite = await ada.send("POST", f"/orgs/{org}/invites", 201, json={"email": bob.email})
        path = f"/orgs/{org}/invites/{invite['id']}"
        accepted, revoked = await asyncio.gather(
            bob.ask("POST", "/invites:accept", json={"invitedEmail": bob.email}), ada.ask("DELETE", path)
        )
        assert (accepted.status_code, revoked.status_code) in {(200, 400), (404, 204)}
        status = (await ada.send("GET", path, 200))["status"]
        assert status == ("accepted" if accepted.status_code == 200 else "revoked")


async def test_whoever_is_added_has_accepted(people: People, ada: Person, org: str) -> None:
    await ada.send("POST", f"/orgs/{org}/invites", 201, json={"email": "bob@acme.example"})
    await people.member(ada, org, "bob@acme.example")
    assert (await ada.send("GET", f"/orgs/{org}/invites", 200))[0]["status"] == "accepted"


async def test_invites_are_the_owners_business(people: People, ada: Person, org: str) -> None:
    bob = await people.member(ada, org, "bob@acme.example")
    invite = await ada.send("POST", f"/orgs/{org}/invites", 201, json={"email": "cleo@acme.example"})
    await bob.send("POST", f"/orgs/{org}/invites", 403, json={"email": "dan@acme.example"})
    await bob.send("GET", f"/orgs/{org}/invites", 403)
    await bob.send("GET", f"/orgs/{org}/invites/{invite['id']}", 403)
    await bob.send("DELETE", f"/orgs/{org}/invites/{invite['id']}", 403)
    assert (await ada.send("GET", f"/orgs/{org}/invites/{invite['id']}", 200))["status"] == "pending"


async def test_another_orgs_invite_is_as_one_that_is_not_there(people: People, ada: Person, org: str) -> None:
    eve = await people.builder("eve@rival.example")
    rival = await eve.org("Rival")
    invite = await ada.send("POST", f"/orgs/{org}/invites", 201, json={"email": "bob@acme.example"})
    for method in ("GET", "DELETE"):
        of_another, of_nobody = [
            await eve.send(method, f"/orgs/{rival}/invites/{each}", 404) for each in (invite["id"], UNKNOWN)
        ]
        assert of_another["detail"].replace(invite["id"], UNKNOWN) == of_nobody["detail"]
    assert (await ada.send("GET", f"/orgs/{org}/invites/{invite['id']}", 200))["status"] == "pending"


@pytest.mark.parametrize("email", ["", "bob", "bob@", "@acme.example", "b ob@acme.example", "bob@ac me", 5, None])
async def test_an_invite_needs_an_email_address(ada: Person, org: str, email: object) -> None:
    problem = await ada.send("POST", f"/orgs/{org}/invites", 400, json={"email": email})
    assert problem["issues"][0]["name"] == "email"
    assert await ada.send("GET", f"/orgs/{org}/invites", 200) == []
