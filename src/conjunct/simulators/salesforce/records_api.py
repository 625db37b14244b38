"""Objects and single records: describe, read, create, change, delete, and what changed in a stretch of time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from conjunct.simulators.contract import Answer, Call, Handler, Route
from conjunct.simulators.salesforce import describing, errors, moments
from conjunct.simulators.salesforce.bodies import base, json_answer, read_object, words
from conjunct.simulators.salesforce.database import Database, read_id
from conjunct.simulators.salesforce.definitions import Field, Record
from conjunct.simulators.salesforce.errors import SalesforceError
from conjunct.simulators.salesforce.store import Records
from conjunct.simulators.salesforce.writing import Writer

_MIN_WINDOW = 60_000
_MAX_WINDOW = 30 * 86_400_000


class RecordsApi:
    """Answers `/sobjects…`."""

    def __init__(self, database: Database, writer: Writer) -> None:
        self._database = database
        self._writer = writer

    def routes(self, root: str) -> Sequence[Route]:
        """The routes below `root`."""
        one = f"{root}/sobjects/{{object}}"
        by_key = f"{one}/{{field}}/{{value}}"
        return (
            Route("GET", f"{root}/sobjects", self.all_objects),
            Route("GET", one, self.basics),
            Route("POST", one, self.create),
            Route("GET", f"{one}/describe", self.describe),
            Route("GET", f"{one}/updated", partial(self.changes, self._updated)),
            Route("GET", f"{one}/deleted", partial(self.changes, self._deleted)),
            Route("GET", f"{one}/{{id}}", self.get),
            Route("PATCH", f"{one}/{{id}}", self.update),
            Route("POST", f"{one}/{{id}}", partial(self.instead, self.update)),
            Route("POST", by_key, partial(self.instead, self.upsert)),
            Route("DELETE", f"{one}/{{id}}", self.delete),
            Route("GET", by_key, self.get),
            Route("PATCH", by_key, self.upsert),
            Route("DELETE", by_key, self.delete),
        )

    def all_objects(self, call: Call) -> Answer:
        """Every object, without its fields."""
        kinds = [describing.summary(records.kind, base(call)) for records in self._database]
        return json_answer({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": kinds})

    def basics(self, call: Call) -> Answer:
        """An object in short, and its last records."""
        records = self._records(call)
        recent = [self._short(call, records, place) for place in list(records.live())[-5:]]
        return json_answer({"objectDescribe": describing.summary(records.kind, base(call)), "recentItems": recent})

    def describe(self, call: Call) -> Answer:
        """An object with its fields."""
        return json_answer(describing.describe(self._database, self._records(call), base(call)))

    def get(self, call: Call) -> Answer:
        """One record, by its id or an external one; `fields` chooses some."""
        records = self._records(call)
        place = self._find(call, records)
        if place in records.deleted:
            raise errors.not_found()
        record = whole_record(records, place, base(call), words(call.query.get("fields")))
        return json_answer(record, records=1)

    def create(self, call: Call) -> Answer:
        """Add a record."""
        record_id = self._writer.create(self._records(call), read_object(call.body))
        return json_answer({"id": record_id, "success": True, "errors": []}, 201)

    def instead(self, patch: Handler, call: Call) -> Answer:
        """A PATCH of a client that can only POST, and says so by `_HttpMethod`."""
        if call.query.get("_HttpMethod", "").upper() != "PATCH":
            raise errors.not_allowed()
        return patch(call)

    def update(self, call: Call) -> Answer:
        """Change a record."""
        records = self._records(call)
        self._writer.update(records, self._find(call, records), read_object(call.body))
        return Answer(204)

    def upsert(self, call: Call) -> Answer:
        """Change the record with this external id, or add it."""
        records = self._records(call)
        key = self._key(call, records)
        record_id, created = self._writer.upsert(records, key, call.params["value"], read_object(call.body))
        result = {"id": record_id, "success": True, "errors": [], "created": created}
        return json_answer(result, 201 if created else 200)

    def delete(self, call: Call) -> Answer:
        """Put a record into the recycle bin."""
        records = self._records(call)
        self._writer.delete(records, self._find(call, records))
        return Answer(204)

    def changes(self, list_changes: Callable[[Records, str, str], Record], call: Call) -> Answer:
        """What changed between `start` and `end`."""
        start, end = (self._moment(call, name) for name in ("start", "end"))
        millis = moments.to_millis(end) - moments.to_millis(start)
        if millis < _MIN_WINDOW:
            raise SalesforceError(400, "INVALID_REPLICATION_DATE", "endDate must be at least a minute after startDate")
        if self._database.now() - moments.to_millis(start) > _MAX_WINDOW:
            raise SalesforceError(400, "INVALID_REPLICATION_DATE", "startDate cannot be more than 30 days ago")
        found = list_changes(self._records(call), moments.write_moment(start), moments.write_moment(end))
        return json_answer(found | {"latestDateCovered": moments.write_moment(end)})

    def _updated(self, records: Records, start: str, end: str) -> Record:
        stamps = records.column("SystemModstamp")
        places = (place for place in records.live() if stamps[place] is not None and start <= stamps[place] <= end)
        return {"ids": [records.record_id(place) for place in places]}

    def _deleted(self, records: Records, start: str, end: str) -> Record:
        found = [(records.record_id(place), moments.write(at)) for place, at in sorted(records.deleted.items())]
        return {
            "deletedRecords": [{"id": one, "deletedDate": at} for one, at in found if start <= at <= end],
            "earliestDateAvailable": moments.write(self._database.now() - _MAX_WINDOW),
        }

    def _moment(self, call: Call, name: str) -> datetime:
        # A plus sign that was not escaped in the URL has become a space.
        try:
            moment = datetime.fromisoformat(call.query.get(name, "").replace(" ", "+"))
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (ValueError, OverflowError) as fault:
            raise SalesforceError(400, "INVALID_REPLICATION_DATE", f"{name} must be a date and time") from fault

    def _records(self, call: Call) -> Records:
        return self._database.records(call.params["object"])

    def _key(self, call: Call, records: Records) -> Field:
        name = call.params["field"]
        key = records.field(name)
        if key is None or not (key.external_id or key.type == "id"):
            raise errors.no_external_id(name)
        return key

    def _find(self, call: Call, records: Records) -> int:
        """The place of the record that the path names, which may be deleted."""
        if "field" in call.params:
            places = self._writer.by_key(records, self._key(call, records), call.params["value"])
            live = [place for place in places if place not in records.deleted]
            if not live:
                raise errors.not_found()
            return live[0]
        long_id = read_id(call.params["id"])
        if long_id is None:
            raise errors.no_external_id(call.params["id"])
        place = records.place(long_id)
        if place is None:
            raise errors.not_found()
        return place

    def _short(self, call: Call, records: Records, place: int) -> dict[str, Any]:
        record = whole_record(records, place, base(call), ["Id"])
        return {"attributes": record["attributes"], "Id": record["Id"], "Name": records.values(place).get("Name")}


def whole_record(records: Records, place: int, root: str, names: Sequence[str] = ()) -> Record:
    """A record with these fields and its id, or with all. Raises `SalesforceError` for a field that it has not."""
    values = records.values(place)
    record: Record = {
        "attributes": {"type": records.kind.name, "url": f"{root}/sobjects/{records.kind.name}/{values['Id']}"}
    }
    chosen = []
    for name in names:
        item = records.field(name)
        if item is None:
            raise SalesforceError(400, "INVALID_FIELD", f"No such column '{name}' on entity '{records.kind.name}'")
        chosen.append(item)
    for item in chosen or records.fields.values():
        record[item.name] = values.get(item.name, False if item.type == "boolean" else None)
    record["Id"] = values["Id"]
    return record
