"""Tables of the claimed domains."""

from __future__ import annotations

from sqlalchemy import ForeignKey, func
from sqlalchemy.orm import Mapped, mapped_column

from conjunct.core.database import Base, Id, Timestamp
from conjunct.kit.ids import new_id


class ClaimedDomainRow(Base):
    """A domain and the one org that has claimed it."""

    __tablename__ = "claimed_domain"

    id: Mapped[Id] = mapped_column(primary_key=True, default=new_id)
    org_id: Mapped[Id] = mapped_column(ForeignKey("org.id", ondelete="CASCADE"), index=True)
    domain: Mapped[Id] = mapped_column(unique=True)
    create_time: Mapped[Timestamp] = mapped_column(server_default=func.now())
