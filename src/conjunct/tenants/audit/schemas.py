"""The audit log on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class AuditResource(_Wire):
    """What was changed."""

    kind: Annotated[str, Field(description="Such as `installation` or `api-key`.")]
    id: Annotated[str | None, Field(description="Its id, or the name that the request gave.")] = None


class AuditEntry(_Wire):
    """A change: who made it, when, and what was changed."""

    id: str
    time: datetime
    actor: Annotated[
        str,
        Field(
            description="`api-key:<id>`, `jwt:<kid>:<consumerRef>`, `builder:<id>`, `consumer:<consumerRef>` of an "
            "OAuth flow, `admin-cli`, `system` or `anonymous`."
        ),
    ]
    action: Annotated[str, Field(description="The operation's id, such as `updateInstallation`.")]
    resource: AuditResource
    request_id: Annotated[str | None, Field(description="As in the header X-Request-Id of the answer.")] = None
    detail: Annotated[
        dict[str, Any], Field(description="Parameters of the path and the query, the update mask, and what was made.")
    ]
