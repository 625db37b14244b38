"""Tables of the write action: writes that have not ended yet. What has ended is told by its operation alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Interval, LargeBinary, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from conjunct.core.database import Base, Id, Timestamp
from conjunct.kit.ids import new_id


class WriteRunRow(Base):
    """A write that has not ended; the row goes when it does.

    `state` is `synchronous`, done within its request; `gathering`, a batch that takes further records; or `accepted`,
    to be done by its job. `deadline` is when a write is given up, or when a batch gathers no longer; it may be
    `retried_for` so long then. `asked_name` is what the builder called the object. `size` is how many bytes its
    requests had. `sending` is set while records are on their way, see `results.Sending`; `sealed_results` is what is
    known of them. `tries` counts the waits between attempts.
    """

    __tablename__ = "write_run"
    __table_args__ = (
        Index(
            "write_run_gathering_key",
            "installation_id",
            "gather_key",
            unique=True,
            postgresql_where=text("state = 'gathering'"),
        ),
        Index(None, "project_id", postgresql_include=["size"]),
        Index(None, "installation_id"),
        Index(None, "deadline"),
        {"postgresql_with": {"fillfactor": 60}},
    )

    operation_id: Mapped[Id] = mapped_column(ForeignKey("operation.id", ondelete="CASCADE"), primary_key=True)
    project_id: Mapped[Id]
    installation_id: Mapped[Id]
    object_name: Mapped[Id]
    asked_name: Mapped[Id]
    state: Mapped[Id]
    gather_key: Mapped[Id | None]
    deadline: Mapped[Timestamp]
    retried_for: Mapped[timedelta] = mapped_column(Interval)
    records: Mapped[int]
    size: Mapped[int] = mapped_column(BigInteger)
    sending: Mapped[list[Any] | None] = mapped_column(JSONB(none_as_null=True))
    sealed_results: Mapped[bytes | None] = mapped_column(LargeBinary)
    tries: Mapped[int] = mapped_column(default=0)
    create_time: Mapped[Timestamp] = mapped_column(server_default=func.now())


class WritePartRow(Base):
    """A request that belongs to an asynchronous write, as it was asked; a batch that gathers has several.

    `place` is that of its first record in the write.
    """

    __tablename__ = "write_part"
    __table_args__ = (UniqueConstraint("operation_id", "place"),)

    id: Mapped[Id] = mapped_column(primary_key=True, default=new_id)
    operation_id: Mapped[Id] = mapped_column(ForeignKey("write_run.operation_id", ondelete="CASCADE"))
    project_id: Mapped[Id]
    place: Mapped[int]
    sealed_request: Mapped[bytes] = mapped_column(LargeBinary)
