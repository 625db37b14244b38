"""Lists that are asked for as a whole, page by page: descriptions of fields, names of custom fields."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

from conjunct.connectors.errors import MalformedAnswer
from conjunct.connectors.exchange import Exchange
from conjunct.connectors.page_tokens import FIRST_PAGE
from conjunct.connectors.paging import Answer, LoopGuard, compile_pager
from conjunct.connectors.paths import parse_path
from conjunct.connectors.plans import RequestPlan
from conjunct.connectors.read_definition import PageRule

MOST_PAGES = 500
"""A list of facts about an account that is longer is none."""


async def bodies(
    exchange: Exchange, request: RequestPlan, page: PageRule | None, at: str, variables: Mapping[str, Any]
) -> AsyncIterator[Any]:
    """The answers that hold the parts of a list, which is at `at` in each. Raises `ProviderError` by its classes."""
    rule = page or PageRule()
    pager, path, guard = compile_pager(rule), parse_path(at), LoopGuard()
    size = rule.size.default if rule.size is not None else None
    token = FIRST_PAGE
    for _ in range(MOST_PAGES):
        values = {**variables, "page_size": size, **pager.start, **token.sticky, **token.variables}
        asked = request.build(values, exchange.address)
        if token.url is not None:
            asked = replace(asked, url=exchange.address.own(token.url, asked.url))
        answered = await exchange.send(asked)
        yield answered.body
        found = path.find(answered.body)
        entries = found if isinstance(found, list) else []
        following = pager.following(Answer(answered.body, answered.headers, entries, values), token)
        if following is None:
            return
        guard.check(following.encode())
        token = following
    raise MalformedAnswer(f"the list has more than {MOST_PAGES} pages")


async def entries_of(
    exchange: Exchange, request: RequestPlan, page: PageRule | None, at: str, variables: Mapping[str, Any]
) -> list[Any]:
    """All entries of a list. Raises as `bodies`, and `MalformedAnswer` where there is no list."""
    path = parse_path(at)
    entries: list[Any] = []
    async for body in bodies(exchange, request, page, at, variables):
        found = path.find(body)
        if not isinstance(found, list):
            raise MalformedAnswer(f"there is no list at '{at}'")
        entries += found
    return entries
