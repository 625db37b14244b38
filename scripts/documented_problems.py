"""The table of problems."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import conjunct
from conjunct.core.problems import Problem
from scripts.markdown import code
from scripts.markdown import table as make_table


def table() -> Iterator[str]:
    """A line for each slug, by status; slices that refuse for the same reason share a slug, and so a line."""
    by_slug = {kind.slug: kind for kind in reversed(kinds())}
    rows = (
        (f'<a id="{kind.slug}"></a>{code(kind.slug)}', str(kind.status), kind.title, _meaning(kind))
        for kind in sorted(by_slug.values(), key=lambda kind: (kind.status, kind.slug))
    )
    return make_table(("slug", "status", "title", "meaning"), rows)


def kinds() -> list[type[Problem]]:
    """Every class of the code that has a slug of its own, in the order of their places."""
    for module in pkgutil.walk_packages(conjunct.__path__, "conjunct."):
        importlib.import_module(module.name)
    found = {kind for kind in _descendants(Problem) if "slug" in vars(kind) and kind.__module__.startswith("conjunct.")}
    return sorted(found, key=lambda kind: (kind.__module__, kind.__name__))


def _descendants(kind: type[Problem]) -> Iterator[type[Problem]]:
    for child in kind.__subclasses__():
        yield child
        yield from _descendants(child)


def _meaning(kind: type[Problem]) -> str:
    return inspect.cleandoc(kind.__doc__ or "").split("\n\n")[0]
