"""Faults: what is wrong with a manifest, where, and what would be right; and the problem that carries them all."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from conjunct.core.problems import Issue, Unprocessable

MAX_ISSUES = 100
"""Issues reported at once; more would not be read."""

Path = tuple[str | int, ...]
"""Keys and list positions from the top of the document, such as `("integrations", 0, "name")`."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a text; both count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong at `path`.

    `value` is what stands there, when it is short. `on_key` points at the key itself instead of its value. `mark` is
    the place in the text, for faults that no path leads to.
    """

    path: Path
    detail: str
    remedy: str | None = None
    value: Any = None
    on_key: bool = False
    mark: Mark | None = None

    def under(self, prefix: Path) -> Fault:
        """The same fault, seen from further up in the document."""
        return Fault((*prefix, *self.path), self.detail, self.remedy, self.value, self.on_key, self.mark)

    def to_issue(self, mark: Mark | None) -> Issue:
        """The issue of the API, at `mark` when the fault knows no better place."""
        place = self.mark or mark
        return Issue(
            name=".".join(str(part) for part in self.path),
            detail=self.detail,
            value=_presentable(self.value),
            remedy=self.remedy,
            line=place.line if place else None,
            column=place.column if place else None,
        )


class ManifestInvalid(Unprocessable):
    """The manifest cannot be used; `issues` holds every fault."""

    slug = "manifest-invalid"
    title = "The manifest is not valid"

    def __init__(self, issues: Sequence[Issue]) -> None:
        shown = tuple(issues[:MAX_ISSUES])
        count = len(issues)
        number = "1 fault" if count == 1 else f"{count} faults"
        if count > MAX_ISSUES:
            number = f"more than {MAX_ISSUES} faults; the first {MAX_ISSUES} are shown"
        detail = f"The manifest has {number}."
        super().__init__(detail, remedy="Correct each issue; nothing was changed.", issues=shown)


def nearest(word: str, options: Iterable[str]) -> str | None:
    """The option that `word` was probably meant to be: the same but for case, or spelt almost alike."""
    if len(word) > 100:
        return None
    by_folded = {option.casefold(): option for option in options}
    close = difflib.get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[close[0]] if close else None


def listed(options: Iterable[str], limit: int = 20) -> str:
    """Options as a text for people: `a`, `b` and so on, cut after `limit`."""
    names = list(options)
    text = ", ".join(f"`{name}`" for name in names[:limit])
    return text if len(names) <= limit else f"{text} and {len(names) - limit} more"


def _presentable(value: Any) -> Any:
    if isinstance(value, int | float):
        return value if abs(value) < 2**53 else None
    if isinstance(value, str) and value:
        return value if len(value) <= 200 else value[:199] + "…"
    return None
