"""Write the migration that brings the migrated schema to the models: `scripts/make_migration.py "what it does"`."""

from __future__ import annotations

import asyncio
import sys

from alembic import command
from sqlalchemy import Connection

from conjunct.app.embedded import scratch_postgres
from conjunct.app.migrate import MIGRATIONS, alembic_config, migrate
from conjunct.app.tables import load_metadata
from conjunct.core.database import Database


async def make(message: str) -> None:
    """Compare the models with a scratch database that has every migration, and write the difference as a new one."""
    async with scratch_postgres() as server:
        database = Database(server.url)
        if any((MIGRATIONS / "versions").glob("*.py")):
            await migrate(database)

        def compare(connection: Connection) -> None:
            config = alembic_config(connection)
            config.attributes["metadata"] = load_metadata()
            number = len(list((MIGRATIONS / "versions").glob("*.py"))) + 1
            command.revision(config, message, autogenerate=True, rev_id=f"{number:04}")

        async with database.engine.begin() as connection:
            await connection.run_sync(compare)
        await database.dispose()


if __name__ == "__main__":
    asyncio.run(make(" ".join(sys.argv[1:]) or "change"))
