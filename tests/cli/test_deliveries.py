"""`conjunct deliveries`, as it is run."""

from __future__ import annotations

from conjunct.delivery import Message
from tests.cli.test_manifests import access, platform
from tests.support.commands import run
from tests.support.platform import Platform

__all__ = ["platform"]  # a fixture


async def test_deliveries_are_listed_recovered_and_replayed(platform: Platform) -> None:
    target = {"name": "hook", "type": "webhook", "metadata": {"url": platform.receiver.url}}
    destination = await platform.send("POST", "/destinations", 201, json=target)
    await platform.send("POST", "/destinations/hook:disable", 200, json={"note": "it moves"})
    message = Message("msg-1", platform.project_id, destination["id"], None, b"{}", 3)
    async with platform.services.database.transaction() as session:
        await platform.services.delivery.enqueue(session, [message])

    ended = await run("deliveries", "list", "hook", "--status", "setAside", **access(platform))
    delivery, health = ended.out.splitlines()
    assert delivery.endswith("setAside   msg-1  3 record(s), 0 attempt(s)")
    disabled = "hook is disabled (It was disabled by a call. it moves)"
    assert health == f"{disabled}: 0 pending, 1 setAside, 0 exhausted, 0 held"
    refused = await run("deliveries", "replay", "hook", "msg-1", **access(platform))
    assert (refused.status, ":enable" in refused.err) == (1, True)

    recovered = await run("deliveries", "recover", "hook", **access(platform))
    assert (recovered.status, recovered.out) == (0, "1 message(s) are tried again.")
    assert (await platform.send("GET", "/destinations/hook/health", 200))["recovery"]["messages"] == 1
    replayed = await run("deliveries", "replay", "hook", "msg-1", **access(platform))
    assert (replayed.status, replayed.out) == (0, "msg-1 is sent again.")
    assert (await platform.send("GET", "/destinations/hook/deliveries/msg-1", 200))["status"] == "pending"
    unknown = await run("deliveries", "recover", "hook", "--since", "yesterday", **access(platform))
    assert (unknown.status, "since" in unknown.err) == (1, True)
