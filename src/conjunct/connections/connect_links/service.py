"""Hosted links: made for a customer, opened by whoever has the URL, used once."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace
from datetime import datetime, timedelta

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from conjunct.connections.connect_links.problems import ConnectLinkNotFound, ConnectLinkOver, NotConnectableByLink
from conjunct.connections.connect_links.repository import ConnectLinkRepository
from conjunct.connections.connect_links.return_urls import checked_return_url
from conjunct.connections.connect_links.schemas import CreateConnectLink
from conjunct.connections.connect_links.state import ConnectLink
from conjunct.connections.connect_links.ways import needs_app, way_of
from conjunct.connections.problems import NoSuchProvider
from conjunct.connections.service import ConnectionService
from conjunct.connectors import Definition
from conjunct.core.paging import WHOLE, Items, Page
from conjunct.core.problems import InvalidRequest, Issue
from conjunct.kit.clock import Clock, SystemClock
from conjunct.kit.ids import new_id

PATH = "/connect/"
"""Where the pages are, below the public URL; the token follows."""

KEPT = timedelta(days=30)
"""How long a link is remembered after its time is over, so that its visitors and its builder hear what became of it."""

_LONGEST_ERROR = 500
_LONGEST_TOKEN = 100

Reader = AsyncSession | AsyncConnection


class ConnectLinkService:
    """What the API and the pages ask of links, on the caller's transaction."""

    def __init__(self, *, connections: ConnectionService, public_url: str, clock: Clock | None = None) -> None:
        self._connections = connections
        self._base = public_url.rstrip("/") + PATH
        self._clock = clock or SystemClock()

    async def create(self, session: AsyncSession, project_id: str, given: CreateConnectLink) -> bytes:
        """Make a link; gives it as JSON with its URL, which cannot be shown again.

        Raises:
            InvalidRequest: neither or both of provider and providers, an app beside several, a bad return URL.
            NoSuchProvider: the catalog has none of that name.
            NotConnectableByLink: a page cannot connect it, or the project has no provider app for it.
        """
        providers = _providers(given)
        for at, name in providers.items():
            await self._require_connectable(session, project_id, at, name, given.provider_app_id)
        return_url = None if given.return_url is None else checked_return_url(given.return_url)
        links, token, link_id, now = ConnectLinkRepository(session), secrets.token_urlsafe(32), new_id(), self._now
        await links.sweep(project_id, now - KEPT)
        await links.add(
            id=link_id,
            project_id=project_id,
            token_digest=_digest(token),
            providers=list(dict.fromkeys(providers.values())),
            provider_app_id=given.provider_app_id,
            group_ref=given.group_ref,
            group_name=given.group_name,
            consumer_ref=given.consumer_ref,
            consumer_name=given.consumer_name,
            return_url=return_url,
            create_time=now,
            expire_time=now + timedelta(seconds=given.expires_in_seconds),
        )
        shown = orjson.loads(await self.get_json(session, project_id, link_id))
        return orjson.dumps({**shown, "url": self._base + token})

    async def list_page(
        self, reader: Reader, project_id: str, page: Page = WHOLE, *, group_ref: str | None = None
    ) -> Items:
        """A page of the project's links, oldest first, without their URLs."""
        return await ConnectLinkRepository(reader).list_page(project_id, page, self._now, group_ref)

    async def get_json(self, reader: Reader, project_id: str, link_id: str) -> str:
        """One link as JSON, without its URL. Raises `ConnectLinkNotFound`."""
        found = await ConnectLinkRepository(reader).get_json(project_id, link_id, self._now)
        if found is None:
            raise _not_in_project(link_id)
        return found

    async def revoke(self, session: AsyncSession, project_id: str, link_id: str) -> None:
        """Forget a link, and the OAuth flows that began on it; connections stay. Raises `ConnectLinkNotFound`."""
        if not await ConnectLinkRepository(session).delete(project_id, link_id):
            raise _not_in_project(link_id)

    async def open(self, reader: Reader, token: str) -> ConnectLink:
        """The link of a token, which is used (`is_used`) or can be.

        Raises `ConnectLinkNotFound`, and `ConnectLinkOver` where its time was over before it was used.
        """
        known = len(token) <= _LONGEST_TOKEN
        link = await ConnectLinkRepository(reader).by_token(_digest(token)) if known else None
        if link is None:
            raise _unknown()
        if not link.is_used and link.expire_time <= self._now:
            raise ConnectLinkOver("This link has expired.", remedy=_ASK)
        return link

    async def hold(self, session: AsyncSession, project_id: str, link_id: str) -> None:
        """Keep others from using the link until the transaction ends.

        Its time is not asked for: that was when the customer set out, and they may come back from the provider later.
        Raises `ConnectLinkNotFound` where it was revoked meanwhile, `ConnectLinkOver` where it is used.
        """
        is_used = await ConnectLinkRepository(session).lock(project_id, link_id)
        if is_used is None:
            raise _unknown()
        if is_used:
            raise ConnectLinkOver("This link has been used: something is connected by it.", remedy=_ASK)

    async def use_up(self, session: AsyncSession, project_id: str, link_id: str, connection_id: str) -> None:
        """Note what a link that is held has connected: nobody connects anything by it again."""
        values = {"connection_id": connection_id, "connect_time": self._now, "error": None}
        await ConnectLinkRepository(session).change(project_id, link_id, **values)

    async def note_failure(self, session: AsyncSession, project_id: str, link_id: str, error: str | None) -> None:
        """Keep how an attempt failed, in words, for the page and the builder; None to forget it."""
        words = None if error is None else error[:_LONGEST_ERROR]
        await ConnectLinkRepository(session).note_failure(project_id, link_id, words)

    @property
    def _now(self) -> datetime:
        return self._clock.now()

    async def _require_connectable(
        self, session: AsyncSession, project_id: str, at: str, name: str, app_id: str | None
    ) -> None:
        try:
            definition = await self._connections.definition(session, project_id, name)
        except NoSuchProvider as problem:
            issues = [replace(issue, name=at) for issue in problem.issues]
            raise NoSuchProvider(problem.detail, remedy=problem.remedy, issues=issues) from None
        if way_of(definition.auth) is None:
            raise _not_connectable(at, definition, "no page can connect it", "Connect it over the API.")
        if not needs_app(definition.auth):
            if app_id is not None:
                why = f"{definition.display} is connected without a provider app"
                raise _not_connectable("providerAppId", definition, why, "Leave out providerAppId.")
            return
        apps = self._connections.provider_apps
        if app_id is None:
            if await apps.open_default(session, project_id, definition.name) is None:
                remedy = f"Register an OAuth client with {definition.display}, and make a provider app of it."
                raise _not_connectable(at, definition, "this project has no provider app for it", remedy)
            return
        app = await apps.open(session, project_id, app_id)
        if app is None or app.provider != definition.name:
            why = f"this project has no such provider app for {definition.display}"
            raise _not_connectable("providerAppId", definition, why, "List the provider apps to see their ids.")


