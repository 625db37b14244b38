"""Hand-overs are committed in order, together when they are many, and never lost without a word."""

import asyncio
import gc
from typing import Any

import pytest

from conjunct.actions.read import checkpoints
from conjunct.actions.read.checkpoints import MAX_PENDING, Checkpoints, HandOver
from conjunct.actions.read.runs import Place, Progress
from conjunct.operations import LogLine


def page(number: int, *, last: bool = False) -> HandOver:
    return HandOver(Progress(Place(), number, 0, 0, None), lines=[LogLine("INFO", str(number))], last=last)


class Database:
    """Commits that end when they are told to."""

    def __init__(self) -> None:
        self.begun: list[list[str]] = []
        self.waiting: asyncio.Queue[None] = asyncio.Queue()
        self.permits = asyncio.Semaphore(0)
        self.fault: Exception | None = None

    async def commit(self, handed_over: HandOver) -> None:
        self.begun.append([line.msg for line in handed_over.lines])
        self.waiting.put_nowait(None)
        await self.permits.acquire()
        if self.fault is not None:
            raise self.fault


@pytest.fixture
def database() -> Database:
    return Database()


@pytest.fixture(autouse=True)
def _no_distance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "SPACING", 0)


async def test_what_comes_during_a_commit_goes_into_the_next_one_together(database: Database) -> None:
    committing = Checkpoints(database.commit)
    await committing.add(page(0))
    await database.waiting.get()
    for number in (1, 2, 3):
        await committing.add(page(number))
    database.permits.release()
    database.permits.release()
    await committing.drain()
    assert database.begun == [["0"], ["1", "2", "3"]]


async def test_the_last_page_of_several_makes_them_the_end(database: Database) -> None:
    assert page(1).and_then(page(2, last=True)).last
    assert page(1).and_then(page(2, last=True)).progress.page == 2


async def test_no_more_than_so_many_pages_wait(database: Database) -> None:
    committing = Checkpoints(database.commit)
    await committing.add(page(0))
    await database.waiting.get()
    for number in range(MAX_PENDING):
        await committing.add(page(number + 1))
    one_more = asyncio.create_task(committing.add(page(99)))
    await asyncio.sleep(0)
    assert not one_more.done()
    database.permits.release()
    await one_more
    database.permits.release()
    database.permits.release()
    await committing.drain()
    assert [len(pages) for pages in database.begun] == [1, MAX_PENDING, 1]


async def test_a_commit_that_fails_is_told_to_the_next_page_and_to_whoever_drains(database: Database) -> None:
    database.fault = RuntimeError("the lease is lost")
    database.permits.release()
    committing = Checkpoints(database.commit)
    await committing.add(page(0))
    with pytest.raises(RuntimeError, match="lease"):
        await committing.drain()
    with pytest.raises(RuntimeError, match="lease"):
        await committing.add(page(1))
    assert database.begun == [["0"]]


async def test_whoever_waits_for_room_sees_that_the_commit_failed(database: Database) -> None:
    committing = Checkpoints(database.commit)
    await committing.add(page(0))
    await database.waiting.get()
    for number in range(MAX_PENDING):
        await committing.add(page(number + 1))
    one_more = asyncio.create_task(committing.add(page(99)))
    await asyncio.sleep(0)
    database.fault = RuntimeError("the lease is lost")
    database.permits.release()
    with pytest.raises(RuntimeError, match="lease"):
        await one_more


async def test_draining_waits_for_commits_and_not_for_their_distance(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "SPACING", 3600)
    committing = Checkpoints(database.commit)
    database.permits.release()
    database.permits.release()
    await committing.add(page(0))
    await database.waiting.get()
    await committing.add(page(1, last=True))
    async with asyncio.timeout(30):
        await committing.drain()
    assert database.begun == [["0"], ["1"]]


async def test_what_is_abandoned_is_not_committed(database: Database) -> None:
    committing = Checkpoints(database.commit)
    await committing.add(page(0))
    await database.waiting.get()
    await committing.add(page(1))
    await committing.abandon()
    database.permits.release()
    database.permits.release()
    await asyncio.sleep(0)
    assert database.begun == [["0"]]


async def test_what_a_commit_raised_is_not_told_of_as_lost_once_it_is_abandoned(database: Database) -> None:
    database.fault = RuntimeError("the lease is lost")
    database.permits.release()
    told: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: told.append(context))
    committing = Checkpoints(database.commit)
    await committing.add(page(0))
    await database.waiting.get()
    await asyncio.sleep(0)
    await committing.abandon()
    del committing
    gc.collect()
    loop.set_exception_handler(None)
    assert told == []
