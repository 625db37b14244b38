"""The table of key rotations."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from conjunct.core.database import Base, Id, Timestamp


class KeyRotationRow(Base):
    """One run through all that is sealed, to seal it with the present keys; a job does it, from where it stopped.

    `kind` is `master` (what the master keys seal; `target` is the id of the key that shall seal it) or `data` (what the
    projects' data keys seal). The `phase` is one of

    - `making`: every project is given a new data key;
    - `waiting`: until `seal_at`, when all processes use the new keys;
    - `sealing`: what older keys have sealed is sealed anew; `position` is where in which column;
    - `done`, since `finish_time`. `failed` values could not be opened and are as they were.
    """

    __tablename__ = "key_rotation"
    __table_args__ = (
        CheckConstraint("kind in ('master', 'data')", name="kind"),
        CheckConstraint("phase in ('making', 'waiting', 'sealing', 'done')", name="phase"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    target: Mapped[str | None] = mapped_column(Text)
    phase: Mapped[str] = mapped_column(Text)
    seal_at: Mapped[Timestamp | None]
    position: Mapped[dict[str, Any] | None]
    made: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    sealed: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    failed: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    note: Mapped[str | None] = mapped_column(Text)
    create_time: Mapped[Timestamp]
    finish_time: Mapped[Timestamp | None]
