"""Tables of the read action."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, PrimaryKeyConstraint, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from conjunct.core.database import HISTORY, Base, Id, Timestamp


class ReadObjectRow(Base):
    """What an installation reads of one object: how far it has come, and whether it is paused.

    `watermark` is the moment up to which everything has been read; null as long as the backfill is not done.
    `paused` is null, or who paused: `builder`, `failures` or `removed`.
    """

    __tablename__ = "read_object"
    __table_args__ = (
        PrimaryKeyConstraint("installation_id", "object_name"),
        {"postgresql_with": {**HISTORY, "fillfactor": 60}},
    )

    installation_id: Mapped[Id] = mapped_column(ForeignKey("installation.id", ondelete="CASCADE"))
    object_name: Mapped[Id]
    project_id: Mapped[Id]
    watermark: Mapped[Timestamp | None]
    paused: Mapped[Id | None]
    pause_note: Mapped[str | None] = mapped_column(Text)
    paused_at: Mapped[Timestamp | None]
    hopeless_failures: Mapped[int] = mapped_column(default=0)
    backfill_operation_id: Mapped[Id | None]
    create_time: Mapped[Timestamp] = mapped_column(server_default=func.now())
    update_time: Mapped[Timestamp] = mapped_column(server_default=func.now())


class ReadRunRow(Base):
    """One read run and its checkpoint: `next_page` is the token of the first page that is not handed over yet.

    With `at_deleted`, the live records are done, and that page is one of deleted ones.
    `page` counts handed-over pages, from 0; it is part of every message's id. Since the last page was handed over, or
    the first attempt began, at `moved_at` (null: none has), there have been `tries` that failed, `waits`, and `lost`
    attempts that ended without a word. `new_watermark` is what the object's watermark becomes when the run succeeds;
    null leaves it alone. `guard` and `figures` are what `guarding` and `figures` keep.
    """

    __tablename__ = "read_run"
    __table_args__ = (
        Index(
            "read_run_active_key",
            "installation_id",
            "object_name",
            unique=True,
            postgresql_where=text("active and read_type = 'scheduled'"),
        ),
        {"postgresql_with": {**HISTORY, "fillfactor": 60}},
    )

    operation_id: Mapped[Id] = mapped_column(ForeignKey("operation.id", ondelete="CASCADE"), primary_key=True)
    project_id: Mapped[Id]
    installation_id: Mapped[Id]
    object_name: Mapped[Id]
    config_id: Mapped[Id]
    read_type: Mapped[Id]
    since: Mapped[Timestamp | None]
    until: Mapped[Timestamp | None]
    new_watermark: Mapped[Timestamp | None]
    active: Mapped[bool] = mapped_column(default=True)
    next_page: Mapped[str | None] = mapped_column(Text)
    at_deleted: Mapped[bool] = mapped_column(default=False)
    page: Mapped[int] = mapped_column(default=0)
    records: Mapped[int] = mapped_column(BigInteger, default=0)
    failed_records: Mapped[int] = mapped_column(BigInteger, default=0)
    estimated: Mapped[int | None] = mapped_column(BigInteger)
    tries: Mapped[int] = mapped_column(default=0)
    waits: Mapped[int] = mapped_column(default=0)
    lost: Mapped[int] = mapped_column(default=0)
    restarts: Mapped[int] = mapped_column(default=0)
    moved_at: Mapped[Timestamp | None]
    guard: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    figures: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    create_time: Mapped[Timestamp] = mapped_column(server_default=func.now())
