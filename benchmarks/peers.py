"""The backfill of `reads` beside other engines that fetch the same records from the same simulator, in the same run.

The peers only fetch: they write records to a file at most. Ours also maps, signs, delivers and records its progress.
Each peer is written as its documentation shows (`peer_sources`), and runs in an environment of its own, which is made
with pip when it is first needed. Their imports do not count, as ours do not.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import NamedTuple

from benchmarks import reads
from benchmarks.children import Child, in_child
from benchmarks.report import Row

SOURCES = Path(__file__).parent / "peer_sources"
ENVIRONMENTS = Path(tempfile.gettempdir()) / "conjunct-bench-peers"
PAGE = 100
ROUNDS = 2
QUIET = {"RUNTIME__DLTHUB_TELEMETRY": "false", "DO_NOT_TRACK": "1", "PYTHONWARNINGS": "ignore"}


class Peer(NamedTuple):
    """Another engine: what pip installs, and how its source is run."""

    title: str
    requirement: str
    source: str
    way: tuple[str, ...] = ()


PEERS = (
    Peer("dlt, its records iterated over", "dlt==1.31.0", "dlt_source.py", ("extract",)),
    Peer("dlt, a pipeline into files", "dlt==1.31.0", "dlt_source.py", ("load",)),
    Peer("airbyte-cdk, a declarative source", "airbyte-cdk==7.39.1", "airbyte_source.py"),
    Peer("singer-sdk, a tap", "singer-sdk==0.54.9", "singer_source.py"),
)


async def run(database_url: str) -> list[Row]:
    """Measure on a database of its own on that server: the quickest of two rounds each, in turns."""
    pythons = {peer.requirement: await asyncio.to_thread(_environment, peer.requirement) for peer in PEERS}
    found: dict[str, list[reads.Measured]] = {"ours": [], **{peer.title: [] for peer in PEERS}}
    with Child(reads._receive) as receiver, Child(reads._simulate, reads.RECORDS, 0.0) as hubspot:
        await in_child(reads._bare, hubspot, receiver)  # the simulator renders each record once; later reads are quick
        for _ in range(ROUNDS):
            found["ours"].append(await reads._ours(database_url, hubspot, receiver))
            for peer in PEERS:
                found[peer.title].append(await asyncio.to_thread(_fetch, peer, pythons[peer.requirement], hubspot))
    best = {title: min(each) for title, each in found.items()}
    return [_row(title, best[title], best["ours"]) for title in found if title != "ours"]


def _row(title: str, theirs: reads.Measured, ours: reads.Measured) -> Row:
    return Row(
        path=f"{title}, {theirs[2]:,} records",
        measured=_told(theirs),
        baseline=f"does not count here; ours, which also delivers: {_told(ours)}",
        ratio=None,
        budget=f"none; ours is {theirs[0] / ours[0]:.1f} times as fast, with {ours[1] / theirs[1]:.2f} of the CPU",
        ok=None,
    )


def _told(measured: reads.Measured) -> str:
    seconds, cpu, records = measured
    return f"{records / seconds:,.0f}/s, {cpu:.2f} s of CPU"


def _environment(requirement: str) -> Path:
    """The interpreter that has the peer installed."""
    folder = ENVIRONMENTS / requirement
    python = folder / "bin" / "python"
    ready = folder / "ready"
    if not ready.exists():
        print(f"Installing {requirement} in {folder} …", flush=True)
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", requirement], check=True)
        ready.touch()
    return python


def _fetch(peer: Peer, python: Path, hubspot: str) -> reads.Measured:
    """Have the peer read everything. Raises RuntimeError when it fails or brings another number of records."""
    arguments = [*peer.way, hubspot, ",".join(reads.FIELDS), str(PAGE)]
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as output:
        ended = subprocess.run(
            [python, SOURCES / peer.source, *arguments],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": folder, **QUIET},
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if ended.returncode:
            print(ended.stderr, file=sys.stderr)
            raise RuntimeError(f"{peer.title} failed")
        seconds, cpu, counted = json.loads(ended.stderr.splitlines()[-1])
        output.seek(0)
        records = counted if counted is not None else sum(b'"RECORD"' in line for line in output)
    if records != reads.RECORDS:
        raise RuntimeError(f"{peer.title} brought {records} of {reads.RECORDS} records")
    return seconds, cpu, records
