"""A plan over the whole platform: it tells what a deploy then does, and changes nothing anywhere."""

from __future__ import annotations

from copy import deepcopy

import pytest
import yaml

from tests.api.world import MANIFEST, World


@pytest.mark.parametrize("destructive", [True, False])
async def test_a_plan_changes_no_table_and_its_deploy_does_what_it_told(world: World, destructive: bool) -> None:
    manifest = deepcopy(MANIFEST)
    crm, tracker = manifest["integrations"]
    crm["read"]["objects"][0]["schedule"] = "0 0 * * *"
    tracker["read"]["objects"] = [
        {
            "objectName": "users",
            "destination": "nowhere",
            "schedule": "0 * * * *",
            "enabled": "always",
            "requiredFields": [{"fieldName": "login"}],
            "backfill": {"defaultPeriod": {"fullHistory": True}},
        }
    ]
    body = {"sourceYaml": yaml.safe_dump(manifest)}
    query = f"?destructive={str(destructive).lower()}"
    before = await world.contents()
    planned = await world.platform.send("POST", f"/integrations:plan{query}", 200, json=body)
    assert await world.contents() == before

    told = {
        each["name"]: [(effect["kind"], effect["objectName"], effect["total"]) for effect in each["effects"]]
        for each in planned["integrations"]
    }
    assert told == {
        "crm": [("scheduleChanges", "contacts", 1)],
        "tracker": [
            ("readStops" if destructive else "readContinues", "issues", 1),
            ("backfillStarts", "users", 1),
            ("readStarts", "users", 1),
        ],
    }
    warnings = [each["kind"] for integration in planned["integrations"] for each in integration["warnings"]]
    assert warnings == (["destinationMissing"] if destructive else ["destinationMissing", "stillRead"])

    await world.platform.send("PUT", f"/integrations:batch{query}", 200, json=body)
    path = f"/integrations/tracker/installations/{world.globex_installation['id']}/operations"
    [backfill] = (await world.get(path))["results"][:1]
    assert backfill["metadata"]["objects"] == ["users"]
