"""Associations: which records of other objects belong to each record, delivered with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from conjunct.core.database import Database
from conjunct.simulators import SimulatorOptions
from tests.support.platform import Platform, running_platform
from tests.support.reading import COMPANIES, backfilled, manifest, scheduled_read, touch
from tests.support.servers import NO_AUTHORITIES


async def associated(platform: Platform, record_id: str, other: str) -> list[dict[str, Any]]:
    """What the simulated account says belongs to a contact."""
    async with httpx.AsyncClient(headers={"Authorization": "Bearer good"}, verify=NO_AUTHORITIES) as hubspot:
        path = f"{platform.hubspot.url}/crm/v4/objects/contacts/{record_id}/associations/{other}"
        found: list[dict[str, Any]] = (await hubspot.get(path)).raise_for_status().json()["results"]
        return found


async def test_each_record_comes_with_what_belongs_to_it_under_the_builders_names(
    database: Database, tmp_path: Path
) -> None:
    companies = {**COMPANIES, "mapToName": "company", "schedule": "", "backfill": {"defaultPeriod": {"days": 0}}}
    async with running_platform(database, tmp_path, simulated=SimulatorOptions(records=120)) as platform:
        await backfilled(platform, companies, associations=["companies", "deals"])
        told = {
            each["raw"]["id"]: each["associations"] for m in platform.receiver.messages for each in m.body["result"]
        }
        assert len(told) == 120
        assert any(each["companies"] for each in told.values())
        assert any(each["deals"] for each in told.values())
        for record_id in list(told)[:5]:
            for other, name in (("companies", "company"), ("deals", "deals")):
                assert told[record_id][other] == [
                    {
                        "id": str(one["toObjectId"]),
                        "objectName": name,
                        "rawObjectName": other,
                        "providerAssociationMetadata": kind,
                    }
                    for one in await associated(platform, record_id, other)
                    for kind in one["associationTypes"]
                ]

        [changed] = touch(platform, 1)
        operation = await scheduled_read(platform)
        [message] = [each.body for each in platform.receiver.messages if each.body["operationId"] == operation["id"]]
        [entry] = message["result"]
        assert (entry["raw"]["id"], entry["associations"]) == (changed, told[changed])


async def test_an_association_that_the_account_does_not_have_refuses_the_installation(
    database: Database, tmp_path: Path
) -> None:
    async with running_platform(database, tmp_path, worker=False) as platform:
        await platform.deploy(manifest(associations=["butterflies"]))
        await platform.connect()
        body = {"groupRef": "acme", "config": {"content": {}}}
        refused = await platform.send("POST", "/integrations/crm/installations", 422, json=body)
        assert [issue["name"] for issue in refused["issues"]] == ["config.content.read.objects.contacts"]
        assert "butterflies" in refused["issues"][0]["detail"]
