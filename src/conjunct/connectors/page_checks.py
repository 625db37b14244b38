"""What the models cannot check of paging: what each style needs, and which variables it brings."""

from __future__ import annotations

from collections.abc import Iterator

from conjunct.connectors.check_parts import Fault, Path, check_path, check_request, uses
from conjunct.connectors.definition_base import Request
from conjunct.connectors.read_definition import PageRule, Restart

_BY_STYLE = {"offset": "offset", "page": "page", "cursor": "cursor", "graphql": "cursor", "keyset": "after"}
_POINTED = ("next_url", "cursor", "graphql")
"""Styles that need to be told where the next page is."""
_LIMITS = {
    "cursor": "when_cursor_ge",
    "graphql": "when_cursor_ge",
    "page": "when_page_ge",
    "offset": "when_offset_ge",
}


def check_paged_request(path: Path, request: Request, page: PageRule, variables: frozenset[str]) -> Iterator[Fault]:
    """Faults of a request and of its paging, which stands beside it. `variables` are those of the first page."""
    style = page.style or "none"
    yield from check_request((*path, "request"), request, variables | paging_variables(page))
    yield from _check_page((*path, "page"), page, style)
    if style in _BY_STYLE and not (uses(request, _BY_STYLE[style]) or uses(request, "where")):
        yield Fault((*path, "page", "style"), f"the style '{style}' needs {{{_BY_STYLE[style]}}} in the request")
    # In the terms of `where` it may stand, too.
    if page.restart is not None and not (uses(request, page.restart.var) or uses(request, "where")):
        yield Fault((*path, "page", "restart"), f"the request does not use {{{page.restart.var}}}")


def paging_variables(page: PageRule) -> frozenset[str]:
    """The variables that paging brings, once the first page is read."""
    own = {_BY_STYLE[page.style]} if page.style is not None and page.style in _BY_STYLE else set()
    return frozenset(own | ({page.restart.var} if page.restart is not None else set()))


def _check_page(path: Path, page: PageRule, style: str) -> Iterator[Fault]:
    if style in _POINTED and page.at is None and page.header is None:
        yield Fault(path, f"the style '{style}' needs 'at' or 'header'")
    if style == "keyset" and page.from_last is None:
        yield Fault(path, "the style 'keyset' needs 'from_last'")
    if page.header is not None and page.at is not None:
        yield Fault((*path, "header"), "either 'at' or 'header' says where the next page is")
    if page.header is not None and style not in (*_POINTED, "offset", "page"):
        yield Fault((*path, "header"), f"the style '{style}' reads no header of this name")
    if page.parameter is not None and (style not in _LIMITS or (page.at is None and page.header is None)):
        yield Fault((*path, "parameter"), "it is one of the URL that 'at' or 'header' finds, for a cursor or a number")
    for place in page.cut_if:
        yield from check_path((*path, "cut_if", place), place)
    for key in ("at", "more_at", "last_at", "total_at", "stop_if", "from_last"):
        yield from check_path((*path, key), getattr(page, key))
    if page.restart is not None:
        yield from _check_restart((*path, "restart"), page.restart, style)
    if page.stop == "short_page" and page.size is None:
        yield Fault((*path, "stop"), "a short page can be told only with a size")
    if page.advance == "page_size" and page.size is None:
        yield Fault((*path, "advance"), "advancing by page_size needs a size")
    if page.size is not None and page.size.max is not None and page.size.max < page.size.default:
        yield Fault((*path, "size"), "the default is more than the maximum")


def _check_restart(path: Path, restart: Restart, style: str) -> Iterator[Fault]:
    yield from check_path((*path, "from"), restart.from_)
    if style not in _LIMITS:
        yield Fault(path, "only the styles 'cursor', 'page' and 'offset' can begin anew")
        return
    given = [name for name in dict.fromkeys(_LIMITS.values()) if getattr(restart, name) is not None]
    if given != ([] if restart.each_page else [_LIMITS[style]]):
        yield Fault(path, f"the style '{style}' begins anew by '{_LIMITS[style]}' or 'each_page', and by nothing else")
    if restart.var in ("since", "until") and restart.format is None:
        yield Fault((*path, "var"), f"'{restart.var}' is a time: 'format' must say how it is written in a record")
