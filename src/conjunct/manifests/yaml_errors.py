"""What the YAML parser complains about, in words that help somebody who edits a manifest."""

from __future__ import annotations

import yaml

from .faults import Mark

_INDENTATION = "Check the indentation (spaces, two a level) and the quotes of this line and the one above"

_BY_CHARACTER = {
    "\t": ("A tab is used for indentation", "YAML is indented with spaces; replace the tab"),
    "@": ("A value cannot begin with `@`", "Put the value in quotes"),
    "`": ("A value cannot begin with a backtick", "Put the value in quotes"),
    "%": ("A value cannot begin with `%`", "Put the value in quotes"),
}

# What the parser says (a part of it) → what happened, what would be right.
_BY_MESSAGE = (
    (
        "mapping values are not allowed",
        "A `:` is not expected here",
        f"{_INDENTATION}; text that holds `: ` needs quotes",
    ),
    ("could not find expected ':'", "A key without `:`", _INDENTATION),
    ("did not find expected key", "A key was expected here", _INDENTATION),
    ("did not find expected '-'", "A list item (`- `) was expected here", _INDENTATION),
    ("block sequence entries are not allowed", "A list item is not expected here", _INDENTATION),
    ("did not find expected ',' or ']'", "A list in brackets is not closed", "Close it with `]`"),
    ("did not find expected ',' or '}'", "A mapping in braces is not closed", "Close it with `}`"),
    ("did not find expected node content", "A value was expected here", _INDENTATION),
    ("unexpected end of stream", "A quote is not closed", "Close it"),
    ("undefined tag handle", "Tags are not supported", "Remove the `!`"),
    ("unknown escape", "An unknown escape in double quotes", "Use single quotes, where `\\` is only itself"),
)


def explain(error: yaml.YAMLError, text: str) -> tuple[str, str | None, Mark | None]:
    """What is wrong, what would be right, and where, for an error that parsing `text` raised."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return "The manifest is not valid YAML", None, None
    place = error.problem_mark or error.context_mark
    mark = _mark(place)
    context, problem = error.context or "", error.problem or ""
    if "scanning an alias" in context:
        return (
            "A value cannot begin with `*` unless it refers to an anchor",
            'Put a cron schedule in quotes, such as "*/10 * * * *"',
            _mark(error.context_mark) or mark,
        )
    if "cannot start any token" in problem and place:
        character = _character(text, place.line, place.column)
        if character in _BY_CHARACTER:
            return *_BY_CHARACTER[character], mark
    for part, detail, remedy in _BY_MESSAGE:
        if part in problem:
            # What is not closed is found where it opens; the parser complains only at the end.
            opening = _mark(error.context_mark) if "not closed" in detail else None
            return detail, remedy, opening or mark
    return f"The manifest is not valid YAML: {problem or context}", _INDENTATION, mark


def _mark(place: yaml.Mark | None) -> Mark | None:
    return Mark(place.line + 1, place.column + 1) if place else None


def _character(text: str, line: int, column: int) -> str:
    lines = text.split("\n")
    return lines[line][column : column + 1] if line < len(lines) else ""
