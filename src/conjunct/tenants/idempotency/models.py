"""The table of idempotency keys."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import DateTime, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from conjunct.core.database import Base, Id, Timestamp


class IdempotencyKeyRow(Base):
    """A request that was sent with a key, and what was answered.

    `id` is a digest of the caller and their key, `request` one of the request. Until there is an `answer` (sealed), the
    request is being handled, at most until `lease_until`.
    """

    __tablename__ = "idempotency_key"

    id: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    request: Mapped[bytes] = mapped_column(LargeBinary)
    holder: Mapped[Id]
    lease_until: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    answer: Mapped[bytes | None] = mapped_column(LargeBinary)
    create_time: Mapped[Timestamp] = mapped_column(index=True)
