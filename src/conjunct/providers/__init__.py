"""One folder a provider: its definition as data, rarely quirks beside it."""

from conjunct.providers.catalog import Catalog, ProviderOverrides, UnknownProvider, catalog, open_catalog
from conjunct.providers.endpoints import router
from conjunct.providers.of_projects import ProjectProviders
from conjunct.providers.published import PublishedCatalog

__all__ = [
    "catalog",
    "open_catalog",
    "Catalog",
    "UnknownProvider",
    "ProviderOverrides",
    "ProjectProviders",
    "PublishedCatalog",
    "router",
]
