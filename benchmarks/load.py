"""A lean HTTP client that keeps a server busy: the same GET over kept-alive connections, counted."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Load:
    """What a server did: requests a second, and the middle and slow end of their times in milliseconds."""

    per_second: float
    p50_ms: float
    p99_ms: float


async def load(url: str, *, headers: dict[str, str] | None = None, connections: int = 8, seconds: float = 3.0) -> Load:
    """Send GETs for so long, after a warm-up of a fifth of it; raises when an answer is not 200."""
    parts = urlsplit(url)
    lines = [f"GET {parts.path or '/'} HTTP/1.1", f"Host: {parts.netloc}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()
    warm = time.perf_counter() + seconds / 5
    end = warm + seconds
    times: list[float] = []

    async def one() -> None:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=1 << 20)
        try:
            while (begin := time.perf_counter()) < end:
                writer.write(request)
                await _answer(reader)
                if begin >= warm:
                    times.append(time.perf_counter() - begin)
        finally:
            writer.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    times.sort()
    return Load(len(times) / seconds, times[len(times) // 2] * 1000, times[int(len(times) * 0.99)] * 1000)


async def _answer(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    status = head.split(b" ", 2)[1]
    if status != b"200":
        raise RuntimeError(f"the server answered {status.decode()}")
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    await reader.readexactly(int(length.split(b":")[1]))
