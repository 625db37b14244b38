"""What a simulator is: routes whose handlers turn a call into an answer, without any I/O of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

JSON = "application/json;charset=utf-8"


@dataclass(frozen=True, slots=True)
class Call:
    """One request, read whole.

    `params` are the placeholders of the route's path; `query` and `headers` keep the first value of each name, and
    `headers` are looked up without regard to case. `origin` is the server's own scheme, host and port, for links.
    """

    method: str
    path: str
    params: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    origin: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One response. `records` is how many records its body holds, for the statistics."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = JSON
    records: int = 0


def all_values(query: Mapping[str, str], name: str) -> list[str]:
    """Every value of a parameter that may be given more than once; the server's queries keep them all."""
    getall = getattr(query, "getall", None)
    if getall is None:
        return [query[name]] if name in query else []
    return list(getall(name, []))


Handler = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """A method (`*` is any), a path such as `/v1/things/{id}` and who answers it.

    `page` marks the routes that answer pages of records: fault rules count those apart.
    """

    method: str
    path: str
    handler: Handler
    page: bool = False


class Simulator(Protocol):
    """A provider's API. It starts with made-up records that depend on nothing but its options."""

    def routes(self) -> Sequence[Route]:
        """Every route, in order of precedence; the last one answers whatever the others do not."""

    def error(self, status: int) -> Answer:
        """The provider's own words for an error of this status, for faults that are asked for."""

    def touch(self, object_name: str, count: int) -> list[str]:
        """Change `count` records picked at random, as its users would, and return their ids.

        Fewer when there are fewer. Raises `UnknownObject`.
        """

    def reset(self) -> None:
        """Forget every change since the start: records, properties, tokens, limits."""


@runtime_checkable
class NamesErrors(Protocol):
    """A simulator that can be asked for an error by its provider's own code."""

    def named_error(self, status: int, code: str) -> Answer:
        """The provider's own words for the error of this code."""
