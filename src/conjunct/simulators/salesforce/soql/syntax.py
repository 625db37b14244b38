"""What a query says, as a tree. `at` is where in the text a name stands, for refusals."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Union


@dataclass(frozen=True, slots=True)
class Path:
    """A field, perhaps of a parent: `Account.Owner.Name`."""

    names: tuple[str, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Aggregate:
    """`COUNT(Id)`, `MAX(Amount) biggest` …: the function in upper case. `COUNT()` has no field."""

    function: str
    path: Path | None
    alias: str | None
    at: int


@dataclass(frozen=True, slots=True)
class AllFields:
    """`FIELDS(ALL)`, `FIELDS(STANDARD)` or `FIELDS(CUSTOM)`."""

    which: Literal["ALL", "STANDARD", "CUSTOM"]
    at: int


@dataclass(frozen=True, slots=True)
class Constant:
    """A value in a condition: `kind` is `text`, `number`, `moment`, `date`, `boolean`, `null` or `range`.

    A range is a word such as `LAST_N_DAYS` with the number after it, else None.
    """

    kind: str
    value: str | int | float | bool | None
    count: int | None = None
    at: int = 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """One condition. `operator` is in upper case; `values` are several only for IN, NOT IN, INCLUDES, EXCLUDES."""

    path: Path
    operator: str
    values: tuple[Constant, ...]
    query: Query | None = None


@dataclass(frozen=True, slots=True)
class Not:
    """The condition must not hold."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class All:
    """All conditions must hold."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One condition must hold."""

    conditions: tuple[Condition, ...]


Condition = Comparison | Not | All | AnyOf


@dataclass(frozen=True, slots=True)
class Order:
    """What results are sorted by."""

    path: Path
    descending: bool = False
    nulls_last: bool = False


Item = Union[Path, Aggregate, AllFields, "Query"]


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query. Within another query, `source` is the name of a relationship."""

    items: tuple[Item, ...]
    source: str
    source_at: int
    where: Condition | None = None
    group_by: tuple[Path, ...] = ()
    order_by: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int = 0
    text: str = field(default="", compare=False)

    @property
    def counts(self) -> bool:
        """Whether it is `SELECT COUNT()`, which answers a number and no records."""
        first = self.items[0]
        return isinstance(first, Aggregate) and first.path is None
