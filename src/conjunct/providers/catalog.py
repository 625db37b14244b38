"""The providers that there are: every folder with a `provider.yaml`. Nothing is registered anywhere else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from conjunct.connectors import Definition, InvalidDefinition, load_definition
from conjunct.core.problems import NotFound
from conjunct.providers.quirks import quirks_in

FILE_NAME = "provider.yaml"
BUILT_IN = Path(__file__).parent


class UnknownProvider(NotFound):
    """There is no provider of that name."""

    slug = "unknown-provider"
    title = "There is no such provider"


ANY_PROVIDER = "*"
"""In overrides, the name of all providers that are not named."""


@dataclass(frozen=True, slots=True)
class ProviderOverrides:
    """Base URLs that stand in for providers' own, by provider name: simulators, or a server within the company.

    The one of the name `*` stands in for all others. The operator sets them, so their hosts may be private addresses.
    """

    base_urls: Mapping[str, str] = field(default_factory=dict)

    def base_url(self, provider: str) -> str | None:
        """The URL to use instead, if any; for `Connector(base_url_override=...)`."""
        return self.base_urls.get(provider) or self.base_urls.get(ANY_PROVIDER)

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

    def modules(self) -> Mapping[str, tuple[str, ...]]:
        """The names of every provider's modules, by provider name; a definition is read when it is asked for."""
        return _Modules(self)

    def __contains__(self, name: object) -> bool:
        return name in self._files

    def get(self, name: str) -> Definition:
        """The definition. Raises `UnknownProvider`, or `InvalidDefinition` with every fault of the file."""
        definition = self._loaded.get(name)
        if definition is None:
            definition = self._loaded[name] = self._load(name)
        return definition

    def _load(self, name: str) -> Definition:
        file = self._files.get(name)
        if file is None:
            by_lower = {each.lower(): each for each in self.names()}
            near = get_close_matches(name.lower(), by_lower, n=3, cutoff=0.75)
            known = (
                f"Did you mean {' or '.join(by_lower[each] for each in near)}?"
                if near
                else "GET /v1/providers lists them."
            )
            raise UnknownProvider(f"There is no provider '{name}'.", remedy=known)
        source = f"{name}/{FILE_NAME}"
        definition = load_definition(file.read_text(encoding="utf-8"), source=source, extended=self._text)
        if definition.name != name:
            raise InvalidDefinition(
                f"{source} is named '{definition.name}'.", remedy="Give the folder and the definition the same name."
            )
        of = self._files.get(definition.extends or "", file)
        quirks = quirks_in(file.parent) or quirks_in(of.parent)
        return definition if quirks is None else definition.with_quirks(quirks)

    def _text(self, name: str) -> str | None:
        file = self._files.get(name)
        return None if file is None else file.read_text(encoding="utf-8")


class _Modules(Mapping[str, tuple[str, ...]]):
    """A view of a catalog; to name the providers, or to ask whether there is one, reads no definition."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def __getitem__(self, name: str) -> tuple[str, ...]:
        if name not in self:
            raise KeyError(name)
        return tuple(self._catalog.get(name).modules)

    def __contains__(self, name: object) -> bool:
        return name in self._catalog

    def __iter__(self) -> Iterator[str]:
        return iter(self._catalog.names())

    def __len__(self) -> int:
        return len(self._catalog.names())


def open_catalog(own: Path | None = None) -> Catalog:
    """The built-in providers, and before them those of a folder of one's own, which are checked now.

    Raises `InvalidDefinition` for the first own one that has faults, with every fault.
    """
    if own is None:
        return catalog()
    whole = Catalog((own, BUILT_IN))
    for name in Catalog((own,)).names():
        whole.get(name)
    return whole


@cache
def catalog() -> Catalog:
    """The built-in providers."""
    return Catalog()
