"""Reads take turns: one that is due begins although a backfill has every place, and nothing comes twice for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from conjunct.core.database import Database
from conjunct.queue import turns
from conjunct.simulators import SimulatorOptions
from tests.support.platform import running_platform, running_worker
from tests.support.reading import COMPANIES, contacts, rows, run_of, set_up


@pytest.fixture
def short_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TURN", "ASKED_EVERY", "WAITED"):
        monkeypatch.setattr(turns, name, 0.0)


async def test_a_read_that_comes_later_is_done_before_a_backfill_that_has_the_only_place(
    database: Database, tmp_path: Path, short_turns: None
) -> None:
    simulated = SimulatorOptions(records=3000, latency=0.02)
    none = {**COMPANIES, "backfill": {"defaultPeriod": {"days": 0}}}
    async with running_platform(database, tmp_path, simulated=simulated, worker=False, worker_slots=1) as platform:
        await set_up(platform, none)
        [backfill] = await platform.operations()
        async with running_worker(platform.services):
            await platform.receiver.wait_for(2)
            path = f"/read{platform.project}/integrations/crm/objects/companies"
            body = {"groupRef": "acme", "mode": "async", "sinceTimestamp": "2100-01-01T00:00:00Z"}
            triggered = (await platform.client.post(path, json=body)).json()["operationId"]
            assert (await platform.ended(triggered))["status"] == "success"
            assert (await run_of(platform, backfill["id"])).active
            assert (await platform.ended(backfill["id"]))["result"] == "[contacts] 3000 records read"
        assert sorted(platform.delivered()) == sorted(await contacts(platform))  # none twice
        assert "retry" not in (await platform.send("GET", f"/operations/{backfill['id']}", 200))["metadata"]
        assert await rows(platform, "select 1 from job where kind like 'read.%'") == []
