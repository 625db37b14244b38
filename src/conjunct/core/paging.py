"""Pages of lists: `pageSize` and `pageToken` on any list, by the id of the last item ("keyset").

A plain call answers the whole list, as clients of the specification expect. With either parameter the answer is still a
bare array, of one page; where there is more, `X-Next-Page-Token` holds the next page's token and `Link` its address
(RFC 8288, `rel="next"`, relative to the request's own). Ids grow with time, so that a page is right whatever was added.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode

from fastapi import Depends, Query, Request, Response
from sqlalchemy import Select, SQLColumnExpression

from conjunct.core.encryption import DerivedKeys
from conjunct.core.http import json_bytes
from conjunct.core.problems import InvalidRequest, Issue
from conjunct.kit import page_tokens

DEFAULT_SIZE = 100
LARGEST_SIZE = 1_000

_NEXT = "X-Next-Page-Token"

_Rows = TypeVar("_Rows", bound=Select[*tuple[Any, ...]])


@dataclass(frozen=True, slots=True)
class Page:
    """What part of a list is asked for: `limit` items after the one with the id `after`; None for all of it."""

    limit: int | None = None
    after: str | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """The values of `:after` and `:limit` in a statement made by `page_sql`."""
        return {"after": self.after, "limit": self.limit}

    def of(self, statement: _Rows, column: SQLColumnExpression[str], *, newest_first: bool = False) -> _Rows:
        """The statement's page, ordered by the id in `column`."""
        if self.after is not None:
            statement = statement.where(column < self.after if newest_first else column > self.after)
        return statement.order_by(column.desc() if newest_first else column).limit(self.limit)


@dataclass(frozen=True, slots=True)
class Items:
    """A page of a list as JSON, how many items it holds, and the last one's id."""

    json: str
    count: int
    last: str | None


WHOLE = Page()


def page_sql(item: str, rows: str, column: str, *, newest_first: bool = False) -> str:
    """SQL for one page as the columns of `Items`, in one query.

    Args:
        item: an expression that gives an item's JSON.
        rows: `FROM … WHERE …`, to which `AND …` can be added.
        column: the column of the id that orders the list.
        newest_first: whether later ids come first.
    """
    order, beyond, last = ("DESC", "<", "min") if newest_first else ("ASC", ">", "max")
    return f"""
    SELECT coalesce(json_agg(page.item ORDER BY page.id {order}), '[]')::text, count(*), {last}(page.id)
    FROM (SELECT {column} AS id, {item} AS item {rows} AND (CAST(:after AS text) IS NULL OR {column} {beyond} :after)
        ORDER BY {column} {order} LIMIT :limit) page"""  # noqa: S608 - the parts are constants of ours


class Pager:
    """The page that a request asks for, and the answer that tells where the next begins."""

    def __init__(self, request: Request, page: Page) -> None:
        self._request = request
        self.page = page

    def answer(self, items: Items) -> Response:
        """The items, with the way to the next page where this one is full."""
        response = json_bytes(items.json)
        if self.page.limit is not None and items.count >= self.page.limit and items.last is not None:
            token = page_tokens.encode((items.last,), key=_keys(self._request).current, scope=_scope(self._request))
            query = {**self._request.query_params, "pageSize": str(self.page.limit), "pageToken": token}
            response.headers[_NEXT] = token
            response.headers["Link"] = f'<?{urlencode(query)}>; rel="next"'
        return response


async def asked_page(
    request: Request,
    size: Annotated[
        int | None,
        Query(alias="pageSize", ge=1, le=LARGEST_SIZE, description="At most so many items; without it, all of them."),
    ] = None,
    token: Annotated[
        str | None,
        Query(
            alias="pageToken",
            max_length=page_tokens.MAX_LENGTH,
            description=f"Where to go on: the header {_NEXT} of the page before.",
        ),
    ] = None,
) -> Pager:
    """The page that the query parameters name; `InvalidRequest` for a token that is not of this list."""
    if token is None:
        return Pager(request, Page(size))
    try:
        (after,) = page_tokens.decode(token, keys=_keys(request).all, scope=_scope(request))
    except ValueError:
        raise InvalidRequest(
            "The page token is not one that this list gave out.",
            remedy=f"Send the header {_NEXT} of the page before, with the same filters; or begin without a token.",
            issues=[Issue("pageToken", "is not valid here", location="query")],
        ) from None
    return Pager(request, Page(size or DEFAULT_SIZE, str(after)))


PagerDep = Annotated[Pager, Depends(asked_page)]


async def asked_bounded_page(request: Request, pager: PagerDep) -> Pager:
    """A page, asked for or not: for a list that grows for ever."""
    return Pager(request, Page(pager.page.limit or DEFAULT_SIZE, pager.page.after))


BoundedPagerDep = Annotated[Pager, Depends(asked_bounded_page)]


def _scope(request: Request) -> str:
    """What is listed: the path and the filters, so that a token cannot be carried to another list."""
    filters = sorted(each for each in request.query_params.multi_items() if each[0] not in ("pageSize", "pageToken"))
    return f"{request.scope['path']}?{urlencode(filters)}"


def _keys(request: Request) -> DerivedKeys:
    keys: DerivedKeys = request.app.state.page_keys
    return keys
