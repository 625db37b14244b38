"""`conjunct validate` and `conjunct deploy`, as they are run."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from conjunct.core.database import Database
from tests.support.commands import Ended, run
from tests.support.platform import MANIFEST, Platform, running_platform

BAD = """\
specVersion: 1.0.0
integrations:
  - name: crm
    provider: hubspto
    read:
      objects:
        - objectName: contacts
          destination: people
          schedule: every day
          requiredFields: [{fieldNmae: email}]
"""

OWN = """\
spec: conjunct/provider@1
name: own
display: Our own
base_url: https://own.example.com
auth: {type: apiKey}
objects: {contacts: {read: {request: {path: /contacts}}}}
"""


def written(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def assert_refused(ended: Ended, *told: str) -> None:
    """It failed, in words, and not by a fault of ours."""
    assert ended.status == 1
    assert "Traceback" not in ended.err
    assert ended.err.startswith("error: ")
    for text in told:
        assert text in ended.err


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "amp.yaml"
    path.write_text(yaml.safe_dump(MANIFEST))
    return path


@pytest.fixture
async def platform(database: Database, tmp_path: Path) -> AsyncIterator[Platform]:
    async with running_platform(database, tmp_path, worker=False) as platform:
        body = {"name": "people-webhook", "type": "webhook", "metadata": {"url": platform.receiver.url}}
        await platform.send("POST", "/destinations", 201, json=body)
        yield platform


def access(platform: Platform, **changed: str) -> dict[str, str]:
    url = str(platform.client.base_url).rstrip("/")
    return {"CONJUNCT_URL": url, "CONJUNCT_API_KEY": platform.client.headers["X-Api-Key"]} | changed


async def test_validate_a_good_manifest_by_file_and_by_folder(manifest: Path) -> None:
    for source in (manifest, manifest.parent):
        ended = await run("validate", str(source))
        assert (ended.status, ended.out, ended.err) == (0, f"{manifest}: good (1 integration).", "")


async def test_validate_knows_a_provider_of_ones_own(tmp_path: Path) -> None:
    manifest = written(tmp_path / "amp.yaml", yaml.safe_dump(MANIFEST).replace("hubspot", "own"))
    assert_refused(await run("validate", manifest), "integrations.0.provider: ")
    definition, own = tmp_path / "providers" / "own" / "provider.yaml", str(tmp_path / "providers")
    written(definition, "name: own\n")
    assert_refused(await run("validate", manifest, CONJUNCT_PROVIDERS_DIR=own), "own/provider.yaml has ")
    written(definition, OWN)
    assert (await run("validate", manifest, CONJUNCT_PROVIDERS_DIR=own)).status == 0


async def test_providers_beside_the_manifest_go_with_it(platform: Platform, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    manifest = written(folder / "amp.yaml", yaml.safe_dump(MANIFEST).replace("hubspot", "own"))
    definition = folder / "providers" / "own" / "provider.yaml"
    written(definition, OWN.replace("display", "dsplay"))
    assert_refused(await run("validate", manifest), "3:1: providers/own/provider.yaml: dsplay: ")
    written(definition, OWN)
    assert (await run("validate", manifest)).status == 0
    ended = await run("deploy", manifest, **access(platform))
    assert (ended.status, ended.out.startswith("crm: own, revision ")) == (0, True), ended.err
    assert (await platform.client.get("/v1/providers/own")).json()["displayName"] == "Our own"
    written(definition.with_name("quirks.py"), "")
    assert_refused(await run("deploy", manifest, **access(platform)), "code is not deployed")


async def test_validate_tells_every_fault_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "amp.yaml"
    path.write_text(BAD)
    ended = await run("validate", str(path))
    assert_refused(
        ended,
        f"{path}:4:15: integrations.0.provider: ",
        f"{path}:9:21: integrations.0.read.objects.0.schedule: ",
        f"{path}:10:29: integrations.0.read.objects.0.requiredFields.0.fieldNmae: ",
        "hubspot",
    )


async def test_validate_tells_where_yaml_is_broken(tmp_path: Path) -> None:
    path = tmp_path / "amp.yaml"
    path.write_text("specVersion: 1.0.0\nintegrations: [}\n")
    assert_refused(await run("validate", str(path)), f"{path}:2:16")


@pytest.mark.parametrize("name", ["amp.yaml", "."])
async def test_validate_tells_that_there_is_no_file(tmp_path: Path, name: str) -> None:
    assert_refused(await run("validate", str(tmp_path / name)), f"There is no manifest at {tmp_path / name}.")


async def test_validate_refuses_what_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "amp.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    assert_refused(await run("validate", str(path)), f"{path} is not UTF-8 text.")


async def test_deploy(platform: Platform, manifest: Path) -> None:
    ended = await run("deploy", str(manifest), **access(platform))
    assert (ended.status, ended.err) == (0, "")
    [deployed] = await platform.send("GET", "/integrations", 200)
    assert ended.out.splitlines() == [
        f"crm: hubspot, revision {deployed['latestRevision']['id']}",
        f"Deployed 1 integration to {access(platform)['CONJUNCT_URL']}, project default.",
    ]


async def test_deploy_finds_the_server_in_bootstrap_json(platform: Platform, manifest: Path, tmp_path: Path) -> None:
    told = access(platform)
    content = {"url": told["CONJUNCT_URL"], "projectName": "default", "apiKey": told["CONJUNCT_API_KEY"]}
    (tmp_path / "bootstrap.json").write_text(json.dumps(content))
    ended = await run("deploy", str(manifest), "--data-dir", str(tmp_path))
    assert (ended.status, ended.err) == (0, "")


async def test_deploy_sends_nothing_that_is_not_good(platform: Platform, tmp_path: Path) -> None:
    path = tmp_path / "amp.yaml"
    path.write_text(BAD)
    assert_refused(await run("deploy", str(path), **access(platform)), f"{path}:4:15: integrations.0.provider: ")
    assert await platform.send("GET", "/integrations", 200) == []


async def test_deploy_tells_what_the_server_refuses(platform: Platform, manifest: Path) -> None:
    """The server knows what the file alone does not: that the integration was for another provider."""
    other = {
        "specVersion": "1.0.0",
        "integrations": [{"name": "crm", "provider": "redmine", "proxy": {"enabled": True}}],
    }
    await platform.send("PUT", "/integrations:batch", 200, json={"sourceYaml": yaml.safe_dump(other)})
    ended = await run("deploy", str(manifest), **access(platform))
    assert_refused(ended, "A deploy cannot change an integration's provider; nothing was changed.", "provider")


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"CONJUNCT_API_KEY": "cj_wrong"}, "The API key is unknown or switched off."),
        ({"CONJUNCT_PROJECT": "nosuch"}, "There is no project 'nosuch' that this credential can see."),
        ({"CONJUNCT_PROJECT": "a b?c"}, "There is no project 'a b?c' "),
        ({"CONJUNCT_URL": "http://127.0.0.1:1"}, "http://127.0.0.1:1 does not answer"),
        ({"CONJUNCT_URL": "nonsense"}, "nonsense"),
        ({"CONJUNCT_URL": "ftp://example.com"}, "ftp://example.com"),
    ],
)
async def test_deploy_tells_why_it_cannot(
    platform: Platform, manifest: Path, changed: dict[str, str], told: str
) -> None:
    ended = await run("deploy", str(manifest), **access(platform, **changed))
    assert_refused(ended, told)
    assert access(platform)["CONJUNCT_API_KEY"] not in ended.err


async def test_deploy_to_something_that_is_no_conjunct(platform: Platform, manifest: Path) -> None:
    ended = await run("deploy", str(manifest), **access(platform, CONJUNCT_URL=platform.receiver.url))
    assert_refused(ended, "answered 405 with something that is not JSON.")


async def test_deploy_must_know_the_server(manifest: Path, tmp_path: Path) -> None:
    ended = await run("deploy", str(manifest), "--data-dir", str(tmp_path))
    assert_refused(ended, "Which server is not known.", "set CONJUNCT_URL and CONJUNCT_API_KEY")


@pytest.mark.parametrize("content", ["{", "[]", '"text"', "\x00"])
async def test_a_broken_bootstrap_file_is_told(manifest: Path, tmp_path: Path, content: str) -> None:
    (tmp_path / "bootstrap.json").write_text(content)
    ended = await run("deploy", str(manifest), "--data-dir", str(tmp_path))
    assert_refused(ended, f"{tmp_path / 'bootstrap.json'}")
