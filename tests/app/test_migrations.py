"""The migrations make what the models say, once, however many processes start at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from conjunct.app.migrate import current_version, head, migrate
from conjunct.app.tables import load_metadata
from conjunct.core.database import Database
from conjunct.kit.ids import new_id

CATALOG = {
    "columns": """
        SELECT c.relname, a.attname, a.attnum, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
            a.attstorage, a.attcompression, l.collname, pg_get_expr(d.adbin, d.adrelid)
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        LEFT JOIN pg_collation l ON l.oid = a.attcollation
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0
            AND NOT a.attisdropped""",
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), condeferrable, condeferred
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace""",
    "indexes": """
        SELECT indrelid::regclass::text, pg_get_indexdef(indexrelid), array_to_string(c.reloptions, ',')
        FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE c.relnamespace = 'public'::regnamespace""",
    "tables": """
        SELECT relname, relkind, relpersistence, array_to_string(reloptions, ',') FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind NOT IN ('i', 'I', 't')""",
    "functions and triggers": """
        SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        UNION ALL SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal""",
}

NewDatabase = Callable[[], Awaitable[Database]]


@pytest.fixture
async def new_database(server_url: str) -> AsyncIterator[NewDatabase]:
    """Makes empty databases, which go with the test."""
    async with _empty_databases(server_url) as make:
        yield make


@asynccontextmanager
async def _empty_databases(server_url: str) -> AsyncIterator[NewDatabase]:
    made: list[Database] = []
    connection = await asyncpg.connect(server_url)

    async def make() -> Database:
        name = "conjunct_test_" + new_id().replace("-", "")
        await connection.execute(f'CREATE DATABASE "{name}"')
        url = Database(server_url).url.set(database=name, drivername="postgresql")
        made.append(Database(url.render_as_string(hide_password=False)))
        return made[-1]

    try:
        yield make
    finally:
        for database in made:
            await database.dispose()
            await connection.execute(f'DROP DATABASE "{database.url.database}" WITH (FORCE)')
        await connection.close()


async def _catalog(database: Database) -> dict[str, set[tuple[Any, ...]]]:
    """What the database's own catalog says of it, but for the table in which the migrations keep their version."""
    async with database.reading() as connection:
        found = {what: (await connection.execute(text(sql))).all() for what, sql in CATALOG.items()}
    return {what: {tuple(row) for row in rows if row[0] != "alembic_version"} for what, rows in found.items()}


async def _create_from_models(database: Database) -> None:
    async with database.engine.begin() as connection:
        await connection.run_sync(load_metadata().create_all)


async def test_the_migrations_make_what_the_models_say(new_database: NewDatabase) -> None:
    migrated, modelled = await new_database(), await new_database()
    await migrate(migrated)
    await _create_from_models(modelled)
    by_migrations, by_models = await _catalog(migrated), await _catalog(modelled)
    for what in CATALOG:
        assert by_migrations[what] - by_models[what] == set(), f"only the migrations make these {what}"
        assert by_models[what] - by_migrations[what] == set(), f"only the models have these {what}"
    assert len(by_models["tables"]) > 15
    assert len(by_models["indexes"]) > 30


async def test_alembic_finds_nothing_left_to_migrate(new_database: NewDatabase) -> None:
    database = await new_database()
    await migrate(database)

    def compare(connection: Connection) -> Any:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return compare_metadata(context, load_metadata())

    async with database.engine.connect() as connection:
        assert await connection.run_sync(compare) == []


async def test_a_migrated_database_is_at_the_newest_version(new_database: NewDatabase) -> None:
    database = await new_database()
    assert await current_version(database) is None
    await migrate(database)
    assert await current_version(database) == head()


async def test_migrating_again_changes_nothing(new_database: NewDatabase) -> None:
    database = await new_database()
    await migrate(database)
    before = await _catalog(database)
    async with database.transaction() as session:
        await session.execute(text("INSERT INTO org (id, label, default_team_id) VALUES ('kept', 'Kept', 'team')"))
    await migrate(database)
    assert await _catalog(database) == before
    async with database.reading() as connection:
        assert await connection.scalar(text("SELECT label FROM org")) == "Kept"


async def test_processes_that_start_at_once_migrate_once(new_database: NewDatabase) -> None:
    database = await new_database()
    others = [Database(database.dsn) for _ in range(3)]
    await asyncio.gather(*(migrate(each) for each in (database, *others)))
    for other in others:
        await other.dispose()
    async with database.reading() as connection:
        assert (await connection.scalars(text("SELECT version_num FROM alembic_version"))).all() == [head()]


async def test_a_migration_that_fails_leaves_nothing(new_database: NewDatabase) -> None:
    database = await new_database()
    async with database.engine.begin() as connection:
        await connection.execute(text("CREATE TABLE worker (mine text)"))
    with pytest.raises(Exception, match=r'relation "worker" already exists'):
        await migrate(database)
    async with database.reading() as connection:
        tables = await connection.scalars(
            text("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'")
        )
        assert tables.all() == ["worker"]
