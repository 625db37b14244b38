"""`conjunct up`, as a real process: everything in one command, and it holds together whatever is killed."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.commands import Running, gone, reachable_folder, run, running

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes through /proc")

LIMIT_MB = 340
"""Above the budget of 300, which is missed at present: see docs/decisions/0011. Here only a leap is noticed."""


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data directory that does not exist yet."""
    with reachable_folder() as folder:
        yield folder / "data"


def access(data_dir: Path) -> dict[str, str]:
    """What `up` tells its owner."""
    found: dict[str, str] = json.loads((data_dir / "bootstrap.json").read_text())
    return found


async def request(data_dir: Path, method: str, path: str, **options: Any) -> httpx.Response:
    """A request below the project's path with its key: it needs the API and the database."""
    told = access(data_dir)
    async with httpx.AsyncClient(base_url=told["url"], headers={"X-Api-Key": told["apiKey"]}, timeout=60) as client:
        return await client.request(method, f"/v1/projects/{told['projectName']}{path}", **options)


async def connect(data_dir: Path) -> str:
    """Leave something in the database; gives the connection's id."""
    body = {
        "provider": "hubspot",
        "groupRef": "acme",
        "consumerRef": "ada",
        "oauth2AuthorizationCode": {"accessToken": {"token": "demo"}},
    }
    answer = await request(data_dir, "POST", "/connections:generate", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def connections(data_dir: Path) -> list[str]:
    """The ids of the connections that there are."""
    answer = await request(data_dir, "GET", "/connections")
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()]


async def restarted(command: Running, role: str, killed: int) -> int:
    """The process that has taken the place of a killed one."""
    async with asyncio.timeout(60):
        while (pid := command.child(role)) in (None, killed):  # noqa: ASYNC110 - other processes have no events
            await asyncio.sleep(0.02)
    assert pid is not None
    return pid


def up(data_dir: Path, *arguments: str) -> tuple[str, ...]:
    return ("up", "--port", "0", "--data-dir", str(data_dir), *arguments)


async def test_it_is_ready_tells_its_key_to_its_owner_alone_and_stops_without_a_trace(data_dir: Path) -> None:
    async with running(*up(data_dir)) as command:
        url = await command.url()
        told = access(data_dir)
        assert set(told) == {"url", "projectId", "projectName", "apiKey", "builderToken"}
        assert told["url"] == url
        assert told["projectName"] == "default"
        assert mode(data_dir / "bootstrap.json") == 0o600
        assert mode(data_dir) & 0o007 == 0
        async with httpx.AsyncClient() as client:
            ready = await client.get(f"{url}/readyz")
        assert ready.status_code == 200
        assert ready.json() == {"status": "ready", "checks": {"database": "ok", "migrations": "ok", "worker": "ok"}}
        assert await connections(data_dir) == []
        below = list(command.descendants())
        command.send(signal.SIGTERM)
        assert await command.ended() == 0
        assert len(below) >= 4
        await gone(below)
    assert command.out[-1] == "Stopping."
    assert told["apiKey"] not in "\n".join(command.out + command.err)


async def test_a_second_start_keeps_the_data_and_the_key_and_tells_the_new_address(data_dir: Path) -> None:
    async with running(*up(data_dir)) as command:
        await command.url()
        kept = await connect(data_dir)
        first = access(data_dir)
    with socket.socket() as taken:  # so that the system gives the second start another port
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", int(first["url"].rpartition(":")[2])))
        async with running(*up(data_dir)) as command:
            url = await command.url()
            second = access(data_dir)
            assert url != first["url"]
            assert second == {**first, "url": url}
            assert await connections(data_dir) == [kept]


async def test_a_killed_api_is_started_again_and_meanwhile_no_connection_is_refused(data_dir: Path) -> None:
    async with running(*up(data_dir)) as command:
        await command.url()
        pid = command.child("api")
        assert pid is not None
        signal_process(pid)
        await gone([pid])
        assert await connections(data_dir) == []  # the request waits in the socket that the parent holds
        assert await restarted(command, "api", pid) != pid


async def test_a_killed_worker_is_started_again_and_each_process_can_be_watched(data_dir: Path) -> None:
    port = two_free_ports()
    async with running(*up(data_dir), CONJUNCT_METRICS_PORT=str(port)) as command:
        await command.url()
        await command.says("worker.started")
        pid = command.child("worker")
        assert pid is not None
        signal_process(pid)
        await command.says("worker.started", times=2)
        assert await restarted(command, "worker", pid) != pid
        assert await connections(data_dir) == []
        async with httpx.AsyncClient() as client:
            for place, process in enumerate(("api", "worker")):
                watched = f"http://127.0.0.1:{port + place}"
                assert (await client.get(f"{watched}/livez")).json() == {"status": "alive"}
                page = (await client.get(f"{watched}/metrics")).text
                assert f'conjunct_build_info{{process="{process}"' in page
                assert ('conjunct_queue_jobs{state="ready"}' in page) == (process == "api")


