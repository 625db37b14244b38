"""Brings a database's schema to this version's, one process at a time."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from conjunct.core.database import Database

MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 0x636F6E6A  # "conj": whoever holds it migrates, the others wait and then find nothing to do


@cache
def head() -> str:
    """The schema version that this code needs."""
    found = ScriptDirectory.from_config(alembic_config()).get_current_head()
    if found is None:
        raise RuntimeError("there are no migrations")
    return found


async def migrate(database: Database) -> None:
    """Run the migrations that the database lacks, all in one transaction."""
    async with database.engine.begin() as connection:
        await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        await connection.run_sync(lambda sync: command.upgrade(alembic_config(sync), "head"))


async def current_version(database: Database) -> str | None:
    """The schema version that the database has; None when it has none yet."""
    async with database.reading() as connection:
        found = await connection.scalar(text("SELECT to_regclass('alembic_version') IS NOT NULL"))
        if not found:
            return None
        version: str | None = await connection.scalar(text("SELECT version_num FROM alembic_version"))
        return version


def alembic_config(connection: Connection | None = None) -> Config:
    """Alembic's configuration for our migrations, run on `connection`."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
