"""The providers that there are: every folder with a `provider.yaml`. Nothing is registered anywhere else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from conjunct.connectors import Definition, InvalidDefinition, load_definition
from conjunct.core.problems import NotFound

FILE_NAME = "provider.yaml"
BUILT_IN = Path(__file__).parent


class UnknownProvider(NotFound):
    """There is no provider of that name."""

    slug = "unknown-provider"
    title = "There is no such provider"


@dataclass(frozen=True, slots=True)
class ProviderOverrides:
    """Base URLs that stand in for providers' own, by provider name: simulators, or a server within the company.

    The operator sets them, so their hosts may be private addresses.
    """

    base_urls: Mapping[str, str] = field(default_factory=dict)

    def base_url(self, provider: str) -> str | None:
        """The URL to use instead, if any; for `Connector(base_url_override=...)`."""
        return self.base_urls.get(provider)

    @property
    def private_hosts(self) -> frozenset[str]:
        """Hosts to which requests may go although their addresses are private."""
        return frozenset(host for url in self.base_urls.values() if (host := urlsplit(url).hostname))


class Catalog:
    """Definitions by provider name, read and checked when first asked for.

    `folders` are searched in order: a project's own provider goes before a built-in one of the same name.
    """

    def __init__(self, folders: Sequence[Path] = (BUILT_IN,)) -> None:
        self._files: dict[str, Path] = {}
        for folder in folders:
            for file in sorted(folder.glob(f"*/{FILE_NAME}")):
                self._files.setdefault(file.parent.name, file)
        self._loaded: dict[str, Definition] = {}

    def names(self) -> tuple[str, ...]:
        """The names of all providers, sorted."""
        return tuple(sorted(self._files))

    def modules(self) -> dict[str, tuple[str, ...]]:
        """The names of every provider's modules, by provider name."""
        return {name: tuple(self.get(name).modules) for name in self.names()}

    def get(self, name: str) -> Definition:
        """The definition. Raises `UnknownProvider`, or `InvalidDefinition` with every fault of the file."""
        definition = self._loaded.get(name)
        if definition is None:
            definition = self._loaded[name] = self._load(name)
        return definition

    def _load(self, name: str) -> Definition:
        file = self._files.get(name)
        if file is None:
            near = get_close_matches(name.lower(), self.names(), n=3, cutoff=0.5)
            known = f"Did you mean {' or '.join(near)}?" if near else f"There are: {', '.join(self.names())}."
            raise UnknownProvider(f"There is no provider '{name}'.", remedy=known)
        source = f"{name}/{FILE_NAME}"
        definition = load_definition(file.read_text(encoding="utf-8"), source=source)
        if definition.name != name:
            raise InvalidDefinition(
                f"{source} is named '{definition.name}'.", remedy="Give the folder and the definition the same name."
            )
        return definition


@cache
def catalog() -> Catalog:
    """The built-in providers."""
    return Catalog()
