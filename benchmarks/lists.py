"""List 100 connections: our endpoint with authentication, beside a bare server and beside the usual way."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import structlog
from fastapi import Depends, FastAPI
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ForeignKey, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, selectinload
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.grants import hubspot_grant
from benchmarks.load import Load, load
from benchmarks.report import Row
from benchmarks.servers import migrated_database, served
from conjunct.app.api import create_api
from conjunct.app.services import open_services
from conjunct.connections import connection_json
from conjunct.core.database import Database
from conjunct.core.settings import Settings

CONNECTIONS = 100
SECONDS = 4.0


async def run(database_url: str) -> list[Row]:
    """Measure on a database of its own on that server; each server twice in turn, the better one counts."""
    with tempfile.TemporaryDirectory() as folder:
        async with migrated_database(database_url) as database:
            settings = Settings(data_dir=Path(folder), database_url=database.dsn)
            api_key = await _fill(settings, database)
            argument = f"{database.dsn} {folder}"
            headers = {"X-Api-Key": api_key}
            bare = await _measure(_bare_app, argument, "/", {})
            naive = await _measure(_naive_app, argument, "/", {})
            ours = await _measure(_our_app, argument, "/v1/projects/bench/connections", headers)
    return [
        _row("list 100 connections, against bare Starlette + asyncpg + json_agg", ours, bare, 0.5),
        _row("list 100 connections, against ORM + response_model", ours, naive, 4.0),
    ]


def _row(path: str, ours: Load, other: Load, budget: float) -> Row:
    ratio = ours.per_second / other.per_second
    return Row(
        path=path,
        measured=f"{ours.per_second:,.0f}/s, p50 {ours.p50_ms:.1f} ms, p99 {ours.p99_ms:.1f} ms",
        baseline=f"{other.per_second:,.0f}/s",
        ratio=ratio,
        budget=f"≥ {budget} of it",
        ok=ratio >= budget,
    )


async def _measure(make_app: Any, argument: str, path: str, headers: dict[str, str]) -> Load:
    with served(make_app, argument) as url:
        runs = [await load(url + path, headers=headers, seconds=SECONDS) for _ in range(2)]
    return max(runs, key=lambda run: run.per_second)


async def _fill(settings: Settings, database: Database) -> str:
    async with open_services(settings, database) as services, database.transaction() as session:
        project = await services.tenants.create_org_and_project(session, org="b", project="bench", app_name="b")
        for number in range(CONNECTIONS):
            grant = hubspot_grant(
                f"group-{number}",
                f"consumer-{number}",
                token="t" * 200,
                workspace=f"workspace-{number}",
                scopes=("a", "b", "c"),
            )
            await services.connections.store_grant(session, project.project_id, grant)
    return project.api_key


def _quiet() -> None:
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(40), logger_factory=structlog.ReturnLoggerFactory()
    )


def _our_app(argument: str) -> Any:
    """The whole API, opened when the server starts."""
    _quiet()
    dsn, _, folder = argument.partition(" ")
    settings = Settings(data_dir=Path(folder), database_url=dsn)
    opened: dict[str, Any] = {}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if "app" not in opened:
            services = open_services(settings, Database(dsn))
            opened["services"] = services
            opened["app"] = create_api(settings, await services.__aenter__())
        await opened["app"](scope, receive, send)

    return app


def _bare_app(argument: str) -> Any:
    """The least that answers the same bytes: no authentication, no tenant from the request."""
    dsn, _, _ = argument.partition(" ")
    query = f"""
        SELECT json_agg({connection_json("c", "g", "u")} ORDER BY c.id)::text FROM connection c
        JOIN customer_group g ON g.id = c.group_id JOIN consumer u ON u.id = c.consumer_id
        WHERE c.project_id = $1"""
    opened: dict[str, Any] = {}

    async def answer(_request: Request) -> Response:
        if "pool" not in opened:
            opened["pool"] = await asyncpg.create_pool(dsn, min_size=10, max_size=10, server_settings={"jit": "off"})
            opened["project"] = await opened["pool"].fetchval("SELECT id FROM project")
        body = await opened["pool"].fetchval(query, opened["project"])
        return Response(body, media_type="application/json")

    return Starlette(routes=[Route("/", answer)])


class _Base(DeclarativeBase):
    pass


class _Group(_Base):
    __tablename__ = "customer_group"
    id: Mapped[str] = mapped_column(primary_key=True)
    project_id: Mapped[str]
    group_ref: Mapped[str]
    group_name: Mapped[str]
    create_time: Mapped[datetime]


class _Consumer(_Base):
    __tablename__ = "consumer"
    id: Mapped[str] = mapped_column(primary_key=True)
    project_id: Mapped[str]
    consumer_ref: Mapped[str]
    consumer_name: Mapped[str]
    create_time: Mapped[datetime]


class _Connection(_Base):
    __tablename__ = "connection"
    id: Mapped[str] = mapped_column(primary_key=True)
    project_id: Mapped[str]
    provider: Mapped[str]
    group_id: Mapped[str] = mapped_column(ForeignKey("customer_group.id"))
    consumer_id: Mapped[str] = mapped_column(ForeignKey("consumer.id"))
    auth_scheme: Mapped[str]
    status: Mapped[str]
    provider_workspace_ref: Mapped[str | None]
    create_time: Mapped[datetime]
    update_time: Mapped[datetime | None]
    group: Mapped[_Group] = relationship()
    consumer: Mapped[_Consumer] = relationship()


class _Wire(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class _GroupWire(_Wire):
    project_id: str
    group_ref: str
    group_name: str
    create_time: datetime


class _ConsumerWire(_Wire):
    project_id: str
    consumer_ref: str
    consumer_name: str
    create_time: datetime


class _ConnectionWire(_Wire):
    id: str
    project_id: str
    provider: str
    auth_scheme: str
    status: str
    provider_workspace_ref: str | None
    create_time: datetime
    update_time: datetime | None
    group: _GroupWire
    consumer: _ConsumerWire


def _naive_app(argument: str) -> Any:
    """What one writes first: ORM objects through a response model."""
    dsn, _, _ = argument.partition(" ")
    url = Database(dsn).url
    sessions = async_sessionmaker(
        create_async_engine(url, pool_size=10, connect_args={"server_settings": {"jit": "off"}})
    )
    app = FastAPI()

    async def session() -> Any:
        async with sessions() as opened:
            yield opened

    @app.get("/", response_model=list[_ConnectionWire])
    async def answer(opened: AsyncSession = Depends(session)) -> Any:
        statement = select(_Connection).options(selectinload(_Connection.group), selectinload(_Connection.consumer))
        return (await opened.scalars(statement.order_by(_Connection.id))).all()

    return app
