"""Writes the parts of the documentation that are made from the code: `python -m scripts.generate_docs`.

A part stands between `<!-- generated: NAME -->` and `<!-- end: NAME -->`; everything around it is written by hand.
A test fails while a part is not what the code says.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from scripts import (
    documented_api,
    documented_cli,
    documented_metrics,
    documented_notifications,
    documented_problems,
    documented_providers,
    documented_settings,
)

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Part:
    """A generated part: the file that it stands in, its name there, and what makes its Markdown."""

    file: Path
    name: str
    make: Callable[[], Iterable[str]]

    @property
    def _place(self) -> re.Pattern[str]:
        return re.compile(f"(?<=<!-- generated: {self.name} -->\n).*?(?=<!-- end: {self.name} -->)", re.DOTALL)

    def written(self) -> str | None:
        """What stands in the file now; None where the file has no place for it."""
        found = self._place.search(self.file.read_text(encoding="utf-8"))
        return found[0] if found else None

    def wanted(self) -> str:
        """What should stand there."""
        return "\n" + "\n".join(self.make()) + "\n\n"

    def write(self) -> None:
        """Put what should stand there in the file."""
        wanted = self.wanted()
        text = self._place.sub(lambda _: wanted, self.file.read_text(encoding="utf-8"))
        self.file.write_text(text, encoding="utf-8")


REFERENCE = ROOT / "docs" / "reference"
PARTS = (
    Part(REFERENCE / "settings.md", "settings", documented_settings.table),
    Part(REFERENCE / "cli.md", "commands", documented_cli.commands),
    Part(REFERENCE / "problems.md", "problems", documented_problems.table),
    Part(REFERENCE / "api-coverage.md", "operations", documented_api.table),
    Part(REFERENCE / "notifications.md", "notifications", documented_notifications.table),
    Part(REFERENCE / "metrics.md", "metrics", documented_metrics.table),
    Part(REFERENCE / "providers.md", "provider-counts", documented_providers.counts),
    Part(REFERENCE / "providers.md", "provider-objects", documented_providers.objects),
    Part(REFERENCE / "providers.md", "providers", documented_providers.table),
)


def stale() -> Iterator[Part]:
    """The parts that are not what the code says."""
    return (part for part in PARTS if part.written() != part.wanted())


def main() -> None:
    """Write the stale parts and tell which they were."""
    for part in list(stale()):
        if part.written() is None:
            sys.exit(f"{part.file.relative_to(ROOT)} has no place for the part {part.name!r}.")
        part.write()
        print(f"{part.file.relative_to(ROOT)}: {part.name} written anew")


if __name__ == "__main__":
    main()
