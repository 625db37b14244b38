"""The tokens of a query, and refusals that point at one of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from conjunct.simulators.salesforce.errors import SalesforceError

_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
    | (?P<text>'(?:[^'\\]|\\.)*')
    | (?P<moment>\d{4}-\d\d-\d\d(?:[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:?\d\d))?)
    | (?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)
    | (?P<sign><=|>=|!=|<>|[=<>(),:])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a query: its kind (`text`, `moment`, `number`, `name`, `sign` or `end`) and where it starts."""

    kind: str
    text: str
    start: int

    def says(self, *words: str) -> bool:
        """Whether it is one of these words (upper case) or signs."""
        return self.kind in ("name", "sign") and self.text.upper() in words


def tokenise(source: str) -> list[Token]:
    """The tokens of a query, and one for its end. Raises `SalesforceError`."""
    tokens = []
    position = 0
    while position < len(source):
        match = _TOKEN.match(source, position)
        if match is None:
            letter = source[position]
            raise malformed(source, position, "unterminated string literal" if letter == "'" else
                            f"unexpected char: '{letter}'")  # fmt: skip
        if match.lastgroup != "space":
            tokens.append(Token(match.lastgroup or "", match[0], position))
        position = match.end()
    tokens.append(Token("end", "<EOF>", len(source)))
    return tokens


def unquote(token: Token, *, like: bool = False) -> str:
    """What a text in quotes says. `like` keeps the escapes of the wildcards."""

    def replace(match: re.Match[str]) -> str:
        letter = match[1]
        if like and letter in "%_":
            return match[0]
        return _ESCAPES.get(letter.lower(), letter)

    return re.sub(r"\\(.)", replace, token.text[1:-1], flags=re.DOTALL)


def malformed(source: str, position: int, message: str) -> SalesforceError:
    """The query cannot be read."""
    return pointing("MALFORMED_QUERY", source, position, message)


def pointing(code: str, source: str, position: int, message: str) -> SalesforceError:
    """A refusal that shows the line of the query with a caret under the place that it is about."""
    before = source[:position]
    row, column = before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1
    line = source.splitlines()[row - 1] if source.strip() else source
    start = max(0, column - 1 - _SHOWN)
    shown, caret = line[start : column - 1 + _SHOWN], " " * (column - 1 - start) + "^"
    return SalesforceError(400, code, f"\n{shown}\n{caret}\nERROR at Row:{row}:Column:{column}\n{message}")
