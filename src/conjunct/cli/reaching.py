"""The database, as commands reach it: the one that DATABASE_URL names, or the embedded one of a data folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING

from conjunct.cli.output import CommandFailed

if TYPE_CHECKING:
    from conjunct.core.database import Database
    from conjunct.core.settings import Settings


@asynccontextmanager
async def reached_database(settings: Settings) -> AsyncIterator[Database]:
    """The database for the length of the block, its schema being this version's.

    The embedded one is that of the `conjunct up` that runs on the data folder; else it is started for the block.
    """
    from conjunct.app.migrate import current_version, head
    from conjunct.core.database import Database

    async with AsyncExitStack() as stack:
        database = Database(await _address(settings, stack), pool_size=2, application_name="conjunct-admin")
        stack.push_async_callback(database.dispose)
        version = await current_version(database)
        if version != head():
            raise CommandFailed(
                f"The database's schema is at {version}, and this version of Conjunct needs {head()}.",
                "Run `conjunct migrate`, or start `conjunct up` once, and try again.",
            )
        yield database


async def _address(settings: Settings, stack: AsyncExitStack) -> str:
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    from conjunct.app.embedded import DataDirectoryInUse, EmbeddedPostgres

    data_dir = settings.data_dir.absolute()
    if not (data_dir / "postgres").exists():
        raise CommandFailed(
            f"DATABASE_URL is not set, and there is no embedded database in {data_dir}.",
            "Set DATABASE_URL, or name the folder of `conjunct up` with --data-dir.",
        )
    server = EmbeddedPostgres(data_dir)
    with suppress(DataDirectoryInUse):  # a `conjunct up` runs it, and we may use it as well
        await stack.enter_async_context(server)
    return server.url
