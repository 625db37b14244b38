"""Notices that a read gets nowhere: its pages lead in a circle, hold the same records, hold none, or never end."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from conjunct.connectors import CursorLoop, LoopGuard, Page
from conjunct.delivery import Message

SAME_PAGES = 2
"""How often a page may come again with the very same records: some lists do shift while they are read."""

EMPTY_PAGES = 10_000
"""Pages in a row that may hold nothing at all. Some providers look through so many parents or days before they find."""

ESTIMATE_FACTOR = 10
ESTIMATE_SLACK = 100_000
"""A read may bring so many times what the provider told of, and so many more: some tell of 10,000 at most."""

_Brent = tuple[str, int, int, int]


@dataclass(frozen=True, slots=True)
class Guard:
    """What is remembered of a run's pages, in constant size; it goes on after a checkpoint."""

    tokens: _Brent | None = None
    contents: _Brent | None = None
    empty: int = 0

    @classmethod
    def of(cls, stored: Mapping[str, Any] | None) -> Self:
        """The guard of a row."""
        parts = stored or {}
        tokens, contents = (tuple(parts[name]) if name in parts else None for name in ("tokens", "contents"))
        return cls(tokens, contents, parts.get("empty", 0))

    def to_json(self) -> dict[str, Any]:
        """As a row keeps it."""
        parts = {"tokens": self.tokens, "contents": self.contents, "empty": self.empty}
        return {name: value for name, value in parts.items() if value}

    def after(self, page: Page, messages: Sequence[Message]) -> Self:
        """The guard that has seen this page and what is made of it. Raises `CursorLoop`."""
        tokens, contents = LoopGuard(self.tokens), LoopGuard(self.contents, allowed=SAME_PAGES)
        if page.next is not None:
            tokens.check(page.next)
        if messages:
            try:
                contents.check(_digest(page, messages))
            except CursorLoop:
                said = "the provider gives the very same records again and again, though it names new pages"
                raise CursorLoop(said) from None
        empty = 0 if page.records or page.failed or page.filtered else self.empty + 1
        if empty > EMPTY_PAGES:
            raise CursorLoop(f"the provider has given {EMPTY_PAGES:,} pages in a row without a record, and names more")
        # The tokens of deleted records, which may follow the last page, may be those of live ones.
        return type(self)(tokens.state if page.next is not None else None, contents.state, empty)


def check_amount(records: int, estimated: int | None, *, beginnings: int) -> None:
    """Raise `CursorLoop` for far more records than the provider told of, in a read that has begun so many times."""
    if estimated and records > beginnings * (ESTIMATE_FACTOR * estimated + ESTIMATE_SLACK):
        raise CursorLoop(
            f"the provider told of {estimated:,} records and has given {records:,}: its pages do not come to an end"
        )


def _digest(page: Page, messages: Sequence[Message]) -> str:
    # A message's id ends with the digest of its records, after its place in the run. The same records under another
    # parent are no repetition: a task may stand in many projects.
    digests = [message.id.rpartition("_")[2] for message in messages]
    return hashlib.blake2b("\0".join([*page.under, *digests]).encode(), digest_size=12).hexdigest()
