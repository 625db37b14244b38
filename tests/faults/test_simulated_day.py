"""A simulated hour of four installations, with providers and destinations that fail: nothing is lost.

The whole day of thousands is `python -m scripts.loadcheck.day`.
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SMALL = ("--installations", "4", "--hours", "1.25", "--factor", "500", "--changing", "0.5", "--workers", "1")


async def test_every_change_arrives_or_waits() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "scripts.loadcheck.day", *SMALL),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    said = output.decode()
    assert process.returncode == 0, said
    [(changes, delivered)] = re.findall(r"changes +([\d,]+): ([\d,]+) delivered", said)
    assert int(changes) >= int(delivered) > 0, said
    assert re.search(r"failed [1-9]", said), said
    assert re.search(r"a month on +\d+ of \d+ operations are left", said), said
