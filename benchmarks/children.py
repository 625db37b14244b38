"""Processes of a benchmark: one that serves while something is measured, and one in which it is."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import resource
from collections.abc import Callable, Coroutine
from multiprocessing.connection import Connection
from typing import Any, TypeVar

import structlog
import uvloop

Measured = TypeVar("Measured")


def cpu_seconds() -> float:
    """CPU seconds that this process has used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Child:
    """A process that serves for the length of the block and tells its URL."""

    def __init__(self, main: Callable[..., Coroutine[Any, Any, None]], *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._here, there = context.Pipe()
        self._process = context.Process(target=_serve_child, args=(main, there, arguments), daemon=True)

    def __enter__(self) -> str:
        self._process.start()
        url: str = self._here.recv()
        return url

    def __exit__(self, *_exc: object) -> None:
        self._process.terminate()
        self._process.join()


def _serve_child(main: Callable[..., Coroutine[Any, Any, None]], told: Connection, arguments: tuple[Any, ...]) -> None:
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    uvloop.run(main(told, *arguments))


async def in_child(main: Callable[..., Coroutine[Any, Any, Measured]], *arguments: Any) -> Measured:
    """Run to the end in a process of its own; gives what it measured."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_measure_child, args=(main, there, arguments), daemon=True)
    process.start()
    there.close()
    try:
        measured: Measured = await asyncio.to_thread(here.recv)
        return measured
    finally:
        process.join()


def _measure_child(
    main: Callable[..., Coroutine[Any, Any, Measured]], told: Connection, arguments: tuple[Any, ...]
) -> None:
    logging.getLogger().setLevel(logging.WARNING)
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(),
    )
    told.send(uvloop.run(main(*arguments)))
