"""Secrets to plant, and how they are looked for wherever something is written.

A planted text is found however it is written: as it is, percent-encoded, escaped for JSON or HTML, in Base64, in hex,
and in parts. For what is looked for are pieces of it that no encoding of texts changes, and what Base64 and hex make of
them.

>>> plants = Plants()
>>> plants.make("API key")
'4be0…"&<+/=%…'
>>> plants.found_in(some_text)
['API key']
"""

from __future__ import annotations

import base64
import gc
import logging
import re
import secrets
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from sqlalchemy import text

from conjunct.core.database import Database
from conjunct.core.telemetry import configure
from tests.support.logs import logging_restored

PIECE = 12
_PLAIN = re.compile(rf"[A-Za-z0-9_-]{{{PIECE}}}")
_TOKEN = re.compile(rf"[a-z0-9_+/-]{{{PIECE},}}")
"""All that a needle is made of; what is written again and again is searched once."""
_MOST_PIECES = 40


class Plants:
    """What is planted, by name. `control` is planted in every place, too, where it is meant to be found."""

    def __init__(self) -> None:
        self._needles: dict[str, tuple[str, ...]] = {}
        self.values: dict[str, str] = {}
        self.control = f"visible{secrets.token_hex(12)}"

    def make(self, name: str, *, odd: str = "\"&<+/='%") -> str:
        """A secret of a kind, with characters that texts write in many ways."""
        return self.note(name, f"{secrets.token_hex(12)}{odd}{secrets.token_hex(12)}")

    def note(self, name: str, value: str) -> str:
        """A secret that somebody else has made."""
        if value not in self.values.values():
            name = f"{name} {len(self.values)}"
            self.values[name], self._needles[name] = value, needles(value)
        return value

    def found_in(self, where: str) -> list[str]:
        """The names of those that the text shows, with the piece by which it does."""
        low = where.lower()
        tokens = "\n".join({*_TOKEN.findall(low)})
        shown = {name: form for name, forms in self._needles.items() for form in forms if form in tokens}
        return [f"{name}: …{low[max(0, low.find(form) - 160) : low.find(form) + 60]!r}" for name, form in shown.items()]

    def has_control(self, where: str) -> bool:
        return self.control in where


def needles(value: str) -> tuple[str, ...]:
    """Texts in lower case, one of which is in a text that shows the value or a third of it."""
    pieces = _PLAIN.findall(value)[:_MOST_PIECES] or [value]
    forms = [form for piece in pieces for form in (piece, *_in_base64(piece), piece.encode().hex())]
    return tuple(dict.fromkeys(form.lower() for form in forms))


def _in_base64(piece: str) -> Iterator[str]:
    """What of a piece's Base64 is the same whatever stands before and after it, for each of the ways to align it."""
    for before, skipped in ((0, 0), (1, 2), (2, 3)):
        encoded = base64.b64encode(b"\0" * before + piece.encode()).decode().rstrip("=")
        yield encoded[skipped : len(encoded) - 1]


class Logs:
    """Everything that is logged, as JSON lines and as for people."""

    def __init__(self) -> None:
        self._json, self._console = StringIO(), StringIO()

    @property
    def text(self) -> str:
        return self._json.getvalue() + self._console.getvalue()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Take all that is logged from `debug` on, in both formats, for the length of the block.

        Only what the HTTP client says that a test asks with is left out: it is no part of the platform.
        """
        with logging_restored():
            root = logging.getLogger()
            handlers = []
            for format_, stream in (("json", self._json), ("console", self._console)):
                configure("debug", format_, stream)  # type: ignore[arg-type]
                handlers += root.handlers
            root.handlers = handlers
            for name in ("httpx", "httpcore"):
                logging.getLogger(name).setLevel(logging.CRITICAL)
            try:
                yield
            finally:
                for name in ("httpx", "httpcore"):
                    logging.getLogger(name).setLevel(logging.NOTSET)


class Objects:
    """How the objects show themselves that are there when `look` is called."""

    def __init__(self) -> None:
        self.shown: set[str] = set()

    @property
    def text(self) -> str:
        return "\n".join(self.shown)

    def look(self) -> None:
        """Note what our own objects and all exceptions say of themselves.

        Not the HTTP library's exceptions: they quote what they read, and end where ours take their place.
        """
        for each in gc.get_objects():
            if isinstance(each, BaseException) and not type(each).__module__.startswith("aiohttp."):
                self.shown.update((repr(each), str(each), repr(each.args), _told(each)))
            elif _is_ours(each.__class__) and not isinstance(each, type):
                self.shown.add(repr(each))

    def note(self, shown: str) -> None:
        self.shown.add(shown)


def _told(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


@cache
def _is_ours(kind: Any) -> bool:
    """Whether it is a class of our own whose objects say something of themselves, other than providers' definitions."""
    ours = str(kind.__module__).startswith("conjunct.") and kind.__repr__ is not object.__repr__
    return ours and not (issubclass(kind, BaseModel) and "definition" in kind.__module__)


async def dump(database: Database) -> str:
    """All that the database holds, and what it is or was last asked."""
    async with database.reading() as connection:
        names = await connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
        tables = {name: text(f'SELECT t::text FROM "{name}" t') for (name,) in names}
        rows: list[Any] = [row for each in tables.values() for row in await connection.scalars(each)]
        asked = text("SELECT query FROM pg_stat_activity WHERE datname = current_database()")
        return "\n".join([*rows, *(await connection.scalars(asked))])


def files(folder: Path) -> dict[str, str]:
    """The names and the content of all files below the folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes().decode("latin-1")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
