"""Search: from a builder's filters to the provider's, and from its records to entries as reads deliver them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.actions.search.problems import ObjectNotSearchable
from conjunct.actions.search.schemas import FieldFilter, SearchRequest
from conjunct.actions.search.tokens import SearchTokens
from conjunct.connections import ConnectionService
from conjunct.connectors import Condition, Connector, Operator, Page, ProviderError, SearchQuery
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
from conjunct.tenants import ProjectKeys

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Search:
    """A search with all that it needs; no transaction is open any more."""

    connector: Connector = field(repr=False)
    plan: MappingPlan
    query: SearchQuery
    tokens: SearchTokens = field(repr=False)


@dataclass(frozen=True, slots=True)
class Found:
    """A page of what was found, and the token of the one after it."""

    entries: list[dict[str, Any]]
    next: str | None


class SearchService:
    """Searches a customer's records through their installation."""

    def __init__(
        self,
        database: Database,
        keys: ProjectKeys,
        installations: InstallationService,
        connections: ConnectionService,
        clock: Clock,
    ) -> None:
        self._database = database
        self._keys = keys
        self._installations = installations
        self._connections = connections
        self._clock = clock

    async def search(self, project_id: str, integration: str, group_ref: str, asked: SearchRequest) -> Found:
        """One page of the records that meet every filter, as entries of the specification.

        Raises:
            GroupNotInstalled: the group has not installed the integration.
            ObjectNotSearchable: the integration does not read the object, or the config switches it off.
            InvalidRequest: a field has two equal filters.
            BadPageToken: the token is of another search.
            SearchNotSupported, UnusableValue: the provider cannot search for this.
            CredentialsRefused, ProviderRefused, ProviderUnavailable: in the provider's own words.
        """
        async with self._database.transaction() as session:
            state = await self._installations.require_by_group(session, project_id, integration, group_ref)
            search = await self._prepare(session, state, _find(state, asked.object_name), asked)
        page = await self._ask(search)
        if page.failed:
            log.warning("search.left_out", records=len(page.failed), reason=page.failed[0].reason)
        entries = []
        for record in page.records:
            entry = search.plan.entry(record)
            entries.append(entry if record.id is None else {"id": record.id, **entry})
        return Found(entries, search.tokens.seal(page.next) if page.next is not None else None)

    async def _prepare(
        self, session: AsyncSession, state: InstallationState, read_object: ReadObject, asked: SearchRequest
    ) -> _Search:
        conditions = [_condition(read_object, each) for each in asked.field_filters]
        _require_single(asked.field_filters, conditions)
        tokens = SearchTokens(
            await self._keys.keyring(session, state.project_id), state.id, read_object.object_name, conditions
        )
        page_token = tokens.open(asked.page_token) if asked.page_token is not None else None
        await self._require_unthrottled(session, state)
        connector = await self._connections.connector(
            session, state.project_id, state.connection_id, module=state.module
        )
        plan = plan_mapping(read_object)
        query = SearchQuery(
            read_object.object_name,
            plan.requested,
            tuple((name, value) for name, operator, value in conditions if operator == "eq"),
            tuple(Condition(name, operator, value) for name, operator, value in conditions if operator != "eq"),
            page_token,
        )
        return _Search(connector, plan, query, tokens)

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
            return await connector.search(replace(query, fields=fields))
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


def _condition(read_object: ReadObject, given: FieldFilter) -> tuple[str, Operator, Any]:
    """A filter on the provider's field and values. A part of a text is no value that could be mapped."""
    values = given.value if isinstance(given.value, list) else [given.value]
    pairs = as_provider(read_object, tuple((given.field_name, value) for value in values))
    mapped = values if given.operator == "contains" else [value for _, value in pairs]
    return pairs[0][0], given.operator, mapped if isinstance(given.value, list) else mapped[0]


def _require_single(filters: Sequence[FieldFilter], conditions: Sequence[tuple[str, Operator, Any]]) -> None:
    """One condition a field by each operator, and none beside equality, whichever of its names it is given by."""
    issues = []
    for place, (given, (name, operator, _)) in enumerate(zip(filters, conditions, strict=True)):
        others = {other for known, other, _ in conditions[:place] if known == name}
        if operator in others or (others and "eq" in {operator, *others}):
            said = f"the field has a filter already that leaves no room for {operator}"
            issues.append(Issue(f"fieldFilters.{place}.fieldName", said, value=given.field_name))
    if issues:
        raise InvalidRequest(
            "A field has more filters than can be.",
            remedy="Give each field one filter by eq, or one by each other operator.",
            issues=issues,
        )
