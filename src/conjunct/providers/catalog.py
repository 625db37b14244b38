"""The providers that there are: every folder with a `provider.yaml`. Nothing is registered anywhere else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from threading import RLock

import structlog

from conjunct.connectors import (
    Definition,
    InvalidDefinition,
    ObjectSupport,
    Quirks,
    load_definition,
    object_support,
)
from conjunct.connectors.transport import Server, server_of
from conjunct.core.problems import NotFound
from conjunct.providers.quirks import quirks_in
from conjunct.providers.watching import FILE_NAME, FolderWatch, provider_files

BUILT_IN = Path(__file__).parent

log = structlog.get_logger(__name__)


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
    def private_servers(self) -> frozenset[Server]:
        """Servers to which requests may go although their addresses are private."""
        return frozenset(server for url in self.base_urls.values() if (server := server_of(url)))


class Catalog:
    """Definitions by provider name, read and checked when first asked for.

    `folders` are searched in order. Providers of the folder that is watched go before those, and are checked at once:
    when the catalog is made, and whenever one of their files has changed. A definition that has faults then does not
    take the place of the good one before it; `faults` has what is wrong. Safe to use from threads.
    """

    def __init__(self, folders: Sequence[Path] = (BUILT_IN,), *, watch: FolderWatch | None = None) -> None:
        self._fixed: dict[str, Path] = {}
        for folder in folders:
            self._fixed = {**provider_files(folder), **self._fixed}
        self._files = self._fixed
        self._watch = watch
        self._loaded: dict[str, Definition] = {}
        self._faults: dict[str, InvalidDefinition] = {}
        self._version = 0
        self._lock = RLock()
        self._look()

    @property
    def version(self) -> int:
        """Another number whenever a definition has changed while the process runs."""
        self._look()
        return self._version

    @property
    def faults(self) -> Mapping[str, InvalidDefinition]:
        """What is wrong with definitions of the watched folder, by provider name."""
        self._look()
        return dict(self._faults)

    def names(self) -> tuple[str, ...]:
        """The names of all providers, sorted, without those that have never been good."""
        self._look()
        return tuple(sorted(name for name in self._files if name in self._loaded or name not in self._faults))

    def modules(self) -> Mapping[str, tuple[str, ...]]:
        """The names of every provider's modules, by provider name; a definition is read when it is asked for."""
        return _Modules(self)

    def __contains__(self, name: object) -> bool:
        self._look()
        return name in self._files

    def get(self, name: str) -> Definition:
        """The definition. Raises `UnknownProvider`, or `InvalidDefinition` with every fault of the file."""
        self._look()
        definition = self._loaded.get(name)
        if definition is None:
            with self._lock:
                fault = self._faults.get(name)
                if fault is not None:
                    raise InvalidDefinition(fault.detail, remedy=fault.remedy, issues=fault.issues)
                definition = self._loaded[name] = self._load(name)
        return definition

    def abilities(self, name: str, object_name: str) -> ObjectSupport | None:
        """What the provider can do with the object; None where there is no such provider, or it has faults."""
        try:
            return object_support(self.get(name), object_name)
        except (UnknownProvider, InvalidDefinition):
            return None

    def text(self, name: str) -> str | None:
        """The YAML text of a definition, as one that extends it needs it."""
        file = self._files.get(name)
        return None if file is None else _read(file)

    def quirks_of(self, definition: Definition) -> type[Quirks] | None:
        """The code beside that definition, or else beside the one that it extends."""
        own = self.quirks_beside(definition.name)
        return self.quirks_beside(definition.extends) if own is None and definition.extends else own

    def quirks_beside(self, name: str) -> type[Quirks] | None:
        """The code beside the definition of that name, if there is any."""
        file = self._files.get(name)
        return None if file is None else quirks_in(file.parent)

    def _look(self) -> None:
        if self._watch is None:
            return
        with self._lock:
            changed = self._watch.changed()
            if changed:
                self._follow(self._watch, changed)

    def _follow(self, watch: FolderWatch, changed: frozenset[str]) -> None:
        """Read again what has changed, what extends that, and what had faults that may come from there."""
        own = provider_files(watch.folder)
        self._files = {**self._fixed, **own}
        extending = {name for name, each in self._loaded.items() if each.extends in changed}
        for name in sorted(changed | extending | self._faults.keys()):
            if name in own:
                self._renew(name)
            else:
                self._loaded.pop(name, None)
                self._faults.pop(name, None)
        self._version += 1

    def _renew(self, name: str) -> None:
        try:
            definition = self._load(name)
        except InvalidDefinition as fault:
            self._faults[name] = fault
            kept = name in self._loaded
            log.warning("provider.faulty", provider=name, fault=fault.detail, last_good_is_used=kept)
            return
        self._loaded[name] = definition
        self._faults.pop(name, None)

    def _load(self, name: str) -> Definition:
        file = self._files.get(name)
        if file is None:
            raise self._unknown(name)
        source = f"{name}/{FILE_NAME}"
        vetted = file.is_relative_to(BUILT_IN)
        definition = load_definition(_read(file), source=source, extended=self.text, vetted=vetted)
        if definition.name != name:
            raise InvalidDefinition(
                f"{source} is named '{definition.name}'.", remedy="Give the folder and the definition the same name."
            )
        quirks = self.quirks_of(definition)
        return definition if quirks is None else definition.with_quirks(quirks)

    def _unknown(self, name: str) -> UnknownProvider:
        by_lower = {each.lower(): each for each in self.names()}
        near = get_close_matches(name.lower(), by_lower, n=3, cutoff=0.75)
        known = (
            f"Did you mean {' or '.join(by_lower[each] for each in near)}?" if near else "GET /v1/providers lists them."
        )
        return UnknownProvider(f"There is no provider '{name}'.", remedy=known)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        place = f"{file.parent.name}/{file.name}"
        raise InvalidDefinition(f"{place} cannot be read: {error}.", remedy="It must be a text in UTF-8.") from error


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


def open_catalog(own: Path | None = None, *, strict: bool = True, watch: FolderWatch | None = None) -> Catalog:
    """The built-in providers, and before them those of a folder of one's own, which are followed when they change.

    Raises `InvalidDefinition` for the first own one that has faults, with every fault, if it is to be `strict`.
    Otherwise those are logged, and told to whoever asks for them.
    """
    if own is None:
        return catalog()
    whole = Catalog(watch=watch or FolderWatch(own))
    if strict:
        for fault in whole.faults.values():
            raise fault
    return whole


@cache
def catalog() -> Catalog:
    """The built-in providers."""
    return Catalog()
