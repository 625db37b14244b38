"""Tables of the invites."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import DateTime, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from conjunct.core.database import Base, Id, Timestamp
from conjunct.kit.ids import new_id


class InviteRow(Base):
    """An invite. `status` stays `pending` when its time is over: what it is now, its `expire_time` says."""

    __tablename__ = "invite"
    __table_args__ = (
        Index("invite_pending_key", "org_id", "email", unique=True, postgresql_where=text("status = 'pending'")),
        Index("invite_email_idx", "email", postgresql_where=text("status = 'pending'")),
    )

    id: Mapped[Id] = mapped_column(primary_key=True, default=new_id)
    org_id: Mapped[Id] = mapped_column(ForeignKey("org.id", ondelete="CASCADE"), index=True)
    email: Mapped[Id]
    status: Mapped[Id]
    create_time: Mapped[Timestamp]
    expire_time: Mapped[Timestamp]
    update_time: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
