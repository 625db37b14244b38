"""`conjunct connect-link`, as it is run."""

from __future__ import annotations

from tests.cli.test_manifests import access, assert_refused, platform
from tests.support.commands import run
from tests.support.platform import Platform

__all__ = ["platform"]  # a fixture

WHO = ("--group", "acme", "--consumer", "ada")


async def test_it_prints_the_url_of_a_link_and_nothing_else(platform: Platform) -> None:
    ended = await run("connect-link", "redmine", *WHO, "--hours", "2", **access(platform))
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith(platform.services.public_url + "/connect/")
    [made] = await platform.send("GET", "/connect-links", 200)
    assert (made["providers"], made["groupRef"], made["consumerRef"]) == (["redmine"], "acme", "ada")


async def test_it_tells_what_the_server_refuses(platform: Platform) -> None:
    ended = await run("connect-link", "redmine", "nosuch", *WHO, **access(platform))
    assert_refused(ended, "nosuch", "providers.1")
    assert await platform.send("GET", "/connect-links", 200) == []
