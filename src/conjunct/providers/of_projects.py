"""The providers that a project has: those that it has deployed itself, and those of the whole installation."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import suppress

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from conjunct.connectors import Definition, InvalidDefinition, load_definition
from conjunct.core.problems import Issue
from conjunct.providers.catalog import Catalog
from conjunct.providers.repository import OwnProviderRepository
from conjunct.providers.watching import FILE_NAME

FOLDER = "providers"
MAX_PER_PROJECT = 50
MAX_CHARACTERS = 1_000_000
MAX_KEPT = 500

Session = AsyncSession | AsyncConnection


class ProjectProviders:
    """Definitions as a project sees them. A project's own are nobody else's, and hold no code.

    What is deployed counts at once, in every process: each asks the database which text is the current one, and keeps
    the definition that it made of it.
    """

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self._kept: OrderedDict[tuple[str, str, bytes, int], Definition] = OrderedDict()

    async def get(self, session: Session, project_id: str, name: str) -> Definition:
        """The definition. Raises `UnknownProvider`, or `InvalidDefinition` with every fault.

        The project's own goes first: where a provider of that name comes with a later version of Conjunct, the keys of
        the project's customers still go where they were meant to go.
        """
        own = await self.own(session, project_id, name)
        return self.catalog.get(name) if own is None else own

    async def own(self, session: Session, project_id: str, name: str) -> Definition | None:
        """The project's own definition of that name, if it has one."""
        rows = OwnProviderRepository(session)
        digest = await rows.digest(project_id, name)
        if digest is None:
            return None
        key = (project_id, name, digest, self.catalog.version)
        known = self._kept.get(key)
        if known is None:
            text = await rows.text(project_id, name)
            if text is None:
                return None
            known = self._kept[key] = self._definition(name, text)
        self._kept.move_to_end(key)
        while len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        return known

    async def names(self, session: Session, project_id: str) -> tuple[str, ...]:
        """The names of all providers that the project has, sorted."""
        own = await OwnProviderRepository(session).names(project_id)
        return tuple(sorted({*self.catalog.names(), *own}))

    async def all_own(self, session: Session, project_id: str) -> dict[str, Definition]:
        """The project's own definitions by name, without those that no longer fit what they extend."""
        found = {}
        for name in await OwnProviderRepository(session).names(project_id):
            with suppress(InvalidDefinition):
                definition = await self.own(session, project_id, name)
                if definition is not None:
                    found[name] = definition
        return found

    async def own_modules(self, session: Session, project_id: str) -> dict[str, tuple[str, ...]]:
        """The modules of the project's own providers, by their names."""
        return {name: tuple(each.modules) for name, each in (await self.all_own(session, project_id)).items()}

    def check(self, texts: Mapping[str, str]) -> dict[str, Definition]:
        """Definitions that are to be deployed, by name. Raises `InvalidDefinition` with every fault of all of them.

        One that all projects have just so is no news, and left out. Otherwise none may have the name of a provider that
        all projects have: connections and provider apps for that one would send their secrets to other hosts.
        """
        issues: list[Issue] = []
        definitions = {}
        for name, text in sorted(texts.items()):
            if self.catalog.text(name) == text:
                continue
            try:
                definitions[name] = self._new(name, text)
            except InvalidDefinition as fault:
                issues += [_placed(name, issue) for issue in fault.issues or _whole(fault)]
        if issues:
            files = len({issue.name.partition(":")[0] for issue in issues})
            raise InvalidDefinition(
                f"{files} of the deploy's provider definitions are not good; nothing was changed.",
                remedy="`conjunct provider check` tells the same before a deploy.",
                issues=issues,
            )
        return definitions

    async def store(self, session: AsyncSession, project_id: str, texts: Mapping[str, str]) -> None:
        """Keep definitions that were found to be good; those that are left out stay. Raises `InvalidDefinition`."""
        if not texts:
            return
        rows = OwnProviderRepository(session)
        if len({*await rows.names(project_id), *texts}) > MAX_PER_PROJECT:
            raise InvalidDefinition(f"A project has {MAX_PER_PROJECT} providers of its own at most.")
        await rows.put(project_id, texts)

    def _new(self, name: str, text: str) -> Definition:
        if name in self.catalog:
            raise InvalidDefinition(
                f"there is a provider '{name}' already, which all projects have",
                remedy="Give the folder and the definition another name.",
            )
        if len(text) > MAX_CHARACTERS:
            raise InvalidDefinition(f"it has more than {MAX_CHARACTERS} characters")
        return self._definition(name, text)

    def _definition(self, name: str, text: str) -> Definition:
        definition = load_definition(text, source=f"{name}/{FILE_NAME}", extended=self.catalog.text)
        if definition.name != name:
            raise InvalidDefinition(
                f"it is named '{definition.name}'", remedy="Give the folder and the definition the same name."
            )
        # The code of one that it extends is of Conjunct's or the operator's own folder.
        quirks = self.catalog.quirks_beside(definition.extends) if definition.extends else None
        return definition if quirks is None else definition.with_quirks(quirks)


def _placed(name: str, issue: Issue) -> Issue:
    """An issue named by its file, then its path in it."""
    place = f"{FOLDER}/{name}/{FILE_NAME}"
    where = f"{place}: {issue.name}" if issue.name else place
    return Issue(where, issue.detail, remedy=issue.remedy, value=issue.value, line=issue.line, column=issue.column)


def _whole(fault: InvalidDefinition) -> Iterator[Issue]:
    yield Issue("", fault.detail, remedy=fault.remedy)
