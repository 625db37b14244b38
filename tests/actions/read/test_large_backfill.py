"""A backfill that a provider makes ready first: pages without records come before those with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from conjunct.core.database import Database
from conjunct.providers.catalog import BUILT_IN
from conjunct.simulators import SimulatorOptions
from conjunct.simulators import serve as simulate
from tests.support.platform import running_platform
from tests.support.reading import manifest

QUIRKS = """
from conjunct.providers.salesforce.quirks import SalesforceQuirks

class Quirks(SalesforceQuirks):
    pass
"""
CONNECTION = {
    "provider": "salesforce",
    "groupRef": "acme",
    "consumerRef": "ada",
    "providerWorkspaceRef": "acme",
    "oauth2AuthorizationCode": {"accessToken": {"token": "session"}},
}


def salesforce_with_early_jobs(folder: Path) -> Path:
    """A folder with a Salesforce of the operator's own: two thousand records and more go by a job."""
    own = folder / "providers" / "salesforce"
    own.mkdir(parents=True)
    text = (BUILT_IN / "salesforce" / "provider.yaml").read_text()
    (own / "provider.yaml").write_text(text.replace('bulk_from: "50000"', 'bulk_from: "2001"'))
    (own / "quirks.py").write_text(QUIRKS)
    return own.parent


def contacts() -> dict[str, Any]:
    changed = manifest(objectName="Contact", requiredFields=[{"fieldName": "Email"}])
    [integration] = changed["integrations"]
    return {**changed, "integrations": [{**integration, "provider": "salesforce"}]}


async def test_every_record_of_a_job_is_delivered_once(database: Database, tmp_path: Path) -> None:
    options: dict[str, Any] = {"providers_dir": salesforce_with_early_jobs(tmp_path)}
    overrides = tmp_path / "simulated.yaml"
    async with simulate("salesforce", SimulatorOptions(records=2100)) as salesforce:
        overrides.write_text(yaml.safe_dump({"salesforce": salesforce.url}))
        async with running_platform(database, tmp_path, provider_overrides=overrides, **options) as platform:
            await platform.deploy(contacts())
            await platform.send("POST", "/connections:generate", 201, json=CONNECTION)
            await platform.install({"read": {"objects": {"Contact": {"objectName": "Contact"}}}})
            [operation] = await platform.operations()
            ended = await platform.ended(operation["id"])
            assert ended["status"] == "success", ended
            delivered = [entry["raw"] for each in platform.receiver.messages for entry in each.body["result"]]
            asked = [entry.to_wire()["path"] for entry in salesforce.journal.last(20)]
    assert len({raw["Id"] for raw in delivered}) == len(delivered) == 2100
    assert [path for path in asked if path.endswith("/jobs/query")] == ["/services/data/v60.0/jobs/query"]
    assert asked[-1].endswith("/results")
