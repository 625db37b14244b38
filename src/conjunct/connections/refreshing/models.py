"""The table of exchanges that are under way, or whose end is not known."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import DateTime, ForeignKey, Index, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from conjunct.core.database import Base, Id, Timestamp


class TokenExchangeRow(Base):
    """The exchange of one connection's tokens: the claim to do it, and the journal of what may have happened.

    The row is written before the provider is asked, and goes with the transaction that stores what it gave. `version`
    is that of the credentials to renew. `claim_id` is whose turn it is until `claim_until`, nobody's when null; the
    answer is kept in the data folder `folder`. `interrupted`: of an exchange of this version the answer is not known,
    so that the refresh token may be used up. `look_at` is when upkeep looks after it, `started` when the first exchange
    of this version began.
    """

    __tablename__ = "token_exchange"
    __table_args__ = (Index(None, "project_id"), Index(None, "look_at"))

    connection_id: Mapped[Id] = mapped_column(ForeignKey("connection.id", ondelete="CASCADE"), primary_key=True)
    project_id: Mapped[Id] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    version: Mapped[int]
    claim_id: Mapped[str | None] = mapped_column(Text)
    claim_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    folder: Mapped[str] = mapped_column(Text)
    interrupted: Mapped[bool]
    look_at: Mapped[Timestamp]
    started: Mapped[Timestamp] = mapped_column(server_default=func.now())
