"""Changes of records: whatever a caller brings is checked as Salesforce does, field by field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from conjunct.simulators.salesforce import errors, moments
from conjunct.simulators.salesforce.database import Database, read_id
from conjunct.simulators.salesforce.definitions import NUMERIC, TEXTUAL, Field, Record, Value
from conjunct.simulators.salesforce.errors import SalesforceError
from conjunct.simulators.salesforce.store import Records

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_LONGEST_INT = 2**31


class Writer:
    """Creates, changes and deletes records. Everything raises `SalesforceError` and then has changed nothing."""

    def __init__(self, database: Database, *, text: bool = False) -> None:
        """`text` says that values come as texts (of CSV) rather than as JSON has them."""
        self._database = database
        self._text = text

    def create(self, records: Records, body: Mapping[str, Any]) -> str:
        """Add a record and return its id."""
        if not records.kind.createable:
            raise errors.invalid("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type cannot be inserted: "
                                 f"{records.kind.label}")  # fmt: skip
        values = self._values(records, body, new=True)
        missing = [
            item.name for item in records.fields.values() if item.required and values.get(item.name) in (None, "")
        ]
        if missing:
            raise errors.invalid(
                "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(missing)}]", *missing
            )
        defaults = {
            item.name: item.default
            for item in records.fields.values()
            if item.default is not None and item.name not in values
        }
        numbered = {item.name: f"{records.count + 1000:08d}" for item in records.fields.values() if item.auto_number}
        complete = {**defaults, **numbered, **values}
        self._check_permission(records, complete)
        self._check_unique(records, complete, None)
        return records.record_id(records.insert(complete, self._database.now()))

    def update(self, records: Records, place: int, body: Mapping[str, Any]) -> None:
        """Change a record."""
        if place in records.deleted:
            raise errors.deleted()
        values = self._values(records, body, new=False)
        cleared = [name for name, value in values.items() if value is None and records.fields[name.lower()].required]
        if cleared:
            raise errors.invalid(
                "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(cleared)}]", *cleared
            )
        self._check_unique(records, {**records.values(place), **values}, place, values)
        records.change(place, values, self._database.now())

    def upsert(self, records: Records, key: Field, value: Any, body: Mapping[str, Any]) -> tuple[str, bool]:
        """Change the record whose external id has this value, or add it; its id, and whether it is new."""
        places = [place for place in self.by_key(records, key, value) if place not in records.deleted]
        rest = {name: item for name, item in body.items() if name.lower() not in (key.name.lower(), "attributes")}
        if not places:
            return self.create(records, rest if key.type == "id" else {**rest, key.name: value}), True
        self.update(records, places[0], rest)
        return records.record_id(places[0]), False

    def by_key(self, records: Records, key: Field, value: Any) -> list[int]:
        """The places of the records, deleted or not, whose external id (or id) has this value."""
        if key.type == "id":
            long_id = read_id(value)
            place = None if long_id is None else records.place(long_id)
            if place is None:
                raise errors.malformed_id("Record ID", value, "Id") if long_id is None else errors.no_external_id(value)
            return [place]
        return list(records.holders(key.name, convert(key, value, text=True)))

    def delete(self, records: Records, place: int) -> None:
        """Put a record into the recycle bin."""
        if place in records.deleted:
            raise errors.deleted()
        if not records.kind.deletable:
            raise errors.invalid("CANNOT_DELETE_ENTITY", f"entity type cannot be deleted: {records.kind.label}")
        records.delete(place, self._database.now())

    def _values(self, records: Records, body: Mapping[str, Any], *, new: bool) -> Record:
        values: Record = {}
        refused = []
        for name, given in body.items():
            if name == "attributes":
                continue
            item, value = self._resolve(records, name, given)
            if not (item.createable if new else item.updateable):
                refused.append(item.name)
                continue
            values[item.name] = value if item is not records.field(name) else convert(item, value, text=self._text)
            self._check_reference(item, values)
        if refused:
            raise errors.invalid(
                "INVALID_FIELD_FOR_INSERT_UPDATE",
                f"Unable to create/update fields: {', '.join(refused)}. Please check the security settings of this "
                "field and verify that it is read/write for your profile or permission set.",
                *refused,
            )
        return values

    def _resolve(self, records: Records, name: str, given: Any) -> tuple[Field, Any]:
        """The field of this name, or the one that `{relationship: {external id: value}}` sets."""
        item = records.field(name)
        if item is not None:
            return item, given
        item = self._database.parents(records).get(name.lower())
        if item is None or not isinstance(given, Mapping):
            raise errors.no_such_column(name, records.kind.name)
        parent = self._database.records(item.refers_to[0], 400)
        for key_name, value in given.items():
            key = parent.field(key_name)
            if key is None or not (key.external_id or key.type == "id"):
                continue
            places = [place for place in self.by_key(parent, key, value) if place not in parent.deleted]
            if not places:
                raise errors.invalid(
                    "INVALID_FIELD",
                    f"Foreign key external ID: {value} not found for field {key.name} in entity {parent.kind.name}",
                )
            return item, parent.record_id(places[0])
        raise errors.no_such_column(name, records.kind.name)

    def _check_reference(self, item: Field, values: Record) -> None:
        value = values[item.name]
        if item.type != "reference" or value is None:
            return
        holder = self._database.holder(value)
        if holder is not None and holder[0].kind.name not in item.refers_to:
            raise errors.malformed_id(item.label or item.name, value, item.name)
        if holder is None or holder[1] in holder[0].deleted:
            raise errors.invalid("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")

    def _check_permission(self, records: Records, values: Record) -> None:
        """A permission for a field needs the field, and one that may be hidden."""
        if records.kind.name != "FieldPermissions":
            return
        object_name, _, field_name = values["Field"].partition(".")
        holder = self._database.find(object_name)
        item = None if holder is None else holder.field(field_name)
        if item is None or item.required or not item.writable or values["SobjectType"] != object_name:
            raise errors.invalid(
                "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                f"Field Name: bad value for restricted picklist field: {values['Field']}",
                "Field",
            )

    def _check_unique(self, records: Records, whole: Record, place: int | None, only: Record | None = None) -> None:
        """Raises `SalesforceError` when a record other than the one at `place` has what must be unique."""
        for item in records.fields.values():
            value = whole.get(item.name)
            if item.unique and value is not None and (only is None or item.name in only):
                self._check_other(records, item.name, list(records.holders(item.name, value)), place)
        names = records.kind.unique_together
        if names:
            first, *others = names
            places = [
                other
                for other in records.holders(first, whole.get(first))
                if all(records.values(other).get(name) == whole.get(name) for name in others)
            ]
            self._check_other(records, ", ".join(names), places, place)

    def _check_other(self, records: Records, name: str, places: list[int], place: int | None) -> None:
        for other in places:
            if other != place and other not in records.deleted:
                raise errors.duplicate(name, records.record_id(other))


def convert(item: Field, value: Any, *, text: bool = False) -> Value:
    """A value as it is kept. `text` says that it comes of a text (a path or CSV) rather than of JSON.

    Raises `SalesforceError`.
    """
    if value is None or value == "":
        return False if item.type == "boolean" and value is None else None
    if item.type == "boolean":
        return _boolean(item, value, text=text)
    if item.type in NUMERIC:
        return _number(item, value, text=text)
    if item.type in ("date", "datetime"):
        return _moment(item, value, text=text)
    if item.type in ("reference", "id"):
        long_id = read_id(value)
        if long_id is None:
            raise errors.malformed_id(item.label or item.name, value, item.name)
        return long_id
    if item.type in TEXTUAL:
        return _text(item, value)
    raise errors.wrong_type(item.type, value)


def _boolean(item: Field, value: Any, *, text: bool) -> bool:
    if isinstance(value, bool):
        return value
    if text or isinstance(value, str):
        lowered = str(value).lower()
        if lowered in ("true", "false", "1", "0"):
            return lowered in ("true", "1")
    raise _wrong(item, "boolean", value, text=text)


def _number(item: Field, value: Any, *, text: bool) -> int | float:
    if isinstance(value, str):
        try:
            value = int(value) if value.lstrip("-").isdecimal() else float(value)
        except ValueError:
            raise _wrong(item, "double", value, text=text) from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise errors.wrong_type("double", value)
    if value != value or abs(value) >= (_LONGEST_INT if item.type == "int" else 1e18):
        raise errors.invalid(
            "NUMBER_OUTSIDE_VALID_RANGE", f"{item.label or item.name}: value outside of valid range on numeric field: "
            f"{value}", item.name
        )  # fmt: skip
    return int(value) if item.type == "int" else float(value)


def _moment(item: Field, value: Any, *, text: bool) -> str:
    if isinstance(value, str):
        try:
            return moments.read_date(value) if item.type == "date" else moments.read(value)
        except ValueError:
            pass
    raise _wrong(item, item.type, value, text=text)


def _text(item: Field, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise errors.wrong_type("string", value)
    words = str(value)
    label = item.label or item.name
    if item.length and len(words) > item.length:
        raise errors.invalid(
            "STRING_TOO_LONG", f"{label}: data value too large: {words} (max length={item.length})", item.name
        )
    if item.type == "email" and not _EMAIL.fullmatch(words):
        raise errors.invalid("INVALID_EMAIL_ADDRESS", f"{label}: invalid email address: {words}", item.name)
    chosen = words.split(";") if item.type == "multipicklist" else [words]
    allowed = {value for value, _label in item.options}
    if item.restricted and not allowed.issuperset(chosen):
        raise errors.invalid(
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", f"{label}: bad value for restricted picklist field: {words}",
            item.name,
        )  # fmt: skip
    return words


def _wrong(item: Field, kind: str, value: Any, *, text: bool) -> SalesforceError:
    if not text:
        return errors.wrong_type(kind, value)
    message = f"{item.label or item.name}: value not of required type: {value}"
    return errors.invalid("INVALID_TYPE_ON_FIELD_IN_RECORD", message, item.name)
