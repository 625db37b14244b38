"""Write the migration that brings the migrated schema to the models: `scripts/make_migration.py "what it does"`."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import cast

from alembic import command
from alembic.script import Script
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
            made = cast("Script", command.revision(config, message, autogenerate=True, rev_id=f"{number:04}"))
            path = Path(made.path)
            # Alembic marks what it has written as still to be looked through.
            path.write_text(re.sub(r"^ +# ###.*\n", "", path.read_text(), flags=re.MULTILINE))

        async with database.engine.begin() as connection:
            await connection.run_sync(compare)
        await database.dispose()


if __name__ == "__main__":
    asyncio.run(make(" ".join(sys.argv[1:]) or "change"))
