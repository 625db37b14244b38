"""How one page leads to the next: small pure strategies that read an answer and name what to ask for next.

None of them does I/O. What they name is a `PageToken`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from conjunct.connectors.errors import BadRequest, CursorLoop, MalformedAnswer
from conjunct.connectors.formats import read_time
from conjunct.connectors.page_tokens import PageToken, Scalar
from conjunct.connectors.paths import JsonPath, parse_path
from conjunct.connectors.read_definition import PageRule, Restart

_LINK = re.compile(r"<([^<>]*)>([^<]*)")
_REL = re.compile(r""";\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]+))""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a strategy sees of a page: the parsed body, the headers, the located records before any filter of ours, and
    the variables that the request was made with."""

    body: Any
    headers: Mapping[str, str]
    records: list[Any]
    variables: Mapping[str, Any]


Step = Callable[[Answer], PageToken | None]


@dataclass(frozen=True, slots=True)
class Pager:
    """A compiled paging rule. `start` are the variables of the first page."""

    start: Mapping[str, Scalar]
    _step: Step
    _stops: tuple[Callable[[Answer], bool], ...]
    _cut: tuple[tuple[JsonPath, str], ...] = ()

    def following(self, answer: Answer, token: PageToken) -> PageToken | None:
        """The token of the page after this one, whose own token was `token`; None at the end.

        Raises `CursorLoop` when it is the same page again, `MalformedAnswer` when the pointer is not one, `BadRequest`
        when the provider leaves the rest out.
        """
        if self._cut and all(path.find(answer.body) == value for path, value in self._cut):
            raise BadRequest("the provider does not list all records: it ends this list early, and says so")
        if any(stop(answer) for stop in self._stops):
            return None
        following = self._step(answer)
        if following is None:
            return None
        sticky = {**token.sticky, **following.sticky}
        following = PageToken(following.url, following.variables, sticky, following.first)
        if (following.url, following.variables, sticky) == (token.url, token.variables, token.sticky):
            raise CursorLoop("the provider names the same page as the next one again and again")
        return following


class LoopGuard:
    """Notices a circle of any length among page tokens, with constant memory (Brent's method).

    A token may come again `allowed` times. `state` can be kept with a checkpoint and handed to the guard that goes on
    after it.
    """

    def __init__(self, state: tuple[str, int, int, int] | None = None, *, allowed: int = 0) -> None:
        self._kept, self._limit, self._steps, self._met = state or ("", 1, 0, 0)
        self._allowed = allowed

    @property
    def state(self) -> tuple[str, int, int, int]:
        """The kept token's digest, the steps after which another is kept, the steps since, how often it came again."""
        return (self._kept, self._limit, self._steps, self._met)

    def check(self, token: str) -> None:
        """Take the next token. Raises `CursorLoop` when it was there before."""
        digest = hashlib.blake2b(token.encode(), digest_size=12).hexdigest()  # tokens may be long, and hold anything
        if digest == self._kept:
            self._met += 1
            if self._met > self._allowed:
                raise CursorLoop("the provider's pages lead round in a circle")
        self._steps += 1
        if self._steps == self._limit:
            self._kept, self._limit, self._steps, self._met = digest, self._limit * 2, 0, 0


def compile_pager(rule: PageRule) -> Pager:
    """The strategy of a checked rule."""
    style = rule.style or "none"
    start: dict[str, Scalar] = {}
    if style == "offset":
        start["offset"] = rule.start or 0
    elif style == "page":
        start["page"] = 1 if rule.start is None else rule.start
    cut = tuple((parse_path(place), value) for place, value in rule.cut_if.items())
    return Pager(start, _STEPS[style](rule), _stops(rule, style), cut)


def _stops(rule: PageRule, style: str) -> tuple[Callable[[Answer], bool], ...]:
    stops: list[Callable[[Answer], bool]] = []
    counts = style in ("offset", "page", "keyset")
    if rule.stop == "empty" or counts:
        stops.append(lambda answer: not answer.records)
    if rule.stop == "short_page":
        stops.append(lambda answer: len(answer.records) < (answer.variables.get("page_size") or 0))
    if rule.stop_if is not None:
        done = parse_path(rule.stop_if)
        stops.append(lambda answer: _true(done.find(answer.body)))
    if rule.more_at is not None:
        more = parse_path(rule.more_at)
        stops.append(lambda answer: not _true(more.find(answer.body)))
    return tuple(stops)


def _none(_rule: PageRule) -> Step:
    return lambda _answer: None


def _pointer(rule: PageRule) -> Callable[[Answer], Any] | None:
    """What finds the provider's word on the next page: in a header, in the body, or in a URL there."""
    found = _told(rule)
    name = rule.parameter
    if name is None or found is None:
        return found

    def parameter(answer: Answer) -> str | None:
        url = found(answer)
        if url in (None, "", False):
            return None
        return url_parameter(url, name, _place(rule))

    return parameter


def url_parameter(url: Any, name: str, place: str) -> str:
    """The parameter of a URL, which need not be followed itself. Raises `MalformedAnswer`."""
    try:
        return str(parse_qs(urlsplit(url).query)[name][0])
    except (KeyError, ValueError, TypeError, AttributeError):
        raise MalformedAnswer(f"what stands {place} is no URL with a parameter '{name}'") from None


def _told(rule: PageRule) -> Callable[[Answer], Any] | None:
    header = rule.header
    if header is not None:
        return lambda answer: answer.headers.get(header, "").strip()
    if rule.at is None:
        return None
    path = parse_path(rule.at)
    return lambda answer: path.find(answer.body)


def _place(rule: PageRule) -> str:
    return f"in the header {rule.header}" if rule.header is not None else f"at '{rule.at}'"


def _next_url(rule: PageRule) -> Step:
    pointer = _pointer(rule) or (lambda _answer: None)

    def step(answer: Answer) -> PageToken | None:
        url = pointer(answer)
        if url in (None, "", False):
            return None
        if not isinstance(url, str):
            raise MalformedAnswer(f"the next page's URL {_place(rule)} is not a text but {_kind(url)}")
        return PageToken(url=url)

    return step


def _link_header(_rule: PageRule) -> Step:
    def step(answer: Answer) -> PageToken | None:
        url = next_link(answer.headers.get("Link", ""))
        return PageToken(url=url) if url else None

    return step


def next_link(header: str) -> str | None:
    """The target of `rel="next"` in a Link header (RFC 8288)."""
    for target, parameters in _LINK.findall(header):
        rel = _REL.search(parameters)
        if rel and "next" in (rel[1] or rel[2] or "").lower().split():
            return str(target)
    return None


def _cursor(rule: PageRule) -> Step:
    pointer = _pointer(rule) or (lambda _answer: None)

    def step(answer: Answer) -> PageToken | None:
        cursor = pointer(answer)
        if cursor in (None, "", False, 0):
            return None
        if isinstance(cursor, bool) or not isinstance(cursor, str | int):
            raise MalformedAnswer(f"the cursor {_place(rule)} is not a text or number but {_kind(cursor)}")
        return _anew(rule.restart, cursor, answer) or PageToken(variables={"cursor": cursor})

    return step


def _anew(restart: Restart | None, position: Scalar, answer: Answer) -> PageToken | None:
    """The token that begins again after the last record, if the next position is one that is not to be used."""
    if restart is None:
        return None
    limit = restart.when_cursor_ge or restart.when_page_ge or restart.when_offset_ge or 0
    text = str(position)
    if not restart.each_page and (not (text.isascii() and text.isdigit()) or (len(text) < 20 and int(text) < limit)):
        return None
    value = _from_last(answer, parse_path(restart.from_), restart.from_)
    if str(restarted_with(restart, value)) == str(answer.variables.get(restart.var)):
        return None  # all of this page have that value; what comes after them lies deeper
    return PageToken(sticky={restart.var: value})


def restarted_with(restart: Restart, value: Any) -> Any:
    """What the variable of a restart holds. Raises `MalformedAnswer` for a time that cannot be read."""
    if restart.format is None:
        return value
    moment = read_time(value, restart.format)
    if moment is None:
        raise MalformedAnswer(f"the last record has no time at '{restart.from_}' to go on from, but {value!r}")
    return moment


def _offset(rule: PageRule) -> Step:
    pointer = _pointer(rule)
    total_at = parse_path(rule.total_at) if rule.total_at is not None else None

    def step(answer: Answer) -> PageToken | None:
        offset = int(answer.variables.get("offset") or 0)
        if pointer is not None:
            following = pointer(answer)
            if following in (None, ""):
                return None
            following = _whole(following, f"the next offset {_place(rule)}")
            if following <= offset:
                raise CursorLoop(f"the next offset ({following}) is not after this one ({offset})")
        else:
            size = answer.variables.get("page_size") if rule.advance == "page_size" else None
            following = offset + int(size or len(answer.records))
        total = _total(total_at, answer.body)
        if total is not None and following - (rule.start or 0) >= total:
            return None
        return _anew(rule.restart, following, answer) or PageToken(variables={"offset": following})

    return step


def _page(rule: PageRule) -> Step:
    last_at = parse_path(rule.last_at) if rule.last_at is not None else None
    pointer = _pointer(rule)

    def step(answer: Answer) -> PageToken | None:
        page = int(answer.variables.get("page") or 0)
        following: Any = page + 1
        if last_at is not None:
            last = last_at.find(answer.body)
            if last is None or page >= _whole(last, f"the last page at '{rule.last_at}'"):
                return None
        if pointer is not None:
            following = pointer(answer)
            if following in (None, "", False):
                return None
            following = _whole(following, f"the next page's number {_place(rule)}")
            if following <= page:
                raise CursorLoop(f"the next page ({following}) is not after this one ({page})")
        return _anew(rule.restart, following, answer) or PageToken(variables={"page": following})

    return step


def _keyset(rule: PageRule) -> Step:
    path = parse_path(rule.from_last or "")
    total_at = parse_path(rule.total_at) if rule.total_at is not None else None

    def step(answer: Answer) -> PageToken | None:
        # A keyset page tells how many records there are from its beginning on, so its own may be all.
        total = _total(total_at, answer.body)
        if total is not None and total <= len(answer.records):
            return None
        return PageToken(variables={"after": _from_last(answer, path, rule.from_last or "")})

    return step


_STEPS: dict[str, Callable[[PageRule], Step]] = {
    "none": _none,
    "next_url": _next_url,
    "link_header": _link_header,
    "cursor": _cursor,
    "offset": _offset,
    "page": _page,
    "keyset": _keyset,
    "graphql": _cursor,
}


def _from_last(answer: Answer, path: JsonPath, at: str) -> Scalar:
    value = path.find(answer.records[-1]) if answer.records else None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise MalformedAnswer(f"the last record has no text or number at '{at}' to go on from")
    return value


def _total(path: JsonPath | None, body: Any) -> int | None:
    value = path.find(body) if path is not None else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _whole(value: Any, what: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        return int(value)
    raise MalformedAnswer(f"{what} is not a whole number but {_kind(value)}")


def _true(value: Any) -> bool:
    return bool(value) and value != "false"


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", float: "a number"}
    return names.get(type(value), type(value).__name__)
