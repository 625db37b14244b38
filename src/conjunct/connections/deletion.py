"""What the deletion of a connection stops, told before it is done."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class _Shape(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class StoppedInstallation(_Shape):
    """An installation that goes with the connection, and the objects that are no longer read for it."""

    id: str
    integration_id: str
    integration_name: str
    group_ref: str
    read_objects: list[str]


class DeletionPlan(_Shape):
    """What deleting a connection does besides forgetting its credentials."""

    connection_id: str
    installations: list[StoppedInstallation] = Field(description="These are deleted, and what they read ends.")
    revokes_at_provider: bool = Field(description="Whether the provider is told that the grant is over.")
    summary: str = Field(description="The same in words.")


def deletion_plan(
    connection_id: str, provider: str, stopped: Iterable[StoppedInstallation], *, revokes: bool
) -> DeletionPlan:
    """The plan, with its words. `provider` is what people call it."""
    installations = list(stopped)
    reads = sum(len(each.read_objects) for each in installations)
    said = [
        f"Deletes {len(installations)} installation(s), so that {reads} object(s) are no longer read."
        if installations
        else "No installation uses this connection.",
        f"{provider} is told that the grant is over; the customer must agree anew to connect again."
        if revokes
        else f"{provider} is not told; the credentials stay good there until the customer or {provider} ends them.",
    ]
    return DeletionPlan(
        connection_id=connection_id, installations=installations, revokes_at_provider=revokes, summary=" ".join(said)
    )
