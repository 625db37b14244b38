"""The children of a record that do not fit into the answer to a sub-select: they have pages of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conjunct.connectors.associating import association_plans, with_associations
from conjunct.connectors.errors import CursorLoop, MalformedAnswer
from conjunct.connectors.plans import HttpRequest, object_plan
from conjunct.connectors.query import Page, ReadQuery, Record
from conjunct.connectors.quirks import Host

MAX_PAGES = 500
"""Pages of one record's children: a million of them."""


async def with_all_children(host: Host, query: ReadQuery, page: Page) -> Page:
    """The page with every record that belongs to one of its own. Raises `ProviderError` by its classes."""
    cut = [(record, children) for record in page.records for children in _cut(record)]
    if not cut:
        return page
    for _, children in cut:
        await _complete(host, children)
    plans = association_plans(host.definition, object_plan(host.definition, query.object), query.associations)
    records = await with_associations(host.exchange, plans, page.records, {})
    return Page(records, page.next, page.total, page.failed, page.filtered)


def _cut(record: Record) -> Iterator[dict[str, Any]]:
    for value in record.raw.values():
        if isinstance(value, dict) and isinstance(value.get("records"), list) and value.get("nextRecordsUrl"):
            yield value


async def _complete(host: Host, children: dict[str, Any]) -> None:
    """Append to the children what is on their further pages."""
    for _ in range(MAX_PAGES):
        following = children.pop("nextRecordsUrl", None)
        if not following:
            children["done"] = True
            return
        url = host.address.own(str(following))
        told = (await host.send(HttpRequest("GET", url, {}))).body
        if not isinstance(told, dict) or not isinstance(told.get("records"), list):
            raise MalformedAnswer("a page of what belongs to a record has no records")
        children["records"] += told["records"]
        children["nextRecordsUrl"] = told.get("nextRecordsUrl")
    raise CursorLoop("the pages of what belongs to a record do not end")
