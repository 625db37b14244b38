"""Queries: their pages, and the locators by which the pages after the first are reached."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from conjunct.simulators.contract import Answer, Call, Route
from conjunct.simulators.salesforce import errors, ids
from conjunct.simulators.salesforce.bodies import base
from conjunct.simulators.salesforce.errors import SalesforceError
from conjunct.simulators.salesforce.soql import Finding, Queries

_LARGEST_PAGE = 2000
_SMALLEST_PAGE = 200
_OPEN_CURSORS = 50
_PREFIX = "01g"


@dataclass(frozen=True, slots=True)
class _Cursor:
    finding: Finding
    size: int


class QueriesApi:
    """Answers `/query` and `/queryAll`. `under` stands between them and the version, such as `/tooling`.

    `check` raises `SalesforceError` for what a query must not find.
    """

    def __init__(
        self, queries: Queries, under: str = "", check: Callable[[Finding], None] = lambda _finding: None
    ) -> None:
        self._queries = queries
        self._check = check
        self._under = under
        self._cursors: OrderedDict[str, _Cursor] = OrderedDict()
        self._given = 0

    def routes(self, root: str) -> Sequence[Route]:
        """The routes below `root`."""
        return [
            Route("GET", f"{root}{self._under}/{name}{rest}", handler, page=True)
            for name in ("query", "queryAll")
            for rest, handler in (("", getattr(self, name)), ("/{locator}", self.more))
        ]

    def query(self, call: Call) -> Answer:
        """The first page of what is not deleted."""
        return self._first(call, deleted=False)

    def queryAll(self, call: Call) -> Answer:  # noqa: N802 - the resource is named so
        """The first page, with what is in the recycle bin."""
        return self._first(call, deleted=True)

    def more(self, call: Call) -> Answer:
        """A page after the first; the locator names the query and the place."""
        locator, _, start = call.params["locator"].partition("-")
        cursor = self._cursors.get(locator)
        if cursor is None or not start.isdecimal() or int(start[:9]) > cursor.finding.total:
            raise errors.of_code(400, "INVALID_QUERY_LOCATOR")
        self._cursors.move_to_end(locator)
        return self._page(call, cursor, int(start), locator)

    def _first(self, call: Call, *, deleted: bool) -> Answer:
        text = call.query.get("q")
        if not text:
            raise SalesforceError(400, "MALFORMED_QUERY", "A query string has to be specified")
        finding = self._queries.find(text, deleted=deleted, base=self._base(call))
        self._check(finding)
        return self._page(call, _Cursor(finding, _batch_size(call)), 0, None)

    def _page(self, call: Call, cursor: _Cursor, start: int, locator: str | None) -> Answer:
        finding, total = cursor.finding, cursor.finding.total
        if finding.query.counts:
            return Answer(body=b'{"totalSize":%d,"done":true,"records":[]}' % total)
        content, count = self._queries.page(finding, start, cursor.size, self._base(call))
        end = start + count
        if end >= total:
            return Answer(body=b'{"totalSize":%d,"done":true,"records":[%b]}' % (total, content), records=count)
        url = f"{self._base(call)}/query/{locator or self._keep(cursor)}-{end}".encode()
        body = b'{"totalSize":%d,"done":false,"nextRecordsUrl":"%b","records":[%b]}' % (total, url, content)
        return Answer(body=body, records=count)

    def _keep(self, cursor: _Cursor) -> str:
        """A locator for the pages to come; those that have rested longest are forgotten."""
        self._given += 1
        locator = ids.make(_PREFIX, self._given)
        self._cursors[locator] = cursor
        if len(self._cursors) > _OPEN_CURSORS:
            self._cursors.popitem(last=False)
        return locator

    def _base(self, call: Call) -> str:
        return base(call) + self._under


def _batch_size(call: Call) -> int:
    """The page size asked for in `Sforce-Query-Options: batchSize=500`, within what is allowed."""
    for option in call.headers.get("Sforce-Query-Options", "").split(","):
        name, _, value = option.partition("=")
        if name.strip().lower() == "batchsize" and value.strip().isdecimal():
            return max(_SMALLEST_PAGE, min(_LARGEST_PAGE, int(value.strip()[:9])))
    return _LARGEST_PAGE
