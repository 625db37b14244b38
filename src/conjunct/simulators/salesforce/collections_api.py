"""Up to 200 records in one request, all or none of them if one asks so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from conjunct.simulators.contract import Answer, Call, Route
from conjunct.simulators.salesforce import errors
from conjunct.simulators.salesforce.bodies import base, check_count, flag, json_answer, read_object, read_objects, words
from conjunct.simulators.salesforce.database import Database, read_id
from conjunct.simulators.salesforce.errors import SalesforceError
from conjunct.simulators.salesforce.records_api import whole_record
from conjunct.simulators.salesforce.store import Records
from conjunct.simulators.salesforce.writing import Writer

_MAX_READ = 2000
_ROLLED_BACK = SalesforceError(
    400,
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
    (),
)

Result = dict[str, Any]


class CollectionsApi:
    """Answers `/composite/sobjects…`."""

    def __init__(self, database: Database, writer: Writer) -> None:
        self._database = database
        self._writer = writer

    def routes(self, root: str) -> Sequence[Route]:
        """The routes below `root`."""
        all_objects = f"{root}/composite/sobjects"
        return (
            Route("POST", all_objects, self.create),
            Route("PATCH", all_objects, self.update),
            Route("DELETE", all_objects, self.delete),
            Route("GET", f"{all_objects}/{{object}}", self.read),
            Route("POST", f"{all_objects}/{{object}}", self.read),
            Route("PATCH", f"{all_objects}/{{object}}/{{field}}", self.upsert),
        )

    def create(self, call: Call) -> Answer:
        """Add records, of any objects."""
        return self._write(call, self._create)

    def update(self, call: Call) -> Answer:
        """Change records, each named by its `id`."""
        return self._write(call, self._update)

    def upsert(self, call: Call) -> Answer:
        """Change the records that have the external ids, and add the others."""
        records = self._database.records(call.params["object"])
        key = records.field(call.params["field"])
        if key is None or not (key.external_id or key.type == "id"):
            raise errors.no_external_id(call.params["field"])

        def upsert(body: dict[str, Any]) -> Result:
            given = next((value for name, value in body.items() if name.lower() == key.name.lower()), None)
            if given is None:
                message = f"{key.name} not specified"
                raise errors.invalid("MISSING_ARGUMENT", message)
            record_id, created = self._writer.upsert(records, key, given, body)
            return {"id": record_id, "success": True, "errors": [], "created": created}

        return self._write(call, upsert)

    def delete(self, call: Call) -> Answer:
        """Put the records of `ids` into the recycle bin."""
        given = words(call.query.get("ids"))
        check_count(given)
        return self._run(given, self._delete, all_or_none=flag(call.query.get("allOrNone")))

    def read(self, call: Call) -> Answer:
        """Records by their ids, null for each that there is not."""
        records = self._database.records(call.params["object"])
        if call.method == "POST":
            body = read_object(call.body)
            wanted, names = body.get("ids") or [], body.get("fields") or []
        else:
            wanted, names = words(call.query.get("ids")), words(call.query.get("fields"))
        if not isinstance(wanted, list) or not isinstance(names, list) or not wanted or not names:
            raise SalesforceError(400, "MISSING_ARGUMENT", "ids and fields must be specified")
        check_count(wanted, _MAX_READ)
        found = [self._one(records, one, base(call), [str(name) for name in names]) for one in wanted]
        return json_answer(found, records=len(found))

    def _one(self, records: Records, given: Any, root: str, names: list[str]) -> Any:
        long_id = read_id(given)
        if long_id is None:
            raise errors.malformed_id("Record ID", given, "Id")
        place = records.place(long_id)
        if place is None or place in records.deleted:
            return None
        return whole_record(records, place, root, names)

    def _write(self, call: Call, write: Callable[[dict[str, Any]], Result]) -> Answer:
        body = read_object(call.body)
        return self._run(read_objects(body, "records"), write, all_or_none=flag(body.get("allOrNone")))

    def _run(self, items: Iterable[Any], write: Callable[[Any], Result], *, all_or_none: bool) -> Answer:
        with self._database.all_or_none(wanted=all_or_none) as transaction:
            results = [_result(write, item) for item in items]
            transaction.failed = all_or_none and not all(result["success"] for result in results)
        if transaction.failed:
            results = [
                {"success": False, "errors": [_ROLLED_BACK.to_result()]} if result["success"] else result
                for result in results
            ]
        return json_answer(results)

    def _create(self, body: dict[str, Any]) -> Result:
        record_id = self._writer.create(self._of_type(body), body)
        return {"id": record_id, "success": True, "errors": []}

    def _update(self, body: dict[str, Any]) -> Result:
        records = self._of_type(body)
        given = body.get("id", body.get("Id"))
        rest = {name: value for name, value in body.items() if name not in ("id", "Id")}
        place = self._place(given, records)
        self._writer.update(records, place, rest)
        return {"id": records.record_id(place), "success": True, "errors": []}

    def _delete(self, given: str) -> Result:
        long_id = read_id(given)
        holder = None if long_id is None else self._database.holder(long_id)
        if long_id is None:
            raise errors.malformed_id("Record ID", given, "Id")
        if holder is None:
            raise errors.invalid("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        self._writer.delete(*holder)
        return {"id": long_id, "success": True, "errors": []}

    def _of_type(self, body: dict[str, Any]) -> Records:
        attributes = body.get("attributes")
        name = attributes.get("type") if isinstance(attributes, dict) else None
        if not isinstance(name, str):
            raise errors.invalid("INVALID_INPUT", "Must send type within attributes")
        return self._database.records(name, 400)

    def _place(self, given: Any, records: Records) -> int:
        if given is None:
            raise errors.invalid("MISSING_ARGUMENT", "Id not specified in an update call")
        long_id = read_id(given)
        if long_id is None or not long_id.startswith(records.kind.prefix):
            raise errors.malformed_id("Record ID", given, "Id")
        place = records.place(long_id)
        if place is None:
            raise errors.invalid("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        return place


def _result(write: Callable[[Any], Result], item: Any) -> Result:
    try:
        return write(item)
    except SalesforceError as fault:
        return {"success": False, "errors": [fault.to_result()]}
