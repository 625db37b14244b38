"""What an entry of the audit log says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SYSTEM = "system"
"""The actor of what Conjunct does of itself, such as in a job."""
ADMIN_CLI = "admin-cli"
"""The actor of what an operator does with `conjunct admin`."""
ANONYMOUS = "anonymous"
"""The actor of a request that needs no credential."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Who did what to which resource.

    `action` is an operation's id, such as `updateInstallation`, or a command such as `admin create-org`. `detail` says
    more, in small JSON without anything secret.
    """

    actor: str
    action: str
    resource_kind: str
    resource_id: str | None = None
    project_id: str | None = None
    org_id: str | None = None
    request_id: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
