"""Markdown as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table's lines."""
    yield _line(head)
    yield _line(["---"] * len(head))
    yield from map(_line, rows)


def code(text: str) -> str:
    """Text as code."""
    return f"`{text}`"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in cells) + " |"
