"""The catalog as clients read it: bytes that are made once in the life of a process."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson

from conjunct.providers.catalog import Catalog
from conjunct.providers.info import provider_info


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON document and the strong entity tag of its bytes."""

    body: bytes
    etag: str


class PublishedCatalog:
    """The catalog and each of its providers, as documents."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._providers: dict[str, Document] = {}

    @cached_property
    def all(self) -> Document:
        """Every provider by its name: the specification's `CatalogType`."""
        return _document({name: self._info(name) for name in self._catalog.names()})

    def one(self, name: str) -> Document:
        """One provider: the specification's `ProviderInfo`. Raises `UnknownProvider`."""
        found = self._providers.get(name)
        if found is None:
            found = self._providers[name] = _document(self._info(name))
        return found

    def _info(self, name: str) -> dict[str, Any]:
        info = provider_info(self._catalog.get(name))
        return info.model_dump(by_alias=True, exclude_none=True)


def _document(content: Mapping[str, Any]) -> Document:
    body = orjson.dumps(content)
    return Document(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')
