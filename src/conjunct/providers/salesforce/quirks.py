"""What the definition of Salesforce cannot say.

A query whose URL would be too long goes within a composite request. A large backfill goes by the Bulk API. What belongs
to a record may have pages of its own. Values that a read is limited to are written as the types of their fields want. A
new field is made visible to the connected user.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from conjunct.connectors.exchange import Answered
from conjunct.connectors.field_plans import FieldDraft
from conjunct.connectors.formats import UnusableValue, Verbatim, rfc3339
from conjunct.connectors.plans import HttpRequest
from conjunct.connectors.query import ObjectSchema, Page
from conjunct.connectors.quirks import Filters, Host, Quirks, Send, Turn
from conjunct.providers.salesforce.bulk import BulkReader
from conjunct.providers.salesforce.children import with_all_children
from conjunct.providers.salesforce.composite import LONGEST_URL, in_composite, out_of_composite
from conjunct.providers.salesforce.fields import metadata_facts
from conjunct.providers.salesforce.visibility import Visibility

_BARE = {"boolean", "int", "double", "currency", "percent", "date", "datetime"}
"""The types whose literals have no quotes in SOQL."""

_WORDS = re.compile(r"(?!true$|false$)[^\W\d]", re.IGNORECASE)
"""What begins as no number or date does: it stands in quotes, or nowhere."""

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


class SalesforceQuirks(Quirks):
    """Salesforce, as it is."""

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._schemas: dict[str, ObjectSchema] = {}
        self._bulk = BulkReader(host, self._schema)
        self._visibility = Visibility(host)

    async def send(self, request: HttpRequest, send: Send) -> Answered:
        """A request whose URL is too long goes within the body of another one."""
        if request.method != "GET" or len(request.url) <= LONGEST_URL:
            return await send(request)
        answered = await send(in_composite(request, self.host.address))
        return out_of_composite(answered, self.host)

    async def filters(self, object_name: str, filters: Filters) -> Filters:
        """Values by the types of their fields: SOQL takes no quotes around a date, and wants them around a text."""
        if all(isinstance(value, bool) or (isinstance(value, str) and _WORDS.match(value)) for _, value in filters):
            return filters  # whatever the fields are
        types = (await self._schema(object_name)).fields
        by_name = {name.lower(): field.provider_type for name, field in types.items()}
        return tuple((name, literal(name, value, by_name.get(name.lower()))) for name, value in filters)

    async def read_page(self, turn: Turn) -> Page:
        """A page of a job of the Bulk API, or the usual one; a first one that tells of many may begin such a job."""
        if self._bulk.is_of_job(turn.here):
            return await self._bulk.page(turn)
        page = await turn.usual()
        if turn.query.associations:
            return await with_all_children(self.host, turn.query, page)
        return await self._bulk.instead_of(turn, page) if turn.is_first else page

    def field(self, draft: FieldDraft) -> FieldDraft:
        """The field in the words of Salesforce's metadata."""
        return metadata_facts(draft)

    async def after_field(self, object_name: str, field: str, draft: FieldDraft) -> tuple[str, ...]:
        """A field that an API makes is visible to nobody, not even to whoever made it."""
        return await self._visibility.show(object_name, field, required=bool(draft.facts.get("required")))

    async def _schema(self, object_name: str) -> ObjectSchema:
        if object_name not in self._schemas:
            self._schemas[object_name] = await self.host.describe(object_name)
        return self._schemas[object_name]


def literal(field: str, value: Any, field_type: str | None) -> Any:
    """A value as it stands in SOQL for a field of that type. Raises `UnusableValue`."""
    if value is None:
        return Verbatim("null")
    if field_type is None:
        return value
    if field_type not in _BARE:
        return _worded(value)
    return _bare(field, value, field_type) if isinstance(value, str) else value


def _worded(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _bare(field: str, text: str, field_type: str) -> Any:
    text = text.strip()
    try:
        if field_type == "boolean":
            return {"true": True, "false": False}[text.lower()]
        if field_type == "date":
            return Verbatim(datetime.fromisoformat(text).date().isoformat())
        if field_type == "datetime":
            moment = datetime.fromisoformat(text)
            return Verbatim(rfc3339(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)))
        if _NUMBER.fullmatch(text):
            return Verbatim(text)
    except (KeyError, ValueError):
        pass
    raise UnusableValue(f"{text!r} is no value of '{field}', whose type at Salesforce is {field_type}")
