"""The tables as the database has them: what a migration must yield."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData

from conjunct.core.database import Base
from conjunct.queue.models import JobRow, ScheduleRow, WorkerRow


async def test_the_tables_carry_their_storage_settings(queue):
    rows = await queue.execute(
        "select relname, reloptions from pg_class where relname in ('job', 'schedule', 'worker') and relkind = 'r'"
    )

    options = {row.relname: dict(option.split("=") for option in row.reloptions) for row in rows}
    assert options["job"] == options["schedule"]
    assert options["job"]["fillfactor"] == "85"
    assert options["job"]["autovacuum_vacuum_scale_factor"] == "0.02"
    assert options["worker"] == {"fillfactor": "50"}


async def test_autogenerate_finds_no_difference(queue):
    ours = MetaData(naming_convention=Base.metadata.naming_convention)
    for model in (JobRow, ScheduleRow, WorkerRow):
        Base.metadata.tables[model.__tablename__].to_metadata(ours)
    options = {"include_name": lambda name, kind, _: kind != "table" or name in ours.tables}

    async with queue.database.engine.connect() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync, opts=options), ours)
        )

    assert differences == []


async def test_no_claim_reads_jobs_that_are_not_ready(queue):
    await queue.execute(
        "insert into job (tenant, kind, ref_id, state, run_at, max_attempts) "
        "select 'p', 'k', n::text, 'delayed', now() + interval '1 day', 1 from generate_series(1, 5000) n"
    )
    await queue.execute("analyze job")

    plan = await queue.execute(
        "explain select tenant from job where state = 'ready' and tenant > '' order by tenant limit 1"
    )

    assert "job_ready_idx" in "\n".join(row[0] for row in plan)
