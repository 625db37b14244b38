"""`conjunct api`, `worker` and `migrate`, as they are run, and what all commands refuse."""

from __future__ import annotations

import json
import signal
import socket
from pathlib import Path

import asyncpg
import httpx
import pytest

import conjunct
from conjunct.core.database import Database
from tests.support.commands import Ended, run, running

EMPTY = "conjunct_test_cli"


def assert_refused(ended: Ended, *told: str) -> None:
    """It failed, in words, and not by a fault of ours."""
    assert ended.status == 1
    assert "Traceback" not in ended.err
    for text in told:
        assert text in ended.err


async def test_version() -> None:
    ended = await run("--version")
    assert (ended.status, ended.out) == (0, f"conjunct {conjunct.__version__}")


async def test_help_lists_the_commands() -> None:
    ended = await run("--help")
    assert ended.status == 0
    for command in ("up", "api", "worker", "migrate", "validate", "deploy", "simulate", "demo"):
        assert f" {command} " in ended.out


async def test_an_unknown_command_and_an_unknown_option_are_told() -> None:
    for arguments in (("nosuch",), ("up", "--nosuch"), ("api", "--port", "many")):
        ended = await run(*arguments)
        assert ended.status == 2
        assert "Traceback" not in ended.err


@pytest.mark.parametrize("command", ["api", "worker", "migrate"])
async def test_without_a_database_a_server_tells_what_it_needs(command: str) -> None:
    assert_refused(await run(command), "error: DATABASE_URL is not set.", "postgresql://", "conjunct up")


@pytest.mark.parametrize("command", ["api", "worker", "migrate", "up"])
@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CONJUNCT_PORT", "hush-99999"),
        ("CONJUNCT_LOG_LEVEL", "hush"),
        ("CONJUNCT_ALLOWED_NETWORKS", "hush/8"),
        ("CONJUNCT_PUBLIC_URL", "hush"),
        ("CONJUNCT_SETTINGS_FILE", "/hush"),
    ],
)
async def test_a_bad_setting_is_named(command: str, variable: str, value: str) -> None:
    ended = await run(command, **{variable: value})
    assert_refused(ended, "error: A setting is wrong. ", variable)


@pytest.mark.parametrize("command", ["api", "worker", "migrate", "up"])
async def test_a_bad_database_url_is_named_and_not_shown(command: str, tmp_path: Path) -> None:
    for url in ("postgresql://u:hush@[bad/x", "mysql://u:hush@h/x", "hush", "postgresql://u:hush@h:port/x"):
        ended = await run(command, DATABASE_URL=url, CONJUNCT_DATA_DIR=str(tmp_path), CONJUNCT_PORT="0")
        assert_refused(ended, "error: A setting is wrong. DATABASE_URL: ")
        assert "hush" not in ended.err


@pytest.mark.parametrize("command", ["worker", "migrate"])
async def test_a_database_that_does_not_answer_is_told(command: str, tmp_path: Path) -> None:
    """The API serves all the same, and answers 503 until the database is there: see tests/app/test_health.py."""
    ended = await run(command, DATABASE_URL="postgresql://user:hush@127.0.0.1:1/none", CONJUNCT_DATA_DIR=str(tmp_path))
    assert_refused(ended, "error: The database that DATABASE_URL names cannot be used: ConnectionRefusedError: ")
    assert "hush" not in ended.err


async def test_migrate_then_worker_and_api(server_url: str, tmp_path: Path) -> None:
    connection = await asyncpg.connect(server_url)
    await connection.execute(f'DROP DATABASE IF EXISTS "{EMPTY}" WITH (FORCE)')
    await connection.execute(f'CREATE DATABASE "{EMPTY}"')
    url = Database(server_url).url.set(database=EMPTY, drivername="postgresql").render_as_string(hide_password=False)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    variables = {"DATABASE_URL": url, "CONJUNCT_DATA_DIR": str(tmp_path), "CONJUNCT_PORT": str(port)}
    try:
        assert_refused(await run("worker", **variables), "run `conjunct migrate` first")
        first = await run("migrate", **variables)
        assert first.status == 0, first.err
        assert first.out.splitlines() == [
            "The schema is up to date.",
            f"Made the project 'default'; its API key is in {tmp_path / 'bootstrap.json'}.",
        ]
        second = await run("migrate", **variables)
        assert (second.status, second.out) == (0, "The schema is up to date.")
        told = json.loads((tmp_path / "bootstrap.json").read_text())
        assert told["url"] == f"http://127.0.0.1:{port}"
        async with running("worker", **variables) as worker, running("api", **variables) as api:
            await worker.says("worker.started")
            await api.says("api.started")
            async with httpx.AsyncClient(headers={"X-Api-Key": told["apiKey"]}) as client:
                assert (await client.get(f"{told['url']}/v1/projects/default/connections")).json() == []
                assert (await client.get(f"{told['url']}/readyz")).status_code == 200
            again = await run("api", **variables)
            assert_refused(again, f"CONJUNCT_PORT: cannot listen on 127.0.0.1:{port}: Address already in use")
            for process in (worker, api):
                process.send(signal.SIGTERM)
                assert await process.ended() == 0
    finally:
        await connection.execute(f'DROP DATABASE "{EMPTY}" WITH (FORCE)')
        await connection.close()


async def test_simulate_an_unknown_provider() -> None:
    assert_refused(
        await run("simulate", "nosuch"), "error: There is no simulator named 'nosuch'; there are: ", "hubspot"
    )


@pytest.mark.parametrize("arguments", [("--fail", "nonsense"), ("--latency", "-1"), ("--records", "-5")])
async def test_simulate_with_a_bad_option(arguments: tuple[str, str]) -> None:
    assert_refused(await run("simulate", "hubspot", *arguments), "error: ")


async def test_simulate_until_it_is_told_to_stop() -> None:
    async with running("simulate", "hubspot", "--records", "3") as command:
        url = (await command.says("hubspot simulator at ")).rpartition(" ")[2]
        async with httpx.AsyncClient(headers={"Authorization": "Bearer demo"}) as client:
            page = await client.get(f"{url}/crm/v3/objects/contacts")
        assert len(page.json()["results"]) == 3
        command.send(signal.SIGINT)
        assert await command.ended() == 0
