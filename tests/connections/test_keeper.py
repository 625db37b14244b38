"""A connection's credentials are kept good for its connectors, and its status says what the provider says of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest
from aiohttp import web
from sqlalchemy import text

from conjunct.connections import ConnectionNotFound
from conjunct.connectors import Connector, ReadQuery
from conjunct.connectors.errors import AccessForbidden, AuthInvalid, AuthRevoked, ProviderError, TryAgain
from conjunct.core.database import Database
from tests.connections.flows import WHO, Flow, state_of

THINGS = ReadQuery("things")
REFUSAL = {"error": "invalid_grant", "error_description": "the user is gone"}


@dataclass
class Provider:
    """A provider whose API takes the token that it gave last, and nothing when that is `shut`."""

    flow: Flow
    given: int = 0
    good: str = ""
    shut: bool = False
    status: int = 401
    refusal: web.Response | dict[str, str] | None = None
    asked: list[str] = field(default_factory=list)
    in_transaction: int = 0
    meanwhile: Any = None

    async def answer(self, request: web.Request) -> Any:
        form = dict(parse_qsl(await request.text()))
        self.in_transaction += self.flow.database.engine.pool.checkedout()  # type: ignore[attr-defined]
        if "grant_type" in form:
            return await self._tokens(form)
        proof = request.headers.get("X-Key") or request.headers.get("Authorization", "").partition(" ")[2]
        self.asked.append(proof)
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            await meanwhile()
        if self.shut or proof != self.good:
            return web.json_response({"message": f"not for {proof}"}, status=self.status)
        return [{"id": "1"}]

    async def _tokens(self, form: dict[str, str]) -> Any:
        if form["grant_type"] == "refresh_token":
            self.given += 1
            if self.refusal is not None:
                refusal = self.refusal
                return web.json_response(refusal, status=400) if isinstance(refusal, dict) else refusal
        self.good = f"token-{self.given}"
        return {"access_token": self.good, "refresh_token": "r", "expires_in": 600}


@dataclass
class Kept:
    """A connection to it, and what is heard of the connection."""

    flow: Flow
    provider: Provider
    id: str
    heard: list[str] = field(default_factory=list)

    async def connector(self) -> Connector:
        async with self.flow.database.transaction() as session:
            return await self.flow.service.connector(session, self.flow.project.project_id, self.id)

    async def status(self) -> str:
        [shown] = await self.flow.connections()
        return str(shown["status"])

    async def patch(self, **credentials: Any) -> None:
        url = f"/v1/projects/acme/connections/{self.id}"
        body = {"updateMask": list(credentials), "connection": credentials}
        answer = await self.flow.client.patch(url, json=body)
        assert answer.status_code == 200, answer.text


def listening(flow: Flow, provider: Provider, connection_id: str) -> Kept:
    kept = Kept(flow, provider, connection_id)

    async def hear(_session: object, _project_id: str, _connection_id: str, error: str) -> None:
        kept.heard.append(error)

    flow.service.on_refused(hear)
    return kept


@pytest.fixture
async def kept(flow: Flow) -> Kept:
    """A connection by OAuth."""
    await flow.app("strict", scopes=["a"])
    provider = Provider(flow)
    flow.server.answer = provider.answer
    page = await flow.come_back(state=state_of(await flow.url("strict")), code="c")
    provider.in_transaction = 0
    provider.asked.clear()
    return listening(flow, provider, page.message["data"]["connection"])


@pytest.fixture
async def keyed(flow: Flow) -> Kept:
    """A connection with an API key."""
    provider = Provider(flow, good="a-key")
    flow.server.answer = provider.answer
    body = {"provider": "keyed", **WHO, "apiKey": "a-key"}
    made = await flow.client.post("/v1/projects/acme/connections:generate", json=body)
    assert made.status_code == 201, made.text
    provider.asked.clear()
    return listening(flow, provider, made.json()["id"])


async def failures(connector: Connector, times: int = 20) -> list[ProviderError]:
    """How so many requests at once fail."""
    found = await asyncio.gather(*(connector.read_page(THINGS) for _ in range(times)), return_exceptions=True)
    assert all(isinstance(each, ProviderError) for each in found), found
    return [each for each in found if isinstance(each, ProviderError)]


@pytest.mark.parametrize("ended", ["by the clock", "at the provider"])
async def test_many_requests_on_a_token_that_has_ended_make_one_refresh(kept: Kept, ended: str) -> None:
    connector = await kept.connector()
    if ended == "by the clock":
        kept.flow.clock.advance(timedelta(seconds=600))
    kept.provider.good = "another"
    await asyncio.gather(*(connector.read_page(THINGS) for _ in range(20)))
    assert kept.provider.given == 1
    assert await kept.status() == "working"
    others = kept.provider.asked.count("token-0")
    assert others == 0 if ended == "by the clock" else others > 0
    assert kept.heard == []


async def test_a_connector_of_before_uses_what_another_has_refreshed(kept: Kept) -> None:
    first, second = await kept.connector(), await kept.connector()
    kept.provider.good = "another"
    await first.read_page(THINGS)
    await second.read_page(THINGS)
    assert kept.provider.asked == ["token-0", "token-1"] * 2
    assert kept.provider.given == 1


async def test_the_provider_is_asked_while_no_transaction_is_open(kept: Kept) -> None:
    connector = await kept.connector()
    kept.flow.clock.advance(timedelta(seconds=600))
    await connector.read_page(THINGS)
    kept.provider.good = "another"
    await connector.read_page(THINGS)
    assert kept.provider.given == 2
    assert kept.provider.in_transaction == 0


async def test_that_it_works_is_written_once(kept: Kept) -> None:
    assert await kept.status() == "created"
    connector = await kept.connector()
    await connector.read_page(THINGS)
    [first] = await kept.flow.connections()
    assert first["status"] == "working"
    await asyncio.gather(*(connector.read_page(THINGS) for _ in range(5)))
    await (await kept.connector()).read_page(THINGS)
    assert (await kept.flow.connections())[0]["updateTime"] == first["updateTime"]


async def test_that_an_access_token_is_in_use_is_noted_with_its_first_use(kept: Kept) -> None:
    async def used() -> bool:
        async with kept.flow.database.reading() as reading:
            return bool(await reading.scalar(text("SELECT used FROM connection")))

    assert not await used()
    await (await kept.connector()).read_page(THINGS)
    assert await used()
    kept.flow.clock.advance(timedelta(seconds=600))
    assert (await kept.flow.client.get(f"/v1/projects/acme/connections/{kept.id}?refresh=ifExpired")).is_success
    assert not await used()
    await (await kept.connector()).read_page(THINGS)
    assert await used()


async def test_renewed_credentials_that_are_refused_too_are_bad_ones_and_told_once(kept: Kept) -> None:
    connector = await kept.connector()
    kept.provider.shut = True
    assert {type(error) for error in await failures(connector)} == {AuthInvalid}
    assert await kept.status() == "bad_credentials"
    assert kept.heard == ["not for [secret] (HTTP 401)"]
    await failures(await kept.connector(), 2)
    assert len(kept.heard) == 1


async def test_bad_credentials_that_succeed_work_again(kept: Kept) -> None:
    connector = await kept.connector()
    kept.provider.shut = True
    await failures(connector, 1)
    kept.provider.shut = False
    keeper: Any = connector._exchange._keeper
    keeper._database = away = Database("postgresql://postgres@127.0.0.1:1/away")
    assert (await connector.read_page(THINGS)).records, "what was answered is not lost where it cannot be noted"
    assert await kept.status() == "bad_credentials"
    keeper._database = kept.flow.database
    await away.dispose()
    await connector.read_page(THINGS)
    assert await kept.status() == "working"
    kept.provider.shut = True
    await failures(await kept.connector(), 1)
    assert len(kept.heard) == 2


@pytest.mark.parametrize("ended", ["by the clock", "at the provider"])
async def test_a_grant_that_is_gone_is_asked_for_once_and_told_once(kept: Kept, ended: str) -> None:
    connector = await kept.connector()
    if ended == "by the clock":
        kept.flow.clock.advance(timedelta(seconds=600))
    kept.provider.good, kept.provider.refusal = "", REFUSAL
    errors = await failures(connector)
    assert {type(error) for error in errors} == {AuthRevoked}
    assert "the user is gone" in errors[0].message
    await failures(connector)
    assert kept.provider.given == 1
    assert await kept.status() == "bad_credentials"
    assert kept.heard == ["the user is gone"]


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [(web.Response(status=503), TryAgain), ({"error": "invalid_client"}, AuthInvalid)],
    ids=["down", "not the customer's fault"],
)
async def test_a_refresh_that_fails_otherwise_is_not_held_against_the_customer(
    kept: Kept, refusal: Any, kind: type[ProviderError]
) -> None:
    connector = await kept.connector()
    kept.provider.good, kept.provider.refusal = "", refusal
    [error] = await failures(connector, 1)
    assert (type(error), error.retryable) == (kind, kind is TryAgain)
    assert await kept.status() == "created"
    kept.provider.refusal = None
    await (await kept.connector()).read_page(THINGS)
    assert await kept.status() == "working"


async def test_a_token_that_cannot_be_renewed_is_tried_though_its_end_has_passed(kept: Kept) -> None:
    async with kept.flow.database.transaction() as session:
        await session.execute(text("UPDATE connection SET provider_app_id = NULL"))
    connector = await kept.connector()
    kept.flow.clock.advance(timedelta(seconds=601))
    await connector.read_page(THINGS)
    kept.provider.shut = True
    await failures(connector)
    assert kept.provider.given == 0
    assert await kept.status() == "bad_credentials"
    assert len(kept.heard) == 1


async def test_credentials_that_were_replaced_meanwhile_are_used_and_not_held_to_be_bad(keyed: Kept) -> None:
    connector = await keyed.connector()

    async def replace() -> None:
        await keyed.patch(apiKey="another-key")
        keyed.provider.good = "another-key"
        keyed.provider.asked.clear()

    keyed.provider.meanwhile = replace
    await connector.read_page(THINGS)
    await connector.read_page(THINGS)
    assert keyed.provider.asked == ["another-key"] * 2
    assert await keyed.status() == "working"
    assert keyed.heard == []


async def test_a_key_that_is_refused_is_bad_at_once_until_there_is_another(keyed: Kept) -> None:
    keyed.provider.good = "another-key"
    connector = await keyed.connector()
    await failures(connector)
    assert set(keyed.provider.asked) == {"a-key"}
    assert len(keyed.provider.asked) == 20
    assert await keyed.status() == "bad_credentials"
    assert len(keyed.heard) == 1
    await keyed.patch(apiKey="another-key")
    assert await keyed.status() != "bad_credentials"
    await (await keyed.connector()).read_page(THINGS)
    assert await keyed.status() == "working"


async def test_what_they_may_not_do_says_nothing_of_the_credentials(keyed: Kept) -> None:
    keyed.provider.shut, keyed.provider.status = True, 403
    before = await keyed.status()
    assert {type(error) for error in await failures(await keyed.connector(), 2)} == {AccessForbidden}
    assert await keyed.status() == before
    assert keyed.heard == []


async def test_a_connection_that_is_deleted_meanwhile_is_not_found(kept: Kept) -> None:
    connector = await kept.connector()
    kept.provider.good = ""
    assert (await kept.flow.client.delete(f"/v1/projects/acme/connections/{kept.id}")).status_code == 204
    with pytest.raises(ConnectionNotFound):
        await connector.read_page(THINGS)


async def test_secrets_of_a_keeper_are_not_shown(keyed: Kept) -> None:
    async with keyed.flow.database.transaction() as session:
        held = await keyed.flow.service.hold(session, keyed.flow.project.project_id, keyed.id)
    assert "a-key" not in repr(held) + repr(await keyed.connector())