async def test_when_it_is_killed_its_processes_go_too_and_the_next_start_works(data_dir: Path) -> None:
    async with running(*up(data_dir)) as command:
        await command.url()
        kept = await connect(data_dir)
        below = list(command.descendants())
        command.send(signal.SIGKILL)
        assert await command.ended() == -signal.SIGKILL
        await gone(below)
    async with running(*up(data_dir)) as command:
        await command.url()
        assert await connections(data_dir) == [kept]


async def test_a_second_one_on_the_same_data_is_refused_and_the_first_goes_on(data_dir: Path) -> None:
    async with running(*up(data_dir)) as command:
        await command.url()
        second = await run(*up(data_dir))
        assert second.status == 1
        assert second.err.startswith("error: ")
        assert str(data_dir) in second.err
        assert "Traceback" not in second.err
        assert await connections(data_dir) == []


async def test_a_port_in_use_is_told(data_dir: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = await run("up", "--port", str(port), "--data-dir", str(data_dir))
    assert ended.status == 1
    assert f"CONJUNCT_PORT: cannot listen on 127.0.0.1:{port}: Address already in use" in ended.err
    assert "Traceback" not in ended.err


async def test_a_port_in_use_for_the_workers_metrics_is_told(data_dir: Path) -> None:
    port = two_free_ports()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port + 1))
        taken.listen()
        ended = await run(*up(data_dir), CONJUNCT_METRICS_PORT=str(port))
    assert ended.status == 1
    assert f"CONJUNCT_METRICS_PORT: cannot listen on 127.0.0.1:{port + 1}: Address already in use" in ended.err
    assert not exists(data_dir / "postgres")


async def test_stopped_before_it_is_ready_it_leaves_no_process(data_dir: Path) -> None:
    async with running(*up(data_dir)) as command:
        async with asyncio.timeout(60):
            while command.child("api") is None:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
        below = list(command.descendants())
        command.send(signal.SIGINT)
        assert await command.ended() == 0
        await gone(below)
    assert "Traceback" not in "\n".join(command.err)


async def test_a_simulated_provider_runs_beside_it_and_all_fit_the_memory(data_dir: Path) -> None:
    async with running(*up(data_dir, "--simulate", "hubspot")) as command:
        await command.url()
        simulator = (await command.says("hubspot simulator: ")).rpartition(" ")[2]
        async with httpx.AsyncClient(headers={"Authorization": "Bearer demo"}) as client:
            page = await client.get(f"{simulator}/crm/v3/objects/contacts")
        assert page.status_code == 200
        assert len(page.json()["results"]) == 10
        processes = [command.process.pid, *command.descendants()]
        simulating = command.child("simulate")
        used = sum(proportional_mb(pid) for pid in processes if pid != simulating)
        assert used < LIMIT_MB
        command.send(signal.SIGINT)
        assert await command.ended() == 0
        await gone(processes)


async def test_a_bad_master_key_is_refused_before_anything_starts(data_dir: Path) -> None:
    ended = await run(*up(data_dir), CONJUNCT_MASTER_KEY="k1:bm90IDMyIGJ5dGVz")
    assert ended.status == 1
    assert "error: A setting is wrong. CONJUNCT_MASTER_KEY: " in ended.err
    assert "bm90IDMyIGJ5dGVz" not in ended.err
    assert "Traceback" not in ended.err
    assert not exists(data_dir / "postgres")


async def test_an_unknown_simulator_is_refused_before_anything_starts(data_dir: Path) -> None:
    ended = await run(*up(data_dir, "--simulate", "nosuch"))
    assert ended.status == 1
    assert "nosuch" in ended.err
    assert "hubspot" in ended.err
    assert "Traceback" not in ended.err
    assert not exists(data_dir / "postgres")


def exists(path: Path) -> bool:
    return path.exists()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def two_free_ports() -> int:
    """A port that is free, as is the next."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port


def signal_process(pid: int) -> None:
    """Kill one process, as a crash would."""
    os.kill(pid, signal.SIGKILL)


def proportional_mb(pid: int) -> float:
    """A process's memory, what it shares counted in parts; 0 for a process that has just ended."""
    try:
        told = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    found = re.search(r"^Pss:\s+(\d+) kB", told, re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024
