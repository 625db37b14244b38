"""How many messages go out in a second: of a project in all, and to a destination that asks for a limit.

All processes share the counts. Each takes messages from them in lots, so that most cost no query.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from functools import partial

from sqlalchemy import text

from conjunct.core.database import Database
from conjunct.core.pacing import REAL, Hand, Pace
from conjunct.delivery.terms import Terms
from conjunct.kit.slots import Window, largest_lot, take_lot

MAX_KEPT = 1000
_OF_PROJECT = ""

MOMENT = "extract(epoch from clock_timestamp())::float8"

# The moment is the database's, once the row is ours: what is locked comes out of its subquery only then. What a crash
# of the database loses of the counts is made up soon.
_TAKE = text(f"""
with relaxed as (select set_config('synchronous_commit', 'off', true)),
bucket as materialized (
    select b.slot, b.taken from relaxed, delivery_bucket b where b.project_id = :project_id and b.name = :name
    for update of b
)
select slot, taken, {MOMENT} as now from bucket
""")  # noqa: S608 - a constant
_MAKE = text("""
insert into delivery_bucket (project_id, name, slot, taken)
select id, :name, 0, '[]' from project where id = :project_id
on conflict do nothing
""")
_SET = text("""
update delivery_bucket set slot = :slot, taken = cast(:taken as jsonb)
where project_id = :project_id and name = :name
""")


@dataclass(frozen=True, slots=True)
class _PerSecond:
    requests: int
    seconds: float = 1.0


class Rates:
    """The limits of this process's projects and destinations. `per_project` is None where projects have none."""

    def __init__(self, database: Database, per_project: int | None, *, pace: Pace = REAL) -> None:
        self._database = database
        self._per_project = per_project
        self._pace = pace
        self._hands: OrderedDict[tuple[str, str, int], Hand] = OrderedDict()

    async def take(self, project_id: str, destination_id: str, terms: Terms, *, until: float) -> None:
        """Wait until a message may go to the destination. Raises `NoneLeft` when none may by then; see `deadline`."""
        if terms.rate_per_second is not None:  # the narrow one first, which is the first to be empty
            await self._hand(project_id, destination_id, terms.rate_per_second).take(until)
        if self._per_project is not None:
            await self._hand(project_id, _OF_PROJECT, self._per_project).take(until)

    def deadline(self, patience: float) -> float:
        """The moment so many seconds from now."""
        return self._pace.seconds() + patience

    def _hand(self, project_id: str, name: str, per_second: int) -> Hand:
        key = project_id, name, per_second
        hand = self._hands.get(key)
        if hand is None:
            rate = _PerSecond(per_second)
            first = max(1, largest_lot(rate) // 4)
            hand = self._hands[key] = Hand(rate, partial(self._lot, project_id, name, rate), self._pace, first=first)
        self._hands.move_to_end(key)
        if len(self._hands) > MAX_KEPT:
            self._hands.popitem(last=False)
        return hand

    async def _lot(self, project_id: str, name: str, rate: _PerSecond, wanted: int) -> tuple[int, float]:
        key = {"project_id": project_id, "name": name}
        async with self._database.transaction() as session:
            row = (await session.execute(_TAKE, key)).first()
            if row is None:
                await session.execute(_MAKE, key)
                row = (await session.execute(_TAKE, key)).first()
            if row is None:  # the project was removed, and what is sent for it will find that out
                return wanted, 0.0
            after, lot = take_lot(Window(row.slot, tuple(row.taken)), rate, row.now, wanted)
            if lot.requests:
                taken = "[" + ",".join(map(str, after.taken)) + "]"
                await session.execute(_SET, {**key, "slot": after.slot, "taken": taken})
        return lot.requests, lot.wait
