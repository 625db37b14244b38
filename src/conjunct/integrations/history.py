"""The revisions of an integration: list them, find one, compare two."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from conjunct.core.paging import WHOLE, Items, Page
from conjunct.integrations.change_schemas import Changes, Difference, RevisionReference
from conjunct.integrations.deploys import LATEST, PREVIOUS, revision_of
from conjunct.integrations.models import RevisionRow
from conjunct.integrations.problems import IntegrationNotFound, RevisionNotFound
from conjunct.integrations.repository import IntegrationRepository
from conjunct.manifests import diff


async def list_revisions(connection: AsyncConnection, project_id: str, integration: str, page: Page = WHOLE) -> Items:
    """A page of an integration's revisions, newest first; raises IntegrationNotFound."""
    found = await IntegrationRepository(connection).revisions_page(project_id, integration, page)
    if not found.count and page.after is None:  # an integration has at least one revision
        raise IntegrationNotFound(integration)
    return found


async def get_revision(
    connection: AsyncConnection | AsyncSession, project_id: str, integration: str, revision_id: str
) -> str:
    """One revision of an integration as JSON; raises RevisionNotFound."""
    found = await IntegrationRepository(connection).revision_of_integration_json(project_id, integration, revision_id)
    if found is None:
        raise RevisionNotFound(revision_id)
    return found


async def compare_revisions(
    session: AsyncSession, project_id: str, integration: str, revision_id: str, against: str
) -> Difference:
    """What a revision changes of another, which is named by its id, as `previous` or as `latest`.

    Raises IntegrationNotFound, or RevisionNotFound for either of the two.
    """
    repository = IntegrationRepository(session)
    found = await repository.find(project_id, integration)
    if found is None:
        raise IntegrationNotFound(integration)
    new = await _require(repository, project_id, found.id, revision_id)
    if against == PREVIOUS:
        old = await repository.revision_before(project_id, new.id)
    else:
        other = found.latest_revision_id if against == LATEST else against
        old = await _require(repository, project_id, found.id, other)
    changes = diff(revision_of(old).content if old else None, revision_of(new).content)
    return Difference(revision=_reference(new), against=_reference(old) if old else None, changes=Changes.of(changes))


async def _require(
    repository: IntegrationRepository, project_id: str, integration_id: str, revision_id: str
) -> RevisionRow:
    found = await repository.revision(project_id, revision_id)
    if found is None or found.integration_id != integration_id:
        raise RevisionNotFound(revision_id)
    return found


def _reference(row: RevisionRow) -> RevisionReference:
    return RevisionReference(id=row.id, number=row.number, created_by=row.created_by, create_time=row.create_time)
