"""Which columns hold envelopes, as data: so that one job can seal them all anew when keys are rotated.

A slice that keeps secrets has a module `sealed` whose `SEALED` lists its columns; they are found there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Column, Table
from sqlalchemy.orm import InstrumentedAttribute


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of envelopes, null or not.

    `sealed_with` are the keys of the project that the table's `project_id` names, or the master keys. `place` gives the
    place that an envelope was sealed for, from the value of `row` (the column `id` without it) in its row. A
    `short_lived` column is not sealed anew: it says why its rows are soon gone; their key is kept until then.
    """

    attribute: InstrumentedAttribute[bytes] | InstrumentedAttribute[bytes | None]
    place: Callable[[Any], str]
    row: InstrumentedAttribute[Any] | None = None
    sealed_with: Literal["project", "master"] = "project"
    short_lived: str | None = None

    @property
    def name(self) -> str:
        """Such as `connection.sealed_credentials`."""
        return f"{self.table.name}.{self.column.name}"

    @property
    def table(self) -> Table:
        """The table that it stands in."""
        table: Table = self.column.table
        return table

    @property
    def column(self) -> Column[Any]:
        """The column itself."""
        return _column(self.attribute)

    @property
    def row_column(self) -> Column[Any]:
        """The column whose value names the row in its place."""
        column: Column[Any] = self.table.c.id if self.row is None else _column(self.row)
        return column


def _column(attribute: InstrumentedAttribute[Any]) -> Column[Any]:
    column: Column[Any] = attribute.property.columns[0]
    return column
