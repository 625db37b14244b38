"""Tables of the notifications slice."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from conjunct.core.database import Base, Id, Timestamp
from conjunct.kit.ids import new_id


class TopicRow(Base):
    """A topic: events are routed to it, and it is routed to destinations."""

    __tablename__ = "topic"
    __table_args__ = (UniqueConstraint("project_id", "name"),)

    id: Mapped[Id] = mapped_column(primary_key=True, default=new_id)
    project_id: Mapped[Id] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    name: Mapped[Id]
    create_time: Mapped[Timestamp] = mapped_column(server_default=func.now())
    update_time: Mapped[Timestamp | None]


class EventTopicRouteRow(Base):
    """Events of a type reach a topic."""

    __tablename__ = "event_topic_route"
    __table_args__ = (
        UniqueConstraint("project_id", "event_type", "topic_id"),  # what an event is looked up by
        Index(None, "topic_id"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True, default=new_id)
    project_id: Mapped[Id] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    event_type: Mapped[Id]
    topic_id: Mapped[Id] = mapped_column(ForeignKey("topic.id", ondelete="CASCADE"))
    create_time: Mapped[Timestamp] = mapped_column(server_default=func.now())


class TopicDestinationRouteRow(Base):
    """What reaches a topic goes to a destination."""

    __tablename__ = "topic_destination_route"
    __table_args__ = (
        UniqueConstraint("topic_id", "destination_id"),
        Index(None, "project_id"),
        Index(None, "destination_id"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True, default=new_id)
    project_id: Mapped[Id] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    topic_id: Mapped[Id] = mapped_column(ForeignKey("topic.id", ondelete="CASCADE"))
    destination_id: Mapped[Id] = mapped_column(ForeignKey("destination.id", ondelete="CASCADE"))
    create_time: Mapped[Timestamp] = mapped_column(server_default=func.now())
