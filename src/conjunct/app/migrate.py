"""Brings a database's schema to this version's, one process at a time."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from conjunct.core.database import Database

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 0x636F6E6A  # "conj": whoever holds it migrates, the others wait and then find nothing to do


@cache
def head() -> str:
    """The schema version that this code needs."""
    # The files are numbered and there is one line of them, so that this needs no Alembic, whose import takes long.
    return max(file.name.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))


async def migrate(database: Database) -> None:
    """Run the migrations that the database lacks, all in one transaction."""
    if await current_version(database) == head():
        return
    from alembic import command  # noqa: PLC0415 - see `head`

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
    from alembic.config import Config  # noqa: PLC0415 - see `head`

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
