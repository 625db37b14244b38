"""The provider that a request names."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from conjunct.connections.problems import NoSuchProvider
from conjunct.connectors import Definition
from conjunct.core.problems import Issue
from conjunct.providers import ProjectProviders, UnknownProvider


async def named_definition(
    providers: ProjectProviders, session: AsyncSession | AsyncConnection, project_id: str, provider: str
) -> Definition:
    """The definition of a provider that a request names. Raises `NoSuchProvider`."""
    try:
        return await providers.get(session, project_id, provider)
    except UnknownProvider as problem:
        issue = Issue("provider", problem.detail, value=provider, remedy=problem.remedy)
        raise NoSuchProvider(problem.detail, remedy=problem.remedy, issues=[issue]) from None
