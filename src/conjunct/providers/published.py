"""The catalog as clients read it: bytes that are made once in the life of a process."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
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

        self._all: Document | None = None
        self._making = Lock()

    @property
    def made(self) -> Document | None:
        """What `make` makes, if it has been made."""
        return self._all

    def make(self) -> Document:
        """Every provider by its name: the specification's `CatalogType`. It is made once; safe to use from threads."""
        with self._making:
            if self._all is None:
                self._all = _document({name: self._info(name) for name in self._catalog.names()})
            return self._all

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
