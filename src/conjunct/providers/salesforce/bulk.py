"""Large reads by the Bulk API 2.0: a job makes the records ready, and its results are read page by page.

The token of a page holds the job, so that a read goes on with it wherever it stopped. While a job works, pages without
records follow one another, each a short wait: a worker never waits for long, and what it knows is kept.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import orjson

from conjunct.connectors.addresses import with_query
from conjunct.connectors.errors import CursorGone, MalformedAnswer, ProviderError, ResourceNotFound
from conjunct.connectors.exchange import Answered
from conjunct.connectors.page_tokens import BadPageToken, PageToken
from conjunct.connectors.plans import HttpRequest
from conjunct.connectors.query import ObjectSchema, Page
from conjunct.connectors.quirks import Host, Turn
from conjunct.providers.salesforce.tables import Table, table_of

PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between questions whether a job is done, within one page."""

MAX_WAITS = 2000
"""Pages of waiting: some eight hours. Salesforce itself ends a job before that."""

CELLS = 250_000
"""Values on a page of results, about, a long text counting for more; a page has `FEWEST` to `MOST` records."""

FEWEST, MOST = 500, 10_000

_JOB_ID = re.compile(r"[A-Za-z0-9]{1,40}")
_JOB, _LOCATOR, _WAITS = "bulk_job", "locator", "waits"


class BulkReader:
    """Reads of one connector by jobs; `describe` tells of an object's fields, and is asked for every page."""

    def __init__(self, host: Host, describe: Callable[[str], Awaitable[ObjectSchema]]) -> None:
        self._host = host
        self._describe = describe

    def is_of_job(self, here: PageToken) -> bool:
        """Whether a page belongs to a job."""
        return _JOB in here.variables

    async def instead_of(self, turn: Turn, first: Page) -> Page:
        """A page without records that a job's follow; or the first page as it is, where that serves better."""
        if not self._is_large(turn, first):
            return first
        table = await self._table(turn)
        if table is None:
            return first
        path = urlsplit(turn.request.url).path
        body = {"operation": path.rpartition("/")[2], "query": table.query, "lineEnding": "LF"}
        headers = {"Content-Type": "application/json"}
        try:
            answered = await self._host.send(HttpRequest("POST", self._jobs(turn), headers, orjson.dumps(body)))
        except ProviderError as error:
            if error.hopeless:
                return first  # there are objects that it does not take, and users who may not
            raise
        job = answered.body.get("id") if isinstance(answered.body, dict) else None
        if not isinstance(job, str) or not _JOB_ID.fullmatch(job):
            raise MalformedAnswer("Salesforce made a job without an id")
        return Page([], PageToken(variables={_JOB: job}).encode(), first.total)

    async def page(self, turn: Turn) -> Page:
        """The page of a job's results, or one of waiting for them. Raises `ProviderError` by its classes."""
        here = turn.here
        try:
            if _LOCATOR not in here.variables and not await self._is_done(turn):
                waits = here.variables.get(_WAITS, 0)
                if not isinstance(waits, int) or waits >= MAX_WAITS:
                    raise CursorGone("a job of Salesforce's Bulk API does not come to its end")
                return Page([], replace(here, variables={**here.variables, _WAITS: waits + 1}).encode())
            return await self._results(turn)
        except ResourceNotFound as error:
            raise CursorGone("Salesforce has the job and its results no longer", status=error.status) from None

    def _is_large(self, turn: Turn, first: Page) -> bool:
        known = self._host.definition.object(turn.query.object)
        from_ = known.vars.get("bulk_from", "") if known is not None else ""
        is_plain = turn.query.page_size is None and not turn.query.associations  # no sample, no sub-selects
        return is_plain and first.next is not None and from_.isdigit() and (first.total or 0) >= int(from_)

    async def _is_done(self, turn: Turn) -> bool:
        for pause in (*PAUSES, None):
            answered = await self._host.send(HttpRequest("GET", self._job(turn), {}))
            told = answered.body if isinstance(answered.body, dict) else {}
            state = told.get("state")
            if state == "JobComplete":
                return True
            if state in ("Failed", "Aborted"):
                why = str(told.get("errorMessage") or "without a reason")[:300]
                raise CursorGone(f"the job of Salesforce's Bulk API ended as {state}: {why}")
            if pause is not None:
                await self._host.wait(pause)
        return False

    async def _results(self, turn: Turn) -> Page:
        table = await self._table(turn)
        if table is None:
            raise CursorGone("the object's fields have changed since the job began")
        try:
            answered = await self._rows(turn, max(FEWEST, min(MOST, CELLS // table.width)))
        except MalformedAnswer:
            answered = await self._rows(turn, FEWEST)  # it may have been too large
        part = await turn.found(list(table.entries(answered.body)))
        following = answered.headers.get("Sforce-Locator", "null")
        variables = {_JOB: turn.here.variables[_JOB], _LOCATOR: following}
        token = PageToken(variables=variables).encode() if following != "null" else None
        return Page(part.records, token, failed=part.failed)

    async def _rows(self, turn: Turn, at_once: int) -> Answered:
        after = {_LOCATOR: turn.here.variables[_LOCATOR]} if _LOCATOR in turn.here.variables else {}
        url = with_query(f"{self._job(turn)}/results", {"maxRecords": at_once, **after})
        return await self._host.send(HttpRequest("GET", url, {"Accept": "text/csv"}, raw=True))

    async def _table(self, turn: Turn) -> Table | None:
        query = parse_qs(urlsplit(turn.request.url).query)["q"][0]
        return table_of(query, await self._describe(turn.query.object))

    def _jobs(self, turn: Turn) -> str:
        return turn.request.url.partition("?")[0].rpartition("/")[0] + "/jobs/query"

    def _job(self, turn: Turn) -> str:
        job = str(turn.here.variables[_JOB])
        if not _JOB_ID.fullmatch(job):
            raise BadPageToken("The page token names no job.", remedy="Begin the read anew.")
        return f"{self._jobs(turn)}/{job}"
