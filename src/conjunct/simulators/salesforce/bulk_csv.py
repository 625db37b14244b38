"""CSV of bulk jobs: records in, records and results out."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from conjunct.simulators.salesforce.definitions import Value

DELIMITERS = {"COMMA": ",", "TAB": "\t", "PIPE": "|", "SEMICOLON": ";", "CARET": "^", "BACKQUOTE": "`"}
ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
NOTHING = "#N/A"


def write(rows: Iterable[Sequence[Value]], delimiter: str, ending: str) -> bytes:
    """The rows, every cell in quotes, as Salesforce writes them."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator=ending, quoting=csv.QUOTE_ALL)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return buffer.getvalue().encode()


def read(body: bytes, delimiter: str) -> tuple[list[str], list[list[str]]]:
    """The names of the columns, and the rows. Raises ValueError."""
    try:
        rows = [
            row for row in csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), delimiter=delimiter) if row
        ]
    except (csv.Error, UnicodeDecodeError) as fault:
        raise ValueError(str(fault)) from fault
    if not rows:
        raise ValueError("there is no header")
    return rows[0], rows[1:]


def _cell(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value.endswith("+0000") and len(value) == 28:
        return value.removesuffix("+0000") + "Z"
    return str(value)
