"""The job that tells a provider that a grant is over."""

from __future__ import annotations

from datetime import timedelta

import structlog

from conjunct.connections.revocation.grants import RevocableGrant, place_of
from conjunct.connections.revocation.models import TokenRevocationRow
from conjunct.connections.revocation.repository import TokenRevocationRepository
from conjunct.connections.tokens import LARGEST_ANSWER
from conjunct.connectors import Definition, Transport
from conjunct.connectors.addresses import checked_inputs
from conjunct.connectors.answers import kind_of_status
from conjunct.connectors.errors import ERROR_CLASSES, ProviderError
from conjunct.connectors.oauth import revocation_request
from conjunct.core.database import Database
from conjunct.core.problems import Problem
from conjunct.providers import Catalog, ProjectProviders, ProviderOverrides
from conjunct.queue import Done, Handler, Job, Outcome, Retry
from conjunct.tenants import ProjectKeys

REVOKE = "connection.revoke"

FIRST_DELAY = timedelta(seconds=10)
LONGEST_DELAY = timedelta(hours=1)
_TIMEOUT = 20.0

log = structlog.get_logger(__name__)


class Revoker:
    """Revokes grants at their providers, and forgets them.

    A provider that cannot be reached is asked again, for some hours; one that refuses has no such grant any more, or
    would refuse again: that is logged and not tried again.
    """

    def __init__(
        self,
        *,
        database: Database,
        keys: ProjectKeys,
        catalog: Catalog,
        transport: Transport,
        overrides: ProviderOverrides,
    ) -> None:
        self._database = database
        self._keys = keys
        self._providers = ProjectProviders(catalog)
        self._transport = transport
        self._overrides = overrides

    def handlers(self) -> dict[str, Handler]:
        """The jobs of this slice, for the worker."""
        return {REVOKE: self.run}

    async def run(self, job: Job) -> Outcome:
        """Tell the provider of one grant."""
        async with self._database.transaction() as session:
            row = await TokenRevocationRepository(session).find(job.tenant, job.ref_id)
            if row is None:
                return Done()
            keyring = await self._keys.keyring(session, job.tenant)
            grant = RevocableGrant.from_document(keyring.decrypt(row.sealed_grant, place_of(row.id)))
        told = log.bind(provider=row.provider, connection_id=row.connection_id)
        try:
            await self._tell(row, grant)
        except ProviderError as error:
            if error.retryable and job.attempts < job.max_attempts:
                return Retry(min(FIRST_DELAY * 3 ** (job.attempts - 1), LONGEST_DELAY), str(error))
            told.warning("connection.not_revoked", error=error.kind.value, status=error.status)
        except Problem as problem:  # the definition has changed, so that it does not fit what was kept
            told.warning("connection.not_revoked", error=problem.slug)
        else:
            told.info("connection.revoked")
        async with self._database.transaction() as session:
            await TokenRevocationRepository(session).delete(job.tenant, job.ref_id)
        return Done()

    async def _tell(self, row: TokenRevocationRow, grant: RevocableGrant) -> None:
        async with self._database.reading() as reading:
            definition: Definition = await self._providers.get(reading, row.project_id, row.provider)
        request = revocation_request(
            definition,
            grant.client,
            checked_inputs(definition, grant.inputs, optional=frozenset(each.name for each in definition.inputs)),
            access_token=grant.access_token,
            refresh_token=grant.refresh_token,
            override=self._overrides.base_url(row.provider),
        )
        if request is None:
            return
        response = await self._transport.request(
            request.method,
            request.url,
            headers=request.headers,
            body=request.body,
            timeout=_TIMEOUT,
            max_bytes=LARGEST_ANSWER,
        )
        if response.status not in request.ok:
            kind = kind_of_status(response.status)
            raise ERROR_CLASSES[kind](f"it answered {response.status}", status=response.status)
