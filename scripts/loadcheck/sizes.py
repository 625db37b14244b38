"""What a database holds and what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import asyncpg

_COST = """
select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 as wal, xact_commit as commits, tup_inserted,
    tup_updated, tup_deleted
from pg_stat_database where datname = current_database()
"""
_TABLES = """
select relname, n_live_tup, n_dead_tup, n_tup_upd, n_tup_hot_upd, pg_table_size(relid) as heap,
    pg_indexes_size(relid) as indexes, to_char(last_autovacuum, 'HH24:MI:SS') as vacuumed, autovacuum_count
from pg_stat_user_tables where schemaname = 'public' order by pg_total_relation_size(relid) desc limit 12
"""
_INDEXES = """
select indexrelname, pg_relation_size(indexrelid) as size from pg_stat_user_indexes
order by size desc limit 6
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """Bytes of WAL, transactions and rows changed since the database was made."""

    wal: float
    commits: int
    rows: int

    @classmethod
    async def so_far(cls, connection: asyncpg.Connection) -> Self:
        """What it is now."""
        [row] = await connection.fetch(_COST)
        return cls(row["wal"], row["commits"], row["tup_inserted"] + row["tup_updated"] + row["tup_deleted"])

    def since(self, before: Cost) -> Cost:
        """What came after `before`."""
        return Cost(self.wal - before.wal, self.commits - before.commits, self.rows - before.rows)


async def database_size(connection: asyncpg.Connection) -> int:
    """Bytes of the whole database."""
    size: int = await connection.fetchval("select pg_database_size(current_database())")
    return size


async def print_tables(connection: asyncpg.Connection) -> None:
    """Tell of the largest tables and indexes."""
    await connection.execute("select pg_stat_force_next_flush()")
    print("  table                    live      dead   updates    hot      heap   indexes  autovacuums (last)")
    for row in await connection.fetch(_TABLES):
        hot = row["n_tup_hot_upd"] / row["n_tup_upd"] if row["n_tup_upd"] else 0
        vacuumed = f"{row['autovacuum_count']} ({row['vacuumed'] or 'never'})"
        print(
            f"  {row['relname']:20} {row['n_live_tup']:9,} {row['n_dead_tup']:9,} {row['n_tup_upd']:9,} {hot:6.0%} "
            f"{megabytes(row['heap'])} {megabytes(row['indexes'])}  {vacuumed}"
        )
    largest = ", ".join(
        f"{row['indexrelname']} {megabytes(row['size']).strip()}" for row in await connection.fetch(_INDEXES)
    )
    print(f"  largest indexes: {largest}")


def megabytes(size: Any) -> str:
    """Bytes for people."""
    return f"{size / 1024**2:6.1f} MB"


def percentiles(values: list[float], *, unit: str = "s") -> str:
    """The middle and the far end of many values."""
    if not values:
        return "none"
    ordered = sorted(values)
    points = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    told = [f"{name} {ordered[min(int(len(ordered) * share), len(ordered) - 1)]:.2f}" for name, share in points.items()]
    return f"{', '.join(told)}, most {ordered[-1]:.2f} {unit}"
