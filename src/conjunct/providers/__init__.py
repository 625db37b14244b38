"""One folder a provider: its definition as data, rarely quirks beside it."""

from conjunct.providers.catalog import Catalog, ProviderOverrides, UnknownProvider, catalog

__all__ = ["catalog", "Catalog", "UnknownProvider", "ProviderOverrides"]
