"""`conjunct connections export` and `conjunct connections import`, as they are run."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.test_manifests import access, platform
from tests.support.commands import run
from tests.support.platform import Platform

__all__ = ["platform"]  # a fixture


async def test_connections_are_taken_out_and_brought_in_again(platform: Platform, tmp_path: Path) -> None:
    await platform.connect(token="planted-token")
    file = tmp_path / "out.json"
    ended = await run("connections", "export", str(file), **access(platform))
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith(f"1 connection(s) are in {file}.")
    assert file.stat().st_mode & 0o777 == 0o600
    (entry,) = json.loads(file.read_text())
    assert entry["oauth2AuthorizationCode"]["accessToken"]["token"] == "planted-token"

    again = await run("connections", "export", str(file), **access(platform))
    assert again.status == 1
    assert "Name a file that is not there yet." in again.err

    ended = await run("connections", "import", str(file), **access(platform))
    assert ended.status == 0
    assert ended.out.splitlines() == [
        "0: hubspot of acme: skipped: The consumer has a connection to this provider already.",
        "0 created, 0 replaced, 1 skipped, 0 failed",
    ]
    file.write_text(json.dumps({"connections": [{**entry, "group": {"groupRef": "other"}}, {"provider": "nonsense"}]}))
    ended = await run("connections", "import", str(file), **access(platform))
    assert ended.status == 1
    assert ended.out.splitlines()[-1] == "1 created, 0 replaced, 0 skipped, 1 failed"
    assert "1: nonsense of unknown group: failed:" in ended.err
    assert "planted-token" not in ended.out + ended.err


async def test_what_is_no_list_of_connections_is_told(platform: Platform, tmp_path: Path) -> None:
    file = tmp_path / "in.json"
    for content, words in (("[", "is not JSON"), ('"text"', "holds no list"), ('{"connections": 1}', "holds no list")):
        file.write_text(content)
        ended = await run("connections", "import", str(file), **access(platform))
        assert (ended.status, words in ended.err) == (1, True), ended.err
    file.write_text("[]")
    ended = await run("connections", "import", str(file), "--provider", "google", **access(platform))
    assert ended.status == 0
