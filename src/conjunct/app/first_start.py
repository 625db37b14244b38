"""What a server does before it serves: migrations, and the first project where there is none."""

from __future__ import annotations

from pathlib import Path

from conjunct.app.bootstrap import FILE, bootstrap, update_bootstrap_url, write_bootstrap_file
from conjunct.app.migrate import migrate
from conjunct.core.database import Database
from conjunct.core.settings import Settings
from conjunct.tenants import ProjectKeys, TenantService


async def prepare_database(settings: Settings, *, url: str | None, database: Database | None = None) -> Path | None:
    """Migrate, and make the first project; returns the file that tells its key, if one was made."""
    own = database or open_database(settings, "conjunct-migrate")
    address = url or str(settings.public_url or f"http://{settings.host}:{settings.port}").rstrip("/")
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        await migrate(own)
        tenants = TenantService(ProjectKeys(settings.load_master_keys()))
        made = await bootstrap(own, tenants, lambda project: write_bootstrap_file(settings.data_dir, address, project))
    finally:
        if database is None:
            await own.dispose()
    if made is not None:
        return settings.data_dir / FILE
    update_bootstrap_url(settings.data_dir, address)
    return None


def open_database(settings: Settings, application_name: str) -> Database:
    """The database that the settings name."""
    if settings.database_url is None:
        raise ValueError("DATABASE_URL is not set")
    return Database(
        settings.database_url.get_secret_value(),
        pool_size=settings.database_pool_size,
        application_name=application_name,
        idle=settings.lease_seconds,
    )
