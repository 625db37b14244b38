"""The provider that a request names."""

from __future__ import annotations

from conjunct.connections.problems import NoSuchProvider
from conjunct.connectors import Definition
from conjunct.core.problems import Issue
from conjunct.providers import Catalog, UnknownProvider


def named_definition(catalog: Catalog, provider: str) -> Definition:
    """The definition of a provider that a request names. Raises `NoSuchProvider`."""
    try:
        return catalog.get(provider)
    except UnknownProvider as problem:
        issue = Issue("provider", problem.detail, value=provider, remedy=problem.remedy)
        raise NoSuchProvider(problem.detail, remedy=problem.remedy, issues=[issue]) from None
