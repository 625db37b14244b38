"""Several requests at a time: as many as a provider bears from one reader, their answers in order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

AT_ONCE = 4
"""Requests under way at a time."""

Given = TypeVar("Given")
Got = TypeVar("Got")


async def several(work: Callable[[Given], Awaitable[Got]], items: Iterable[Given], at_once: int = AT_ONCE) -> list[Got]:
    """What `work` makes of each item, in order. The first error ends the others, and is raised."""
    left = enumerate(items)
    results: dict[int, Got] = {}

    async def worker() -> None:
        for index, item in left:
            results[index] = await work(item)

    tasks = [asyncio.ensure_future(worker()) for _ in range(at_once)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return [results[index] for index in sorted(results)]
