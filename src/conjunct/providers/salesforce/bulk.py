"""Large reads by the Bulk API 2.0: a job makes the records ready, and its results are read page by page.

The token of a page holds the job, so that a read goes on with it wherever it stopped. While a job works, pages without
records follow one another, each a short wait: a worker never waits for long, and what it knows is kept.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from conjunct.connectors.errors import CursorGone, MalformedAnswer, ProviderError, ResourceNotFound
from conjunct.connectors.page_tokens import PageToken
from conjunct.connectors.plans import HttpRequest
from conjunct.connectors.query import ALL_FIELDS, ObjectSchema, Page, ReadQuery
from conjunct.connectors.quirks import Host, Turn

PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between questions whether a job is done, within one page."""

MAX_WAITS = 2000
"""Pages of waiting: some eight hours. Salesforce itself ends a job before that."""

CELLS = 250_000
"""Values on a page of results, about; a page has `FEWEST` to `MOST` records."""

FEWEST, MOST = 500, 10_000

_JOB, _LOCATOR, _WAITS = "bulk_job", "locator", "waits"
_UNFIT = {"address", "location", "base64", "anyType", "complexvalue", "json"}
"""Types of fields that the Bulk API does not give."""

Describe = Callable[[str], Awaitable[ObjectSchema]]


class BulkReader:
    """Reads of one connector by jobs."""

    def __init__(self, host: Host, describe: Describe) -> None:
        self._host = host
        self._describe = describe

    def is_of_job(self, here: PageToken) -> bool:
        """Whether a page belongs to a job."""
        return _JOB in here.variables

    async def is_better(self, turn: Turn, first: Page) -> bool:
        """Whether a job serves a read better, whose first page tells how much there is."""
        query = turn.query
        known = self._host.definition.object(query.object)
        from_ = known.vars.get("bulk_from", "") if known is not None else ""
        if first.next is None or not from_.isdigit() or (first.total or 0) < int(from_):
            return False
        if (
            query.page_size is not None
            or query.associations
            or any("." in name or "[" in name for name in query.fields)
        ):
            return False  # a sample; or what a table of values cannot hold
        types = await self._types(query.object)
        return not any(types.get(name.lower()) in _UNFIT for name in query.fields if name != ALL_FIELDS)

    async def begin(self, turn: Turn, first: Page) -> Page:
        """A page without records, and then those of a job; or the first page as it is, where no job can be had."""
        parts = urlsplit(turn.request.url)
        operation = "queryAll" if parts.path.endswith("/queryAll") else "query"
        body = {"operation": operation, "query": parse_qs(parts.query)["q"][0], "lineEnding": "LF"}
        url = turn.request.url.partition("?")[0].removesuffix(operation) + "jobs/query"
        headers = {"Content-Type": "application/json"}
        try:
            answered = await self._host.send(HttpRequest("POST", url, headers, orjson.dumps(body)))
        except ProviderError as error:
            if error.origin == "caller" or error.hopeless:
                return first  # some objects and queries it does not take
            raise
        job = answered.body.get("id") if isinstance(answered.body, dict) else None
        if not isinstance(job, str) or not job.isalnum():
            raise MalformedAnswer("Salesforce made a job without an id")
        return Page([], PageToken(variables={_JOB: job}).encode(), first.total)

    async def page(self, turn: Turn) -> Page:
        """The page of a job's results, or one of waiting for them. Raises `ProviderError` by its classes."""
        here = turn.here
        try:
            if _LOCATOR not in here.variables and not await self._is_done(turn):
                waits = int(here.variables.get(_WAITS, 0)) + 1
                if waits > MAX_WAITS:
                    raise CursorGone("a job of Salesforce's Bulk API does not come to its end")
                return Page([], replace(here, variables={**here.variables, _WAITS: waits}).encode())
            return await self._results(turn)
        except ResourceNotFound as error:
            raise CursorGone("Salesforce has the job and its results no longer", status=error.status) from None

    async def _is_done(self, turn: Turn) -> bool:
        for pause in (*PAUSES, None):
            answered = await self._host.send(HttpRequest("GET", self._url(turn), {}))
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
        fields = len(turn.query.fields)
        at_once = max(FEWEST, min(MOST, CELLS // max(1, fields)))
        locator = turn.here.variables.get(_LOCATOR)
        after = f"&locator={locator}" if locator is not None else ""
        url = f"{self._url(turn)}/results?maxRecords={at_once}{after}"
        answered = await self._host.send(HttpRequest("GET", url, {"Accept": "text/csv"}, raw=True))
        part = await turn.found(list(_entries(answered.body, turn.query, await self._types(turn.query.object))))
        following = answered.headers.get("Sforce-Locator", "null")
        if following == "null":
            return Page(part.records, None, failed=part.failed)
        if not following.isalnum():
            raise MalformedAnswer("Salesforce's locator of the next results is none")
        token = PageToken(variables={_JOB: turn.here.variables[_JOB], _LOCATOR: following})
        return Page(part.records, token.encode(), failed=part.failed)

    def _url(self, turn: Turn) -> str:
        base = turn.request.url.partition("?")[0].rpartition("/")[0]
        return f"{base}/jobs/query/{turn.here.variables[_JOB]}"

    async def _types(self, object_name: str) -> Mapping[str, str | None]:
        schema = await self._describe(object_name)
        return {name.lower(): field.provider_type for name, field in schema.fields.items()}


def _entries(body: bytes, query: ReadQuery, types: Mapping[str, str | None]) -> Iterator[dict[str, Any]]:
    """Records as a query by REST gives them. Raises `MalformedAnswer`."""
    try:
        rows = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True)
        names = next(rows, [])
        readers = [_READERS.get(types.get(name.lower()) or "", _text) for name in names]
        for row in rows:
            values = {name: read(value) for name, read, value in zip(names, readers, row, strict=True)}
            about = {"type": query.object, "url": f"/services/data/v60.0/sobjects/{query.object}/{values.get('Id')}"}
            yield {"attributes": about, **values}
    except (ValueError, csv.Error):
        raise MalformedAnswer("the results of a job are not the table that they should be") from None


def _text(value: str) -> str | None:
    return value or None


def _flag(value: str) -> bool | None:
    return value == "true" if value else None


def _whole(value: str) -> int | float | None:
    return int(float(value)) if value else None


def _number(value: str) -> float | None:
    return float(value) if value else None


def _moment(value: str) -> str | None:
    # A query by REST writes the same moment with +0000.
    return value.removesuffix("Z") + "+0000" if value.endswith("Z") else value or None


_READERS: Mapping[str, Callable[[str], Any]] = {
    "boolean": _flag,
    "int": _whole,
    "long": _whole,
    "double": _number,
    "currency": _number,
    "percent": _number,
    "datetime": _moment,
}
