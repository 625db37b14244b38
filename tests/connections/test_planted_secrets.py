"""Secrets that are planted in every place that takes one are found nowhere but where they belong.

Every kind of connection is made, used, renewed and deleted, at a provider that repeats whatever it is sent and breaks
in every way, on a database that fails. Then all that was written meanwhile is searched: see `Plants` for how.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import structlog
from sqlalchemy import text

from conjunct.core.problems import Problem
from tests.connections.planting import Planted, planted
from tests.connections.planting_faults import break_the_database, delete_all, say_it_wrong
from tests.connections.planting_keys import listen, plant_the_platforms_own
from tests.connections.planting_uses import by_link, connect_all, read, take_out_and_bring_in, use_all
from tests.support.planted import dump, files
from tests.support.receiver import Receiver


@pytest.fixture(scope="module")
async def everything(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Planted]:
    """All that can be done, done, with all that can go wrong."""
    async with planted(database_url, tmp_path_factory.mktemp("planted")) as here:
        looked = set()

        def look(sent: Any) -> None:
            if (sent.path, here.provider.wrong) not in looked and here.provider.wrong in (None, "plain", "reset"):
                looked.add((sent.path, here.provider.wrong))
                here.objects.look()

        here.provider.on_request = look
        for step in (
            plant_the_platforms_own,
            listen,
            connect_all,
            use_all,
            read,
            by_link,
            take_out_and_bring_in,
            say_it_wrong,
            break_the_database,
            delete_all,
            plant_controls,
        ):
            looked.clear()
            await step(here)
        here.objects.look()
        yield here


async def plant_controls(here: Planted) -> None:
    """What is meant to be seen, in each place."""
    control = here.plants.control
    structlog.get_logger("conjunct.control").debug("said", text=control)
    here.held = Problem(control)  # type: ignore[attr-defined]
    await here.ask("GET", f"/connections/{control}")
    (here.folder / "control").write_text(control)
    async with here.platform.services.database.transaction() as session:
        await session.execute(text("UPDATE connection SET provider_workspace_ref = :name"), {"name": control})


def require_clean(here: Planted, where: str) -> None:
    found = here.plants.found_in(where)
    assert not found, "\n".join(found[:20])


async def test_logs_show_none(everything: Planted) -> None:
    assert everything.plants.has_control(everything.logs.text)
    require_clean(everything, everything.logs.text)


async def test_answers_show_none_but_those_that_are_for_it(everything: Planted) -> None:
    assert everything.plants.found_in("".join(everything.exempt))
    assert everything.plants.has_control("\n".join(everything.answers))
    require_clean(everything, "\n".join(everything.answers))


async def test_objects_and_exceptions_do_not_show_them(everything: Planted) -> None:
    assert everything.plants.has_control(everything.objects.text)
    for task in asyncio.all_tasks():
        everything.objects.note(repr(task))
    require_clean(everything, everything.objects.text)


async def test_the_database_holds_none_in_clear(everything: Planted) -> None:
    held = await dump(everything.platform.services.database)
    assert everything.plants.has_control(held)
    require_clean(everything, held)


async def test_files_hold_none_but_the_key_file(everything: Planted) -> None:
    kept = files(everything.folder)
    assert everything.plants.found_in(kept.pop("master.key"))
    assert everything.plants.has_control(kept["control"])
    require_clean(everything, "\n".join((*kept, *kept.values())))


async def test_webhooks_tell_none(everything: Planted) -> None:
    receiver: Receiver = everything.platform.receiver
    told = "\n".join(f"{each.headers} {each.raw.decode()}" for each in receiver.requests)
    assert everything.plants.has_control(told)
    assert "[secret]" in told
    require_clean(everything, told)
