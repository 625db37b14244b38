"""The catalog as clients read it: bytes that are made once, and again when a definition has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import Any

import orjson

from conjunct.connectors import Definition, InvalidDefinition
from conjunct.providers.catalog import Catalog, UnknownProvider
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
        self._providers: dict[str, tuple[int, Document]] = {}
        self._all: tuple[int, Document] | None = None
        self._making = Lock()

    @property
    def made(self) -> Document | None:
        """What `make` makes, if it has been made of the definitions as they are now."""
        made = self._all
        return made[1] if made is not None and made[0] == self._catalog.version else None

    def make(self) -> Document:
        """Every provider by its name: the specification's `CatalogType`. It is made once; safe to use from threads."""
        with self._making:
            document = self.made
            if document is None:
                version = self._catalog.version
                document = _document(dict(self._good()))
                self._all = version, document
            return document

    def one(self, name: str) -> Document:
        """One provider: the specification's `ProviderInfo`. Raises `UnknownProvider`."""
        version = self._catalog.version
        found = self._providers.get(name)
        if found is None or found[0] != version:
            found = self._providers[name] = version, _document(self._info(name))
        return found[1]

    def own(self, definitions: Mapping[str, Definition]) -> Document:
        """Every provider of a project that has these of its own; they go before others of their names."""
        all_, own = self.make(), _document({name: _info(each) for name, each in definitions.items()})
        return own if all_.body == b"{}" else _tagged(all_.body[:-1] + b"," + own.body[1:])

    def of(self, definition: Definition) -> Document:
        """A project's own provider."""
        return _document(_info(definition))

    def _good(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for name in self._catalog.names():
            # One that extends an own definition may have got faults with it; the others are to be seen all the same.
            with suppress(UnknownProvider, InvalidDefinition):
                yield name, self._info(name)

    def _info(self, name: str) -> dict[str, Any]:
        return _info(self._catalog.get(name))


def _info(definition: Definition) -> dict[str, Any]:
    return provider_info(definition).model_dump(by_alias=True, exclude_none=True)


def _document(content: Mapping[str, Any]) -> Document:
    return _tagged(orjson.dumps(content))


def _tagged(body: bytes) -> Document:
    return Document(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')
