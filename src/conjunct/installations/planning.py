"""From a request to what is to be saved: find what it stands on, check it, tell every fault.

A request is planned twice when samples are taken: before them, and again in the transaction that saves, since the
world may have changed while the provider was asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.connections import ConnectionService, ConnectionState
from conjunct.core.problems import Issue
from conjunct.installations.completion import chosen_or_everything, complete
from conjunct.installations.content import ConfigContent, parse_content
from conjunct.installations.following import Carried, carry_over
from conjunct.installations.masks import CONTENT, Change
from conjunct.installations.problems import ConfigInvalid, ConnectionUnusable
from conjunct.installations.read_objects import ReadObject, resolve_read_objects
from conjunct.installations.repository import InstallationRepository
from conjunct.installations.sampling import to_sample
from conjunct.installations.schemas import CreateInstallation
from conjunct.installations.state import InstallationState
from conjunct.installations.validation import check_content
from conjunct.integrations import IntegrationService
from conjunct.manifests import Integration, read_objects

MAX_ISSUES = 100

Edit = Callable[[Mapping[str, Any], Integration], Change]
"""What a request makes of the content in force, in JSON, and of what is beside it; raises a Problem."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be saved, known to be good. `previous` is the installation as it was, None when it is new."""

    project_id: str
    integration_id: str
    group_id: str
    connection_id: str
    config: Carried
    created_by: str
    samples: tuple[ReadObject, ...]
    previous: InstallationState | None = None


class Planner:
    """Plans on the caller's transaction; until it ends, no deploy changes the integration."""

    def __init__(self, integrations: IntegrationService, connections: ConnectionService, finest: timedelta) -> None:
        self._integrations = integrations
        self._connections = connections
        self._finest = finest

    async def creation(
        self, session: AsyncSession, project_id: str, integration: str, request: CreateInstallation
    ) -> Plan:
        """What a request to install asks for.

        Raises IntegrationNotFound, ConnectionUnusable, or ConfigInvalid with every fault.
        """
        row = await self._integrations.find(session, project_id, integration, lock="keep")
        revision = await self._integrations.revision(session, project_id, row.latest_revision_id)
        content = self._parsed(request.config.content)
        content = self._checked(chosen_or_everything(content, revision.content), revision.content)
        connection = await self._connection(
            session, project_id, request.connection_id, group_ref=request.group_ref, provider=row.provider
        )
        return Plan(
            project_id=project_id,
            integration_id=row.id,
            group_id=connection.group_id,
            connection_id=connection.id,
            config=Carried(revision.id, revision.content, (), content),
            created_by=request.config.created_by,
            samples=to_sample(resolve_read_objects(revision.content, content), {}, same_connection=False),
        )

    async def change(self, session: AsyncSession, previous: InstallationState, edit: Edit) -> Plan:
        """What a request to change an installation asks for, on the latest revision.

        Raises what `edit` raises, ConnectionUnusable, or ConfigInvalid with every fault of what is replaced.
        """
        project_id = previous.project_id
        row = await self._integrations.find(session, project_id, previous.integration_id, lock="keep")
        config = await self._carried_over(session, previous, row.latest_revision_id)
        change = edit(config.content.to_wire(), config.integration)
        content = self._checked(self._parsed(change.content), config.integration, change.touched)
        connection_id = previous.connection_id
        if change.connection_id not in (None, connection_id):
            connection = await self._connection(
                session, project_id, change.connection_id, group_ref=previous.group_ref, provider=previous.provider
            )
            connection_id = connection.id
        return Plan(
            project_id=project_id,
            integration_id=row.id,
            group_id=previous.group_id,
            connection_id=connection_id,
            config=Carried(config.revision_id, config.integration, config.retained, content),
            created_by=change.created_by or previous.config_created_by,
            samples=to_sample(
                resolve_read_objects(config.integration, content),
                previous.read_objects,
                same_connection=connection_id == previous.connection_id,
            ),
            previous=previous,
        )

    async def following(self, session: AsyncSession, state: InstallationState, revision_id: str) -> Plan:
        """What carries an installation over to a later revision, as it is."""
        return Plan(
            project_id=state.project_id,
            integration_id=state.integration_id,
            group_id=state.group_id,
            connection_id=state.connection_id,
            config=await self._carried_over(session, state, revision_id),
            created_by=state.config_created_by,
            samples=(),
            previous=state,
        )

    async def _carried_over(self, session: AsyncSession, state: InstallationState, revision_id: str) -> Carried:
        """The installation's config on a later revision of its integration (see `following`)."""
        declared = await self._integrations.revision(session, state.project_id, state.revision_id)
        own = {each.object_name for each in read_objects(declared.content)}
        retained = tuple(each for each in read_objects(state.integration) if each.object_name not in own)
        config = Carried(state.revision_id, state.integration, retained, state.content)
        if state.revision_id == revision_id:
            return config
        later = await self._integrations.revisions_after(
            session, state.project_id, state.integration_id, declared.number
        )
        return carry_over(config, later)

    async def _connection(
        self, session: AsyncSession, project_id: str, connection_id: str | None, *, group_ref: str, provider: str
    ) -> ConnectionState:
        if connection_id is None:
            found = await self._connections.default_for_group(session, project_id, group_ref, provider)
            if found is None:
                raise ConnectionUnusable(
                    f"The group {group_ref!r} has no connection to {provider}.",
                    remedy=f"Let the group connect to {provider} first, then install.",
                    issues=[Issue("groupRef", f"has no connection to {provider}", value=group_ref)],
                )
        else:
            found = await self._connections.find(session, project_id, connection_id)
        fault = _connection_fault(found, group_ref, provider)
        if found is not None and not await InstallationRepository(session).keep_connection(project_id, found.id):
            fault = "it has just been deleted"
        if found is None or fault:
            raise ConnectionUnusable(
                f"The connection {connection_id!r} cannot be used: {fault}.",
                remedy=f"Name a connection of the group to {provider}, or leave connectionId out.",
                issues=[Issue("connectionId", fault, value=connection_id)],
            )
        return found

    def _parsed(self, raw: Any) -> ConfigContent:
        """The content; raises ConfigInvalid with every fault of its types."""
        content, issues = parse_content(raw)
        if content is None:
            raise _invalid(issues)
        return content

    def _checked(
        self, content: ConfigContent, integration: Integration, within: Sequence[str] = (CONTENT,)
    ) -> ConfigContent:
        """The content, completed; raises ConfigInvalid with every fault that concerns those places."""
        completed = complete(content, integration)
        faults = check_content(completed, integration, self._finest)
        if issues := [issue for issue in faults if _concerns(issue.name, within)]:
            raise _invalid(issues)
        return completed


def _invalid(issues: Sequence[Issue]) -> ConfigInvalid:
    number = "1 fault" if len(issues) == 1 else f"{len(issues)} faults"
    return ConfigInvalid(
        f"The config has {number}.",
        remedy="Correct each issue; nothing was changed.",
        issues=list(issues[:MAX_ISSUES]),
    )


def _connection_fault(found: ConnectionState | None, group_ref: str, provider: str) -> str:
    # One answer for both: who is confined to a group must not learn of another's connections.
    if found is None or found.group_ref != group_ref:
        return f"the group {group_ref!r} has no such connection"
    if found.provider != provider:
        return f"it is for {found.provider}, and the integration is for {provider}"
    return ""


def _concerns(name: str, places: Sequence[str]) -> bool:
    """Whether a fault is within one of the places, or at something that holds one whole."""
    return any(f"{name}.".startswith(f"{place}.") or f"{place}.".startswith(f"{name}.") for place in places)
