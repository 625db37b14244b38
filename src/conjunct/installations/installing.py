"""The course of an installation: plan, sample, plan again, save. The provider is asked between two transactions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.core.database import Database
from conjunct.installations.masks import Change, apply_masks
from conjunct.installations.patching import apply_patch
from conjunct.installations.planning import Plan
from conjunct.installations.problems import InstallationExists
from conjunct.installations.sampling import TIME_LIMIT, sample
from conjunct.installations.schemas import CreateInstallation, PatchObjectConfig, UpdateInstallation
from conjunct.installations.service import InstallationService
from conjunct.manifests import Integration
from conjunct.tenants.audit import note_change, record_change

Planning = Callable[[AsyncSession], Awaitable[Plan]]


class Installer:
    """Makes and changes installations, after a sample of what they will read. `sample_seconds` bounds the samples."""

    def __init__(self, database: Database, service: InstallationService, sample_seconds: float = TIME_LIMIT) -> None:
        self._database = database
        self._service = service
        self._sample_seconds = sample_seconds

    async def create(
        self, project_id: str, integration: str, request: CreateInstallation, *, skip_sampling: bool
    ) -> str:
        """Install an integration for a group; answers the installation as JSON.

        Raises what `InstallationService.plan_creation` and `save` raise, and SampleRefused.
        """

        async def plan(session: AsyncSession) -> Plan:
            return await self._service.plan_creation(session, project_id, integration, request)

        try:
            return await self._carry_out(plan, skip_sampling=skip_sampling)
        except InstallationExists:
            # What installs itself may have been quicker since the plan: then it is changed. Else it is refused again.
            return await self._carry_out(plan, skip_sampling=True)

    async def update(
        self,
        project_id: str,
        integration: str,
        installation_id: str,
        request: UpdateInstallation,
        *,
        skip_sampling: bool,
    ) -> str:
        """Change an installation; answers it as JSON.

        Raises what `InstallationService.plan_change`, `apply_masks` and `save` raise, and SampleRefused.
        """

        def edit(current: Mapping[str, Any], declared: Integration) -> Change:
            return apply_masks(current, request.installation, request.update_mask, declared)

        async def plan(session: AsyncSession) -> Plan:
            return await self._service.plan_change(session, project_id, integration, installation_id, edit)

        return await self._carry_out(plan, skip_sampling=skip_sampling)

    async def patch(
        self,
        project_id: str,
        integration: str,
        object_name: str,
        request: PatchObjectConfig,
        *,
        skip_sampling: bool,
        group_ref: str | None = None,
    ) -> str:
        """Change an object's config in the installation that the request names, or that of the group.

        Answers the installation as JSON. With `installation_id` in the request, it must be of this group where one is
        given. Raises GroupNotInstalled, what `InstallationService.plan_change`, `apply_patch` and `save` raise, and
        SampleRefused.
        """

        def edit(current: Mapping[str, Any], declared: Integration) -> Change:
            return apply_patch(current, request.action, object_name, request.changes, declared)

        async def plan(session: AsyncSession) -> Plan:
            installation_id = request.installation_id
            if installation_id is None:
                found = await self._service.require_by_group(session, project_id, integration, group_ref or "")
                installation_id = found.id
            return await self._service.plan_change(
                session, project_id, integration, installation_id, edit, group_ref=group_ref
            )

        return await self._carry_out(plan, skip_sampling=skip_sampling)

    async def _carry_out(self, plan: Planning, *, skip_sampling: bool) -> str:
        if not skip_sampling:
            await self._sample(plan)
        async with self._database.transaction() as session:
            planned = await plan(session)
            installation_id = await self._service.save(session, planned)
            note_change(resource_kind="installation", resource_id=installation_id)
            await record_change(session)
            return await self._service.get_json(session, planned.project_id, planned.integration_id, installation_id)

    async def _sample(self, plan: Planning) -> None:
        async with self._database.transaction() as session:
            planned = await plan(session)
            if not planned.samples:
                return
            provider = await self._service.connector(session, planned)
        await sample(provider, planned.samples, self._sample_seconds)
