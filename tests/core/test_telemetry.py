"""Logs: each event once, with its ids, and nothing secret in it."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest
import structlog

from conjunct.core.telemetry import Level, bind, configure
from tests.support.logs import logging_restored

SECRET = "hunter2hunter2"


class Output(io.StringIO):
    """What was logged, as text and as events."""

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]

    def event(self) -> dict[str, Any]:
        (only,) = self.events()
        return only


@pytest.fixture(autouse=True)
def logging_left_as_it_was() -> Iterator[None]:
    with logging_restored():
        yield


def fail(message: str) -> NoReturn:
    raise ValueError(message)


def logged(level: Level = "debug") -> Output:
    output = Output()
    configure(level, "json", output)
    return output


def test_an_event_is_one_line_of_json() -> None:
    output = logged()
    structlog.get_logger("conjunct.some.module").info("read.done", records=3, note="two\nlines")
    event = output.event()
    assert event.pop("timestamp").endswith("Z")
    assert event == {
        "level": "info",
        "event": "read.done",
        "logger": "conjunct.some.module",
        "records": 3,
        "note": "two\nlines",
    }


def test_events_below_the_level_are_left_out() -> None:
    output = logged("warning")
    logger = structlog.get_logger("conjunct")
    logger.info("quiet")
    logging.getLogger("some.library").info("quiet")
    logger.warning("loud")
    assert [event["event"] for event in output.events()] == ["loud"]


def test_libraries_logs_come_out_in_the_same_form() -> None:
    output = logged()
    with bind(request_id="r1"):
        logging.getLogger("uvicorn.error").warning("Shutting down %s", "now")
    event = output.event()
    assert (event["event"], event["level"], event["logger"]) == ("Shutting down now", "warning", "uvicorn.error")
    assert event["request_id"] == "r1"


def test_neither_addresses_of_requests_nor_rows_are_logged() -> None:
    output = logged("debug")
    logging.getLogger("uvicorn.access").info("GET /callbacks/v1/oauth?state=%s", SECRET)
    logging.getLogger("sqlalchemy.engine.Engine").debug("Row (%s)", SECRET)
    logging.getLogger("sqlalchemy.engine.Engine").info("SELECT 1")
    assert output.event()["event"] == "SELECT 1"


@pytest.mark.parametrize("library", ["sqlalchemy.engine", "alembic.runtime", "uvicorn.access"])
def test_talkative_libraries_are_heard_from_warnings_on(library: str) -> None:
    output = logged("info")
    logging.getLogger(library).info("SELECT 1")
    logging.getLogger(library).warning("trouble")
    assert [event["event"] for event in output.events()] == ["trouble"]


def test_configuring_again_does_not_log_twice() -> None:
    logged()
    output = logged()
    structlog.get_logger("conjunct").info("once")
    logging.getLogger("uvicorn").info("once")
    assert len(output.events()) == 2


async def test_ids_follow_into_tasks_and_end_with_their_block() -> None:
    output = logged()
    logger = structlog.get_logger("conjunct")

    async def work(operation_id: str) -> None:
        with bind(operation_id=operation_id):
            await asyncio.sleep(0)
            logger.info("work")

    with bind(request_id="r1", project_id="p1"):
        await asyncio.gather(work("o1"), work("o2"))
    logger.info("after")
    ids = [{key: value for key, value in event.items() if key.endswith("_id")} for event in output.events()]
    assert ids == [
        {"request_id": "r1", "project_id": "p1", "operation_id": "o1"},
        {"request_id": "r1", "project_id": "p1", "operation_id": "o2"},
        {},
    ]


@pytest.mark.parametrize("ours", [True, False], ids=["our log", "a library's log"])
@pytest.mark.parametrize("people", [False, True], ids=["json", "console"])
def test_an_exception_is_rendered_once(ours: bool, people: bool) -> None:
    output = Output()
    configure("debug", "console" if people else "json", output)
    try:
        fail("the cause of it")
    except ValueError:
        if ours:
            structlog.get_logger("conjunct").exception("failed")
        else:
            logging.getLogger("library").exception("failed")
    assert output.getvalue().count("Traceback (most recent call last)") == 1
    assert output.getvalue().count("ValueError: the cause of it") == 1


@pytest.mark.parametrize(
    "values",
    [
        {"authorization": f"Bearer {SECRET}"},
        {"api_key": SECRET},
        {"apiKey": SECRET},
        {"X-Api-Key": SECRET},
        {"password": SECRET},
        {"access_token": SECRET},
        {"client_secret": SECRET},
        {"credentials": {"user": "u", "anything": SECRET}},
        {"headers": {"X-API-KEY": SECRET, "Cookie": SECRET}},
        {"headers": [("x-api-key", SECRET)]},
        {"headers": [(b"Authorization", SECRET.encode())]},
        {"nested": [{"deep": {"refreshToken": SECRET}}]},
        {"body": SECRET.encode()},
        {"url": f"postgresql://user:{SECRET}@host/database"},
        {"url": f"https://example.com/path?access_token={SECRET}&x=1"},
        {"text": f"sent Authorization: Bearer {SECRET}"},
        {"text": f'{{"client_secret": "{SECRET}"}}'},
        {"error": ValueError(f"bad password={SECRET}")},
        {"path": f"/v1/projects/default/api-keys/cj_{SECRET}"},
        {"text": f"is cjb_{SECRET} good?"},
    ],
    ids=str,
)
@pytest.mark.parametrize("people", [False, True], ids=["json", "console"])
def test_a_secret_is_never_written(values: dict[str, Any], people: bool) -> None:
    output = Output()
    configure("debug", "console" if people else "json", output)
    structlog.get_logger("conjunct").info("event", **values)
    assert "event" in output.getvalue()
    assert SECRET not in output.getvalue()


def test_a_secret_in_an_exception_or_a_librarys_message_is_not_written() -> None:
    output = logged()
    try:
        fail(f"cannot reach postgresql://user:{SECRET}@host/database")
    except ValueError:
        structlog.get_logger("conjunct").exception("failed")
    logging.getLogger("library").error("called https://example.com/?token=%s", SECRET)
    assert len(output.events()) == 2
    assert SECRET not in output.getvalue()


def test_what_is_not_secret_is_left_as_it_is() -> None:
    output = logged()
    values = {"count": 3, "ratio": 0.5, "has_token": True, "missing_token": None, "names": ["a", "b"], "at": "12:30"}
    structlog.get_logger("conjunct").info("event", **values)
    assert values.items() <= output.event().items()


@pytest.mark.parametrize(("terminal", "is_json"), [(True, False), (False, True)])
def test_the_form_follows_the_terminal(terminal: bool, is_json: bool) -> None:
    class Stream(io.StringIO):
        def isatty(self) -> bool:
            return terminal

    output = Stream()
    configure("info", "auto", output)
    structlog.get_logger("conjunct").info("event", key="value")
    assert output.getvalue().startswith("{") is is_json
    assert "value" in output.getvalue()
