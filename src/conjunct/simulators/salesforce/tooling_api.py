"""The Tooling API: definitions of custom fields, asked for by queries, made, changed and taken away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from conjunct.simulators.contract import Answer, Call, Route
from conjunct.simulators.salesforce import custom_fields, describing, errors, ids
from conjunct.simulators.salesforce.bodies import base, json_answer, read_object, text_in
from conjunct.simulators.salesforce.database import Database, read_id
from conjunct.simulators.salesforce.definitions import Field, Record
from conjunct.simulators.salesforce.errors import SalesforceError
from conjunct.simulators.salesforce.queries_api import QueriesApi
from conjunct.simulators.salesforce.records_api import whole_record
from conjunct.simulators.salesforce.soql import Finding, Queries
from conjunct.simulators.salesforce.store import Records

_OBJECT_PREFIX = "01I"
_ONE_ROW_ONLY = ("FullName", "Metadata")


class ToolingApi:
    """Answers `/tooling…`. `tooling` holds the definitions, `database` the records of the fields that they define."""

    def __init__(self, database: Database, tooling: Database, as_of: int) -> None:
        self._database = database
        self._tooling = tooling
        self._fields = tooling.records("CustomField")
        self._entities = tooling.records("EntityDefinition")
        self._queries = QueriesApi(Queries(tooling), "/tooling", check=_check_rows)
        self._fill(as_of)

    def routes(self, root: str) -> Sequence[Route]:
        """The routes below `root`."""
        made = f"{root}/tooling/sobjects/CustomField"
        one = f"{root}/tooling/sobjects/{{object}}/{{id}}"
        return (
            *self._queries.routes(root),
            Route("GET", f"{root}/tooling/sobjects", self.all_objects),
            Route("POST", made, self.create),
            Route("PATCH", f"{made}/{{id}}", self.update),
            Route("DELETE", f"{made}/{{id}}", self.delete),
            Route("GET", f"{root}/tooling/sobjects/{{object}}/describe", self.describe),
            Route("GET", one, self.get),
        )

    def all_objects(self, call: Call) -> Answer:
        """The objects of the Tooling API that there are."""
        kinds = [describing.summary(records.kind, f"{base(call)}/tooling") for records in self._tooling]
        return json_answer({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": kinds})

    def describe(self, call: Call) -> Answer:
        """One of these objects with its fields."""
        records = self._tooling.records(call.params["object"])
        return json_answer(describing.describe(self._tooling, records, f"{base(call)}/tooling"))

    def get(self, call: Call) -> Answer:
        """One definition."""
        records = self._tooling.records(call.params["object"])
        place = self._find(call, records)
        return json_answer(whole_record(records, place, f"{base(call)}/tooling"), records=1)

    def create(self, call: Call) -> Answer:
        """Make a field: its object has it at once."""
        body = read_object(call.body)
        object_name, _, name = text_in(body, "FullName").partition(".")
        records = self._database.find(object_name)
        if records is None:
            raise errors.invalid("INVALID_TYPE", f"There is no object {object_name}", "FullName")
        definition = custom_fields.read(name, _metadata(body), self._database)
        if records.field(name) is not None:
            short = name.removesuffix("__c")
            message = f"There is already a field named {short} on {records.kind.label}."
            raise errors.invalid("DUPLICATE_DEVELOPER_NAME", message)
        records.define(definition)
        place = self._fields.insert(self._row(records, definition), self._tooling.now())
        made = {"id": self._fields.record_id(place), "success": True, "errors": [], "warnings": [], "infos": []}
        return json_answer(made, 201)

    def update(self, call: Call) -> Answer:
        """Define a field anew."""
        place, records, item = self._defined(call)
        definition = custom_fields.read(item.name, _metadata(read_object(call.body)), self._database)
        if definition.type != item.type:
            message = f"Cannot change the type of {item.name} here"
            raise errors.invalid("FIELD_INTEGRITY_EXCEPTION", message, "Metadata")
        records.define(definition)
        self._fields.change(place, self._row(records, definition), self._tooling.now())
        return Answer(204)

    def delete(self, call: Call) -> Answer:
        """Take a field away, with its values."""
        place, records, item = self._defined(call)
        records.undefine(item.name)
        self._fields.delete(place, self._tooling.now())
        return Answer(204)

    def _defined(self, call: Call) -> tuple[int, Records, Field]:
        """The place of a definition, the object that it is about, and its field."""
        place = self._find(call, self._fields)
        object_name, _, name = self._fields.values(place)["FullName"].partition(".")
        records = self._database.records(object_name)
        return place, records, records.fields[name.lower()]

    def _find(self, call: Call, records: Records) -> int:
        long_id = read_id(call.params["id"])
        place = None if long_id is None else records.place(long_id)
        if place is None or place in records.deleted:
            raise errors.not_found()
        return place

    def _fill(self, as_of: int) -> None:
        """Tell what the org has of its own from the start."""
        self._entity_ids: dict[str, tuple[str, str]] = {}
        for number, records in enumerate(self._database):
            kind = records.kind
            durable = ids.make(_OBJECT_PREFIX, number + 1)[:15] if kind.custom else kind.name
            row = {
                "DurableId": durable,
                "QualifiedApiName": kind.name,
                "DeveloperName": kind.name.removesuffix("__c"),
                "Label": kind.label,
            }
            place = self._entities.insert(row, as_of)
            self._entity_ids[kind.name] = (durable, self._entities.record_id(place))
        for records in self._database:
            for item in list(records.fields.values()):
                if item.custom:
                    self._fields.insert(self._row(records, item), as_of)

    def _row(self, records: Records, item: Field) -> Record:
        durable, entity = self._entity_ids[records.kind.name]
        return {
            "TableEnumOrId": durable,
            "DeveloperName": item.name.removesuffix("__c"),
            "FullName": f"{records.kind.name}.{item.name}",
            "EntityDefinitionId": entity,
            "Metadata": custom_fields.write(item),
            "Length": item.length or None,
        }


def _metadata(body: dict[str, Any]) -> dict[str, Any]:
    metadata = body.get("Metadata")
    if not isinstance(metadata, dict):
        raise errors.invalid("REQUIRED_FIELD_MISSING", "Required fields are missing: [Metadata]", "Metadata")
    # A definition is kept as it is told, without what the caller may still hold on to.
    read: dict[str, Any] = orjson.loads(orjson.dumps(metadata))
    return read


def _check_rows(finding: Finding) -> None:
    if finding.total > 1 and any(name in finding.shape.plain for name in _ONE_ROW_ONLY):
        raise SalesforceError(
            400,
            "MALFORMED_QUERY",
            "When retrieving results with Metadata or FullName fields, the query qualifications must specify no more "
            f"than one row for retrieval. Result size: {finding.total}",
        )
