"""Start-up: `conjunct up` until it is ready, the first time and again, and the memory of all its processes."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.report import Row

FIRST_BUDGET = 3.0
AGAIN_BUDGET = 1.5
MEMORY_BUDGET_MB = 300
LIBRARIES = "import fastapi, uvicorn, uvloop, sqlalchemy.ext.asyncio, asyncpg, aiohttp, pydantic, cryptography.hazmat"


async def run(_database_url: str) -> list[Row]:
    """Start it twice on one data folder; beside it, how long Python takes to import the libraries that it stands on."""
    bare = await _bare()
    with tempfile.TemporaryDirectory(prefix="conjunct-bench-") as folder:
        first, _ = await _start(Path(folder) / "data")
        again, memory = await _start(Path(folder) / "data")
    baseline = f"{bare:.2f} s (one Python that imports the libraries)"
    return [
        Row("start-up, first time", f"{first:.2f} s", baseline, None, f"≤ {FIRST_BUDGET} s", first <= FIRST_BUDGET),
        Row("start-up, again", f"{again:.2f} s", baseline, None, f"≤ {AGAIN_BUDGET} s", again <= AGAIN_BUDGET),
        Row(
            path="memory of all processes together, shared pages counted once",
            measured=f"{memory:.0f} MB",
            baseline="",
            ratio=None,
            budget=f"< {MEMORY_BUDGET_MB} MB",
            ok=memory < MEMORY_BUDGET_MB,
        ),
    ]


async def _bare() -> float:
    begin = time.perf_counter()
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", LIBRARIES)
    await process.wait()
    return time.perf_counter() - begin


async def _start(data_dir: Path) -> tuple[float, float]:
    """Seconds until it said that it is ready, and then the MB that it uses."""
    environment = {**os.environ, "CONJUNCT_LOG_LEVEL": "error"}
    environment.pop("DATABASE_URL", None)
    begin = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "conjunct.cli", "up", "--port", "0", "--data-dir", str(data_dir)),
        stdout=asyncio.subprocess.PIPE,
        env=environment,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            while b"ready" not in (line := await process.stdout.readline()):
                if not line:
                    raise RuntimeError("conjunct up ended before it was ready")
        seconds = time.perf_counter() - begin
        memory = sum(_pss_kb(pid) for pid in _family(process.pid)) / 1024
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()
    return seconds, memory


def _family(root: int) -> list[int]:
    """A process and all that descend from it (Linux)."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(entry.parent.name)] = int(fields[1])
    family = [root]
    for pid in family:
        family += [child for child, parent in parents.items() if parent == pid]
    return family


def _pss_kb(pid: int) -> int:
    try:
        found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) if found else 0
