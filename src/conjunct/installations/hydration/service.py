"""Hydration: ask the provider what the objects of a revision are made of, at most once for all who want to know."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from typing import Protocol

import orjson
import structlog

from conjunct.connections import ConnectionNotFound, ConnectionService, ConnectionState
from conjunct.connectors import Connector, ObjectSchema, ProviderError
from conjunct.connectors.describing import display_name
from conjunct.connectors.errors import AuthInvalid, AuthRevoked
from conjunct.core.database import Database
from conjunct.core.problems import Issue, Problem
from conjunct.installations.hydration.content import hydrated_content
from conjunct.installations.hydration.flights import Flights, Landed
from conjunct.installations.problems import ConnectionUnusable
from conjunct.installations.provider_problems import CONNECT_AGAIN, credentials_refused
from conjunct.integrations import IntegrationNotFound, IntegrationService, Revision, RevisionNotFound, get_revision
from conjunct.kit.clock import Clock
from conjunct.manifests import read_objects

TIME_LIMIT = 25.0
"""Seconds for all objects together."""

_AT_ONCE = 8

log = structlog.get_logger(__name__)


class Describing(Protocol):
    """A provider that tells what its objects are made of."""

    def describe(self, object_name: str) -> Awaitable[ObjectSchema]: ...


@dataclass(frozen=True, slots=True)
class Key:
    """What an answer depends on: a revision, which never changes, and a connection with its credentials and account."""

    project_id: str
    revision_id: str
    connection_id: str
    version: int
    account: bytes


class Hydrator:
    """Hydrates revisions, and keeps what it has found for some minutes, in this process.

    `seconds` bounds how long the provider is asked.
    """

    def __init__(
        self,
        database: Database,
        integrations: IntegrationService,
        connections: ConnectionService,
        *,
        clock: Clock | None = None,
        seconds: float = TIME_LIMIT,
    ) -> None:
        self._database = database
        self._integrations = integrations
        self._connections = connections
        self._seconds = seconds
        self._flights: Flights[Key] = Flights(clock=clock)

    async def hydrate(
        self, project_id: str, integration: str, revision_id: str, connection_id: str, *, group_ref: str | None = None
    ) -> bytes:
        """The specification's `HydratedRevision` as JSON, with the fields that the connection shows.

        An object that the provider does not describe has its words in `error`; such an answer is not kept. The
        connection must be of this group where one is given. Raises IntegrationNotFound, RevisionNotFound,
        ConnectionNotFound, ConnectionUnusable, and what `ConnectionService.connector` raises.
        """
        async with self._database.transaction() as session:
            found = await self._integrations.find(session, project_id, integration)
            try:
                revision = await self._integrations.revision(session, project_id, revision_id)
            except IntegrationNotFound:
                raise RevisionNotFound(revision_id) from None
            if revision.integration_id != found.id:
                raise RevisionNotFound(revision_id)
            connection = await self._connections.find(session, project_id, connection_id)
        if connection is None or group_ref not in (None, connection.group_ref):
            raise ConnectionNotFound(connection_id)
        if connection.provider != revision.content.provider:
            fault = f"it is for {connection.provider}, and the integration is for {revision.content.provider}"
            raise ConnectionUnusable(
                f"The connection {connection_id!r} cannot be used: {fault}.",
                remedy=f"Name a connection to {revision.content.provider}.",
                issues=[Issue("connectionId", fault, location="query", value=connection_id)],
            )
        return await self._flights.get(_key(revision, connection), lambda: self._fly(revision, connection.id))

    def forget(self, connection_id: str) -> None:
        """Ask the provider anew: what the connection shows has been changed through it."""
        self._flights.forget(lambda key: key.connection_id == connection_id)

    async def _fly(self, revision: Revision, connection_id: str) -> Landed:
        content = revision.content
        async with self._database.transaction() as session:
            head = orjson.loads(await get_revision(session, revision.project_id, revision.integration_id, revision.id))
            connector = await self._connections.connector(
                session, revision.project_id, connection_id, module=content.module
            )
        names = dict.fromkeys(each.object_name for each in read_objects(content))
        described = await describe_all(connector, names, self._seconds)
        hydrated = hydrated_content(content, described, lambda name: _display(connector, name))
        wire = {**{key: head[key] for key in ("id", "specVersion", "createTime")}, "content": hydrated}
        complete = all(isinstance(each, ObjectSchema) for each in described.values())
        return Landed(orjson.dumps(wire), keep=complete)


async def describe_all(provider: Describing, names: Iterable[str], seconds: float) -> dict[str, ObjectSchema | str]:
    """What the objects are made of; words instead for those that the provider does not describe (in time)."""
    gate = asyncio.Semaphore(_AT_ONCE)
    wanted = list(names)
    found = await asyncio.gather(*(_describe(provider, each, gate, seconds) for each in wanted))
    return dict(zip(wanted, found, strict=True))


async def _describe(provider: Describing, name: str, gate: asyncio.Semaphore, seconds: float) -> ObjectSchema | str:
    try:
        async with asyncio.timeout(seconds), gate:
            return await provider.describe(name)
    except ProviderError as error:
        log.info("object.not_described", object=name, error=error.kind.value, status=error.status)
        if isinstance(error, AuthInvalid | AuthRevoked):
            return f"{credentials_refused(error)} {CONNECT_AGAIN}"
        return error.message
    except TimeoutError:
        log.info("object.not_described", object=name, error="time limit")
        return "The provider did not answer in time."
    except Problem as problem:
        return problem.detail


def _key(revision: Revision, connection: ConnectionState) -> Key:
    account = orjson.dumps(
        [connection.provider_workspace_ref, connection.provider_metadata], option=orjson.OPT_SORT_KEYS
    )
    return Key(revision.project_id, revision.id, connection.id, connection.version, account)


def _display(connector: Connector, name: str) -> str:
    known = connector.definition.object(name)
    return (known.display if known else None) or display_name(name)
