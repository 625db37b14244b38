"""Search: from a builder's filters to the provider's, and from its records to entries as reads deliver them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.actions.search.problems import ObjectNotSearchable
from conjunct.actions.search.schemas import FieldFilter
from conjunct.connections import ConnectionService
from conjunct.connectors import Connector, Page, ProviderError, SearchQuery
from conjunct.core.database import Database
from conjunct.core.problems import InvalidRequest, Issue
from conjunct.installations import (
    InstallationService,
    InstallationState,
    MappingPlan,
    ProviderUnavailable,
    ReadObject,
    as_provider,
    find_readable,
    named_fields,
    plan_mapping,
    provider_problem,
)
from conjunct.kit.clock import Clock

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Search:
    """A search with all that it needs; no transaction is open any more."""

    connector: Connector = field(repr=False)
    plan: MappingPlan
    query: SearchQuery


class SearchService:
    """Searches a customer's records through their installation."""

    def __init__(
        self, database: Database, installations: InstallationService, connections: ConnectionService, clock: Clock
    ) -> None:
        self._database = database
        self._installations = installations
        self._connections = connections
        self._clock = clock

    async def search(
        self, project_id: str, integration: str, group_ref: str, object_name: str, filters: Sequence[FieldFilter]
    ) -> list[dict[str, Any]]:
        """One page of the records that meet every filter, as entries of the specification.

        Raises:
            GroupNotInstalled: the group has not installed the integration.
            ObjectNotSearchable: the integration does not read the object, or the config switches it off.
            InvalidRequest: a field has two filters.
            SearchNotSupported, UnusableValue: the provider cannot search for this.
            CredentialsRefused, ProviderRefused, ProviderUnavailable: in the provider's own words.
        """
        async with self._database.transaction() as session:
            state = await self._installations.require_by_group(session, project_id, integration, group_ref)
            search = await self._prepare(session, state, _find(state, object_name), filters)
        page = await self._ask(search)
        if page.failed:
            log.warning("search.left_out", records=len(page.failed), reason=page.failed[0].reason)
        entries = []
        for record in page.records:
            entry = search.plan.entry(record)
            entries.append(entry if record.id is None else {"id": record.id, **entry})
        return entries

    async def _prepare(
        self, session: AsyncSession, state: InstallationState, read_object: ReadObject, filters: Sequence[FieldFilter]
    ) -> _Search:
        wanted = as_provider(read_object, tuple((each.field_name, each.value) for each in filters))
        _require_single(filters, [name for name, _ in wanted])
        await self._require_unthrottled(session, state)
        connector = await self._connections.connector(
            session, state.project_id, state.connection_id, module=state.module
        )
        plan = plan_mapping(read_object)
        query = SearchQuery(read_object.object_name, plan.requested, wanted)
        return _Search(connector, plan, query)

    async def _require_unthrottled(self, session: AsyncSession, state: InstallationState) -> None:
        connection = await self._connections.find(session, state.project_id, state.connection_id)
        until = connection.throttled_until if connection is not None else None
        if until is not None and until > self._clock.now():
            raise ProviderUnavailable(
                f"{state.provider} asked us to slow down, and takes no requests for this customer until then.",
                remedy="Try again after the moment in retryAfter.",
                retryable=True,
                retry_after=until,
            )

    async def _ask(self, search: _Search) -> Page:
        query, connector = search.query, search.connector
        try:
            fields = await named_fields(connector, query.object, query.fields)
            return await connector.search(SearchQuery(query.object, fields, query.filters))
        except ProviderError as error:
            raise provider_problem(error, doing="search for it") from None


def _find(state: InstallationState, name: str) -> ReadObject:
    found = find_readable(state.integration, state.content, name)
    if found is None:
        known = ", ".join(each.object_name for each in state.integration.read.objects) if state.integration.read else ""
        raise ObjectNotSearchable(
            f"The integration does not read {name!r}, and only what it reads can be searched.",
            remedy=f"Name one of the objects it reads ({known or 'none'}), or add the object to the manifest.",
            issues=[Issue("objectName", "is not an object that the integration reads", value=name)],
        )
    if found.disabled:
        raise ObjectNotSearchable(
            f"{name!r} is switched off in this installation.",
            remedy="Set `disabled` to false in the object's read config.",
            issues=[Issue("objectName", "is switched off", value=name)],
        )
    return found


def _require_single(filters: Sequence[FieldFilter], names: Sequence[str]) -> None:
    """One condition a field, whichever of its names it is given by."""
    issues = [
        Issue(f"fieldFilters.{place}.fieldName", "the field has a filter already", value=each.field_name)
        for place, (each, name) in enumerate(zip(filters, names, strict=True))
        if name in names[:place]
    ]
    if issues:
        raise InvalidRequest(
            "A field has more than one filter.", remedy="Give each field one filter at most.", issues=issues
        )