_ASK = "Ask whoever sent it to you for a new one."


def _providers(given: CreateConnectLink) -> dict[str, str]:
    """The names of the providers, by where they stand in the request."""
    if (given.provider is None) == (given.providers is None):
        raise InvalidRequest(
            "A link needs a provider, or several providers to choose from, and not both.",
            remedy="Send provider, or providers with a list of names.",
            issues=[Issue("provider", "exactly one of provider and providers is needed")],
        )
    if given.provider is not None:
        return {"provider": given.provider}
    several = given.providers or []
    if given.provider_app_id is not None and len(several) > 1:
        raise InvalidRequest(
            "A provider app belongs to one provider, and the link has several.",
            remedy="Leave out providerAppId, or give one provider.",
            issues=[Issue("providerAppId", "is for links to one provider")],
        )
    return {f"providers.{index}": name for index, name in enumerate(several)}


def _not_connectable(at: str, definition: Definition, why: str, remedy: str) -> NotConnectableByLink:
    return NotConnectableByLink(
        f"{definition.display} cannot be connected by a link: {why}.", remedy=remedy, issues=[Issue(at, why)]
    )


def _not_in_project(link_id: str) -> ConnectLinkNotFound:
    return ConnectLinkNotFound(
        f"There is no connect link {link_id[:100]!r} in this project.",
        remedy="List the connect links of the project to see their ids.",
    )


def _unknown() -> ConnectLinkNotFound:
    return ConnectLinkNotFound("This link is not one of ours, or it has been revoked.", remedy=_ASK)


def _digest(token: str) -> bytes:
    """What is kept of a token for look-up. It has 256 random bits, so that comparing digests tells nothing of it."""
    return hashlib.sha256(token.encode()).digest()
