"""Connections brought in from elsewhere, each for itself: one that is refused keeps no other out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.connections.account import Account
from conjunct.connections.credential_kinds import read_credentials
from conjunct.connections.credentials import CustomCredentials, OAuthTokens, StoredCredentials, Token, Unbought
from conjunct.connections.grants import Grant
from conjunct.connections.repository import ConnectionRepository
from conjunct.connections.schemas import GenerateConnectionRequest
from conjunct.connections.service import ConnectionService
from conjunct.connections.transfer import ampersand, nango
from conjunct.connections.transfer.formats import Candidate, UnreadableEntry
from conjunct.connections.transfer.schemas import Fault, ImportedConnection, ImportRequest
from conjunct.connectors import Definition
from conjunct.connectors.auth_definition import CustomAuth, OAuth2
from conjunct.core.database import Database
from conjunct.core.problems import Problem

_ENDED = Token("", expires_at=datetime(1970, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class _Ready:
    """An entry that can be stored."""

    request: GenerateConnectionRequest
    definition: Definition
    account: Account
    credentials: StoredCredentials = field(repr=False)
    client_id: str | None = None


class Importer:
    """Brings connections in, as one request asks for it. The provider is not asked: their status is `created`."""

    def __init__(
        self, database: Database, connections: ConnectionService, project_id: str, wanted: ImportRequest
    ) -> None:
        self._database = database
        self._connections = connections
        self._project_id = project_id
        self._wanted = wanted
        self._known: dict[str, str] = {}

    async def run(self) -> list[ImportedConnection]:
        """What became of each entry, in their order."""
        async with self._database.reading() as reading:
            names = await self._connections.provider_names(reading, self._project_id)
        self._known = {nango.folded(name): name for name in names}
        return [await self._one(index, entry) for index, entry in enumerate(self._wanted.connections)]

    async def _one(self, index: int, entry: Mapping[str, Any]) -> ImportedConnection:
        about: dict[str, Any] = {"index": index}
        try:
            candidate = self._read(entry)
            about |= {"provider": _text(candidate, "provider"), "group_ref": _text(candidate, "groupRef")}
            ready = await self._checked(candidate)
            return await self._stored(about, ready)
        except UnreadableEntry as error:
            return ImportedConnection(**about, status="failed", detail=str(error))
        except ValidationError as error:
            # The library's own words would repeat values, which are secrets.
            faults = [
                Fault(name=".".join(map(str, each["loc"])), detail=each["msg"])
                for each in error.errors(include_url=False, include_input=False, include_context=False)
            ]
            return ImportedConnection(**about, status="failed", detail="The entry is not valid.", issues=faults)
        except Problem as problem:
            issues = [Fault(name=each.name, detail=each.detail) for each in problem.issues]
            return ImportedConnection(**about, status="failed", detail=problem.detail, issues=issues)

    def _read(self, entry: Mapping[str, Any]) -> Candidate:
        if self._wanted.format == "nango":
            return nango.read(entry, self._known, self._wanted.providers)
        candidate = ampersand.read(entry)
        ours = self._wanted.providers.get(str(candidate.request.get("provider")))
        return candidate if ours is None else replace(candidate, request={**candidate.request, "provider": ours})

    async def _checked(self, candidate: Candidate) -> _Ready:
        request = GenerateConnectionRequest.model_validate(candidate.request)
        async with self._database.reading() as reading:
            definition = await self._connections.definition(reading, self._project_id, request.provider)
        account = Account().with_metadata(request.provider_metadata)
        if request.provider_workspace_ref:
            account = account.with_workspace(request.provider_workspace_ref)
        credentials = _kept(definition, read_credentials(definition, request))
        return _Ready(request, definition, account.fitting(definition), credentials, candidate.client_id)

    async def _stored(self, about: Mapping[str, Any], ready: _Ready) -> ImportedConnection:
        request = ready.request
        async with self._database.transaction() as session:
            known = await ConnectionRepository(session).alike(
                self._project_id,
                group_ref=request.group_ref,
                consumer_ref=request.consumer_ref,
                provider=ready.definition.name,
            )
            if known is not None and self._wanted.on_existing == "skip":
                detail = "The consumer has a connection to this provider already."
                return ImportedConnection(**about, status="skipped", connection_id=known.id, detail=detail)
            app_id = await self._app(session, ready)
            trial = await session.begin_nested()
            connection_id = await self._connections.store_grant(session, self._project_id, _grant(ready, app_id))
            if self._wanted.dry_run:
                await trial.rollback()
        kept = connection_id if known is not None or not self._wanted.dry_run else None
        status: Literal["created", "replaced"] = "created" if known is None else "replaced"
        return ImportedConnection(**about, status=status, connection_id=kept, detail=_warning(ready, app_id))

    async def _app(self, session: AsyncSession, ready: _Ready) -> str | None:
        """The provider app that the tokens were made with, as far as can be told."""
        auth, apps = ready.definition.auth, self._connections.provider_apps
        if not isinstance(auth, OAuth2) or auth.grant != "authorization_code":
            return None
        named = self._wanted.provider_apps.get(ready.definition.name)
        if named is not None:
            return (await apps.require(session, self._project_id, named, ready.definition.name)).id
        found = None
        if ready.client_id is not None:
            found = await apps.open_by_client(session, self._project_id, ready.definition.name, ready.client_id)
        elif isinstance(ready.credentials, OAuthTokens) and ready.credentials.refresh is not None:
            found = await apps.open_default(session, self._project_id, ready.definition.name)
        return None if found is None else found.id


def _kept(definition: Definition, given: StoredCredentials | Unbought) -> StoredCredentials:
    """The credentials as they are kept. A token to be bought yet is one that has ended: its first use buys it."""
    if isinstance(given, Unbought):
        return OAuthTokens(_ENDED, scopes=given.scopes, client=given.client, login=given.login)
    auth = definition.auth
    if isinstance(given, CustomCredentials) and isinstance(auth, CustomAuth) and auth.token is not None:
        return replace(given, access=_ENDED)
    return given


def _grant(ready: _Ready, app_id: str | None) -> Grant:
    request = ready.request
    return Grant(
        provider=ready.definition.name,
        provider_app_id=app_id,
        group_ref=request.group_ref,
        group_name=request.group_name,
        consumer_ref=request.consumer_ref,
        consumer_name=request.consumer_name,
        account=ready.account,
        consumer_at_provider=None,
        tokens=ready.credentials,
    )


def _warning(ready: _Ready, app_id: str | None) -> str | None:
    tokens = ready.credentials
    if not isinstance(tokens, OAuthTokens) or tokens.client is not None:
        return None
    if tokens.refresh is None:
        return None if tokens.access.expires_at is None else "There is no refresh token: it works until it ends."
    if app_id is None:
        return (
            "Its access token cannot be refreshed: this project has no provider app that it was made with. Make one "
            "with the same OAuth client, and import it again with onExisting: replace."
        )
    return None


def _text(candidate: Candidate, name: str) -> str | None:
    value = candidate.request.get(name)
    return value[:200] if isinstance(value, str) else None
