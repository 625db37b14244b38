"""Logs: one event a line, with the ids of what it is about and without anything secret.

Our own code logs through structlog (`structlog.get_logger(__name__)`); the libraries' `logging` ends in the same place.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import IO, Any, Literal

import orjson
import structlog
from structlog.typing import EventDict, Processor

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["auto", "json", "console"]

MASK = "***"
# Of names such as `authorization`, `X-Api-Key`, `apiKey`, `client_secret`, `refreshToken`, `Set-Cookie`.
SECRET_NAME = re.compile(
    r"authorization|api[-_]?key|master[-_]?key|private[-_]?key|passw(or)?d|passphrase|token|secret|credential|cookie"
    r"|signature|database[-_]?url",
    re.IGNORECASE,
)
# Of texts: the password in a URL, what follows a word that announces a credential, and our own keys by their prefix,
# which stand in the paths of the operations on API keys.
SECRET_TEXT = re.compile(
    r"(?P<before>\w+://[^\s/:@]*:)[^\s/@]+(?=@)"
    r"|(?P<scheme>\b(?:Bearer|Basic)\s+)[A-Za-z0-9._~+/=-]{8,}"
    r"|(?P<name>\b[\w-]*(?:api[-_]?key|token|secret|password)[\w-]*[\"']?\s*[=:]\s*[\"']?)[^\s\"'&,;]+"
    r"|(?P<own>\bcjb?_)[\w-]{8,}",
    re.IGNORECASE,
)
# Libraries that say a lot: they are heard from warnings on, unless everything is wanted.
TALKATIVE = ("alembic", "asyncio", "sqlalchemy")
# Their lines show addresses with their queries, which hold codes and states. Our own line of each request does not.
ACCESS = ("aiohttp.access", "uvicorn.access")


def configure(level: Level, format: Format, stream: IO[str] | None = None) -> None:  # noqa: A002 - the setting's name
    """Write everything that is logged from `level` on to `stream` (standard error), as JSON lines or for people.

    `auto` is for people where the stream is a terminal. May be called again; the last call counts.
    """
    stream = stream or sys.stderr
    for_people = format == "console" or (format == "auto" and stream.isatty())
    number = logging.getLevelNamesMapping()[level.upper()]
    before_rendering: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *before_rendering,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before_rendering,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                redact,
                _renderer(for_people=for_people, colors=stream.isatty()),
            ],
        )
    )
    logging.captureWarnings(True)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(number)
    _route_libraries(number)


@contextmanager
def bind(**ids: str) -> Iterator[None]:
    """Put ids (`request_id`, `operation_id`, `project_id`, `worker` …) on every event logged within the block.

    They follow into the tasks that the block starts.
    """
    with structlog.contextvars.bound_contextvars(**ids):
        yield


def redact(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Mask what looks secret: values by their names, at any depth, and credentials within texts."""
    return {name: _redacted(name, value) for name, value in event.items()}


def _redacted(name: str, value: Any) -> Any:
    if value is not None and not isinstance(value, bool) and SECRET_NAME.search(name):
        return MASK
    match value:
        case str():
            return SECRET_TEXT.sub(_mask_text, value)
        case bytes():
            return f"<{len(value)} bytes>"
        case Mapping():
            return {str(key): _redacted(str(key), each) for key, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_redacted_item(each) for each in value]
        case None | bool() | int() | float():
            return value
        case _:
            return _redacted(name, repr(value) if isinstance(value, BaseException) else str(value))


def _redacted_item(value: Any) -> Any:
    """An item of a list; a pair, as of headers, counts as a name and its value."""
    match value:
        case (str() | bytes() as name, str() | bytes() as content) if isinstance(value, tuple):
            text = name.decode("latin-1") if isinstance(name, bytes) else name
            return [text, _redacted(text, content)]
        case _:
            return _redacted("", value)


def _mask_text(match: re.Match[str]) -> str:
    return (match["before"] or match["scheme"] or match["name"] or match["own"] or "") + MASK


def _renderer(*, for_people: bool, colors: bool) -> Processor:
    if for_people:
        return structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)
    return _render_json


def _render_json(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    # Time, level and event first: a person may read these lines too.
    first = {name: event.pop(name) for name in ("timestamp", "level", "event") if name in event}
    return orjson.dumps({**first, **event}, default=str).decode()


def _route_libraries(level: int) -> None:
    """Let every library's logger pass its records on to the one handler."""
    for name in ("uvicorn", "uvicorn.error", *TALKATIVE, *ACCESS):
        library = logging.getLogger(name)
        library.handlers = []
        library.propagate = True
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(level if level <= logging.DEBUG else max(level, logging.WARNING))
    for name in ACCESS:
        logging.getLogger(name).setLevel(logging.WARNING)
    # Statements, without the rows that they give: those are customers' data.
    logging.getLogger("sqlalchemy").setLevel(max(logging.getLogger("sqlalchemy").level, logging.INFO))
