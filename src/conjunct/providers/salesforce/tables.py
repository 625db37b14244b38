"""Results of the Bulk API, which are tables of texts, as the records that a query by REST gives. Pure.

A table has no compound fields, such as an address; they are put together of the columns that are parts of them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from conjunct.connectors.answers import exact_number, finite_number
from conjunct.connectors.errors import MalformedAnswer
from conjunct.connectors.query import ObjectSchema

LONG_TEXT = 20
"""So many other values are about as large as a long text."""

_NEVER = {"base64", "anyType", "complexvalue", "json"}
_COMPOUND = {"address", "location"}
_PARTS = {
    "City": "city",
    "Country": "country",
    "CountryCode": "countryCode",
    "GeocodeAccuracy": "geocodeAccuracy",
    "Latitude": "latitude",
    "Longitude": "longitude",
    "PostalCode": "postalCode",
    "State": "state",
    "StateCode": "stateCode",
    "Street": "street",
}

_CODES = {"countryCode", "stateCode"}
"""Parts of an address that an org has only with its lists of countries and states."""


@dataclass(frozen=True, slots=True)
class Table:
    """What a job is asked for: `query`, in SOQL, and how its columns become a record of `fields`.

    `compounds` are the parts of each compound field: the columns by the names that they have in it.
    """

    object: str
    query: str
    fields: tuple[str, ...]
    compounds: Mapping[str, Mapping[str, str]]
    types: Mapping[str, str]

    @property
    def width(self) -> int:
        """How many values a record is about as large as."""
        return sum(LONG_TEXT if self.types.get(name.lower()) == "textarea" else 1 for name in self.fields)

    def entries(self, body: bytes) -> Iterator[dict[str, Any]]:
        """The records in a page of results. Raises `MalformedAnswer`."""
        try:
            rows = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True)
            names = next(rows, [])
            readers = [_READERS.get(self.types.get(name.lower(), ""), _text) for name in names]
            spelled = {name.lower(): name for name in names}
            for row in rows:
                values = {name: read(value) for name, read, value in zip(names, readers, row, strict=True)}
                yield self._record(values, spelled)
        except (ValueError, csv.Error):
            raise MalformedAnswer("the results of a job are not the table that they should be") from None

    def _record(self, values: dict[str, Any], spelled: Mapping[str, str]) -> dict[str, Any]:
        about = {"type": self.object, "url": f"/services/data/v60.0/sobjects/{self.object}/{values.get('Id')}"}
        record: dict[str, Any] = {"attributes": about}
        for name in self.fields:
            parts = self.compounds.get(name)
            if parts is None:
                record[spelled.get(name.lower(), name)] = values.get(spelled.get(name.lower(), name))
            else:
                compound = {key: values.get(column) for key, column in parts.items()}
                record[name] = compound if any(value is not None for value in compound.values()) else None
        return record


def table_of(query: str, schema: ObjectSchema) -> Table | None:
    """The table for a query of plain fields; None where a field cannot stand in one."""
    selected = query.removeprefix("SELECT ").partition(" FROM ")[0]
    fields = tuple(name.strip() for name in selected.split(","))
    known = {name.lower(): field for name, field in schema.fields.items()}
    columns: dict[str, None] = {}
    compounds: dict[str, Mapping[str, str]] = {}
    for name in fields:
        field = known.get(name.lower())
        if field is None or field.provider_type in _NEVER:
            return None  # a parent's field, too: it stands deeper in a record
        parts = {name: name}
        if field.provider_type in _COMPOUND:
            parts = compounds[name] = _parts(field.field_name, field.provider_type == "location", schema)
            if not any(parts.values()):
                return None
        columns |= dict.fromkeys(column for column in parts.values() if column)
    types = {name: field.provider_type or "" for name, field in known.items()}
    return Table(schema.name, query.replace(selected, ",".join(columns), 1), fields, compounds, types)


def _parts(compound: str, is_location: bool, schema: ObjectSchema) -> dict[str, str]:
    """`BillingCity` of `BillingAddress`, `Home__City__s` of `Home__c`; an empty text for one that the org has not."""
    before, after = compound.removesuffix("Address"), ""
    if compound.endswith("__c"):
        before, after = compound.removesuffix("c"), "__s"
    spelled = {key: f"{before}{part}{after}" for part, key in _PARTS.items()}
    always = {"latitude", "longitude"} if is_location else set(_PARTS.values()) - _CODES
    return {
        key: column if column in schema.fields else ""
        for key, column in spelled.items()
        if key in always or (column in schema.fields and not is_location)
    }


def _text(value: str) -> str | None:
    return value or None


def _flag(value: str) -> bool | None:
    return value == "true" if value else None


def _whole(value: str) -> int | str | None:
    return exact_number(value.removesuffix(".0")) if value else None


def _number(value: str) -> float | str | None:
    return finite_number(value) if value else None


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
