"""Whatever a provider answers, a read ends: with what is sound delivered, or as failed, and its log says why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import yaml

from conjunct.core.database import Database
from tests.connectors.scripted import Received, Reply, scripted_provider
from tests.support.platform import running_platform
from tests.support.reading import logs, set_up

SOUND = {"id": "9007199254740993", "properties": {"email": "ada@example.com", "firstname": "Ada"}}
ODD = b"""{"results": [
    %s,
    null, "text", 7, [], {"id": null, "properties": {}}, {"id": ["x"], "properties": 3}, {"id": true},
    {"id": "a\\u0000b", "properties": {"email": "nul\\u0000 and half \\ud800", "firstname": 1e400, "jobtitle": [[{}]]}},
    {"id": %s, "properties": "none", "archived": {}}
]}""" % (orjson.dumps(SOUND), b"9" * 400)

FAILURES: dict[str, tuple[Any, str, str]] = {
    # What the provider answers, and the class and the words of the failure.
    "refusal": (
        Reply({"message": "no\x00 such \x1b[31mthing"}, 400),
        "bad_request",
        "no\ufffd such \ufffd[31mthing (HTTP 400)",
    ),
    "shape": ({"results": "many"}, "malformed", "no list of records at 'results'"),
    "host": ({"results": [SOUND], "paging": {"next": {"link": "https://evil.test/x"}}}, "foreign_url", "evil.test"),
    "circle": (
        {"results": [SOUND], "paging": {"next": {"link": "/crm/v3/objects/contacts"}}},
        "cursor_loop",
        "round in a circle",
    ),
    "headers": (Reply({}, 400, {"Retry-After": "nan"}), "bad_request", "without a message"),
}


async def test_what_is_sound_is_delivered_and_what_is_not_is_told(
    database: Database, tmp_path: Path, quick_retries: None
) -> None:
    told: list[Any] = [Reply(ODD)]

    def answer(received: Received) -> Any:
        return told[0] if received.path == "/crm/v3/objects/contacts" else {"results": [], "total": 1}

    async with scripted_provider() as provider:
        provider.answer = answer
        overrides = tmp_path / "odd.yaml"
        overrides.write_text(yaml.safe_dump({"hubspot": provider.url}))
        async with running_platform(database, tmp_path, provider_overrides=overrides) as platform:
            await set_up(platform)
            [operation] = await platform.operations()
            assert (await platform.ended(operation["id"]))["status"] == "success"
            assert platform.delivered() == [SOUND["id"], "a\x00b", "9" * 400]
            entries = [entry["raw"] for message in platform.receiver.messages for entry in message.body["result"]]
            assert entries[1]["properties"] == {
                "email": "nul\x00 and half \ufffd",
                "firstname": "1e400",
                "jobtitle": [[{}]],
            }
            lines = await logs(platform, operation["id"])
            assert len(lines) == 9
            assert all("was left out" in line["msg"] for line in lines[1:-1])
            assert lines[-1]["details"]["recordsLeftOut"] == "7"

            for name, (reply, kind, words) in FAILURES.items():
                told[0] = reply
                failed = await platform.ended(await platform.trigger())
                assert (name, failed["status"]) == (name, "failure")
                assert words in failed["result"], name
                kinds = {
                    line["details"].get("kind") for line in await logs(platform, failed["id"]) if "details" in line
                }
                assert (name, kind in kinds) == (name, True)
