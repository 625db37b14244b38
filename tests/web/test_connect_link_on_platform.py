"""What a visit to a hosted link leaves on a whole platform: an entry of the customer's doing, and no token anywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from conjunct.core.database import Database
from tests.support.platform import running_platform


async def test_a_visit_is_in_the_audit_log_and_its_token_in_no_log(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running_platform(database, tmp_path, worker=False) as platform:
        app = {"provider": "hubspot", "clientId": "c", "clientSecret": "s", "scopes": ["a"]}
        await platform.send("POST", "/provider-apps", 200, json=app)
        body = {"provider": "hubspot", "groupRef": "acme", "consumerRef": "ada"}
        made = await platform.send("POST", "/connect-links", 201, json=body)
        token = made["url"].rpartition("/")[2]
        platform.client.headers.pop("X-Api-Key")
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        statuses = [
            (await platform.client.get(f"/connect/{token}")).status_code,
            (await platform.client.post(f"/connect/{token}", headers=form)).status_code,
            (await platform.client.post(f"/connect/{token}?provider=x")).status_code,
            (await platform.client.get(f"/connect/{token}/more")).status_code,
        ]
        assert statuses == [200, 200, 400, 404]
        async with database.reading() as reading:
            rows = await reading.exec_driver_sql(
                "SELECT actor, action, e::text AS entry FROM audit_entry e ORDER BY e.id"
            )
            entries = [dict(row) for row in rows.mappings()]
        last = entries[-1]
        assert (last["actor"], last["action"]) == ("consumer:ada", "submitConnectLink")
        assert made["id"] in last["entry"]
        assert token not in str(entries)
    out, err = capsys.readouterr()
    assert "/connect/***" in out + err
    assert token not in out + err
