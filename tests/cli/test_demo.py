"""`conjunct demo`: the main job is shown, and a single missing record is a failure."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from conjunct.app.demo import DemoFailed, story
from conjunct.app.demo.receiver import Receiver
from tests.support.commands import run


async def test_the_demo_ends_well_and_leaves_nothing_running() -> None:
    ended = await run("demo", "--once")
    assert ended.status == 0, ended.err
    assert "Traceback" not in ended.err
    assert "  all 1,000 contacts arrived, each once" in ended.out
    assert "1 changed record after it" in ended.out
    assert ", 0 wrong." in ended.out


async def compare(received: list[str], expected: set[str], *, rejected: int = 0) -> None:
    """The demo's comparison, over records of one operation that came to a receiver."""
    receiver = Receiver(rejected=rejected)
    receiver.messages["msg_1"] = {"operationId": "op", "result": [{"raw": {"id": each}} for each in received]}
    receiver.messages["msg_2"] = {"operationId": "another", "result": [{"raw": {"id": "3"}}]}
    told = cast("Any", SimpleNamespace(_receiver=receiver))
    async with asyncio.timeout(60):
        await story._Story._compare(told, "op", expected)


async def test_all_records_once_are_right() -> None:
    await compare(["1", "2", "3"], {"1", "2", "3"})


async def test_a_missing_record_is_a_failure() -> None:
    with pytest.raises(DemoFailed, match=r"1 contacts did not arrive, such as \['3'\]"):
        await compare(["1", "2", "2"], {"1", "2", "3"})


async def test_a_repeated_record_is_a_failure() -> None:
    with pytest.raises(DemoFailed, match="3 records arrived for 2 contacts"):
        await compare(["1", "2", "2"], {"1", "2"})


async def test_a_wrong_signature_is_a_failure() -> None:
    with pytest.raises(DemoFailed, match="1 unsigned"):
        await compare(["1", "2"], {"1", "2"}, rejected=1)
