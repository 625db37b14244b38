"""`conjunct plan`, `conjunct revisions` and `conjunct rollback`, as they are run."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.test_manifests import access, assert_refused, manifest, platform
from tests.support.commands import run
from tests.support.platform import MANIFEST, Platform

__all__ = ["manifest", "platform"]  # fixtures

PROXY = {"name": "pass", "provider": "redmine", "proxy": {"enabled": True}}


def changed(**of_contacts: Any) -> dict[str, Any]:
    """The manifest with other values for its one object."""
    content = deepcopy(MANIFEST)
    content["integrations"][0]["read"]["objects"][0] |= of_contacts
    return content


def write(path: Path, content: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump(content))
    return path


async def installed(platform: Platform) -> None:
    """The manifest deployed, and installed for the group `acme`."""
    deployed = await platform.send("PUT", "/integrations:batch", 200, json={"sourceYaml": yaml.safe_dump(MANIFEST)})
    platform.integration = deployed[0]["id"]
    await platform.connect()
    await platform.install(skipSampling="true")


async def test_a_plan_is_told_for_people_and_changes_nothing(platform: Platform, manifest: Path) -> None:
    await installed(platform)
    before = await platform.send("GET", "/integrations", 200)
    content = changed(schedule="0 * * * *", destination="nowhere")
    write(manifest, {**content, "integrations": [*content["integrations"], PROXY]})
    ended = await run("plan", str(manifest), **access(platform))

    assert (ended.status, ended.err) == (0, "")
    assert ended.out.splitlines() == [
        "~ crm (hubspot): changed",
        '    read contacts: destination: "people-webhook" → "nowhere"',
        '    read contacts: schedule: "*/10 * * * *" → "0 * * * *"',
        "    > contacts goes to another destination for 1 installation (acme)",
        "    > contacts is read on another schedule for 1 installation (acme)",
        "    ! There is no destination 'nowhere': what is meant for it cannot be delivered.",
        "      Create the destination first, or name one that exists.",
        "+ pass (redmine): new",
        '    name is new: "pass"',
        '    provider is new: "redmine"',
        '    proxy is new: {"enabled": true}',
        "A deploy would change 2 of 2 integrations; 1 to look at.",
    ]
    assert await platform.send("GET", "/integrations", 200) == before


async def test_a_destructive_plan(platform: Platform, manifest: Path) -> None:
    await installed(platform)
    write(manifest, {**MANIFEST, "integrations": [{**PROXY, "name": "crm", "provider": "hubspot"}]})
    for options, told in (([], "contacts is read on"), (["--destructive"], "contacts is no longer read")):
        ended = await run("plan", str(manifest), *options, **access(platform))
        assert ended.status == 0
        assert f"    > {told}" in ended.out


async def test_a_plan_tells_what_the_server_refuses(platform: Platform, manifest: Path) -> None:
    other = {**MANIFEST, "integrations": [{**PROXY, "name": "crm"}]}
    await platform.send("PUT", "/integrations:batch", 200, json={"sourceYaml": yaml.safe_dump(other)})
    ended = await run("plan", str(manifest), **access(platform))
    assert_refused(ended, "A deploy cannot change an integration's provider; nothing was changed.", "provider")


async def test_revisions_are_listed_and_rolled_back_to(platform: Platform) -> None:
    ids = []
    for content in (MANIFEST, changed(schedule="0 * * * *"), changed(schedule="0 0 * * *")):
        body = {"sourceYaml": yaml.safe_dump(content)}
        [integration] = await platform.send("PUT", "/integrations:batch", 200, json=body)
        ids.append(integration["latestRevision"]["id"])

    ended = await run("revisions", "crm", **access(platform))
    lines = ended.out.splitlines()
    assert (ended.status, ended.err) == (0, "")
    assert lines[0].startswith(f"3: {ids[2]}, ")
    assert lines[0].endswith(", in force")
    assert lines[1] == '    read contacts: schedule: "0 * * * *" → "0 0 * * *"'
    assert [line[:1] for line in lines if not line.startswith(" ")] == ["3", "2", "1"]
    limited = (await run("revisions", "crm", "--limit", "1", **access(platform))).out.splitlines()
    assert limited == lines[:2]

    ended = await run("rollback", "crm", **access(platform))
    assert (ended.status, ended.err) == (0, "")
    [now] = await platform.send("GET", "/integrations", 200)
    assert ended.out == f"crm: revision 4, {now['latestRevision']['id']}, is in force."
    assert now["latestRevision"]["content"]["read"]["objects"][0]["schedule"] == "0 * * * *"
    for to, number in (("1", 5), (ids[2], 6)):
        ended = await run("rollback", "crm", "--to", to, **access(platform))
        assert ended.out.startswith(f"crm: revision {number}, ")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("rollback", "nosuch"), "There is no integration 'nosuch'"),
        (("rollback", "crm"), "The integration has no revision 'previous'."),
        (("rollback", "crm", "--to", "9"), "The integration has no revision of the number 9."),
        (("revisions", "no such"), "There is no integration 'no such'"),
    ],
)
async def test_what_is_not_there_is_told(platform: Platform, arguments: tuple[str, ...], told: str) -> None:
    await platform.send("PUT", "/integrations:batch", 200, json={"sourceYaml": yaml.safe_dump(MANIFEST)})
    assert_refused(await run(*arguments, **access(platform)), told)
