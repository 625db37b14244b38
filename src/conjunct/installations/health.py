"""Whether an installation is healthy: told from what stands against it, at the moment of the question.

An installation is unhealthy while any of these stands, and healthy as soon as none is left:

- its connection has bad credentials;
- a destination that one of its objects delivers to is disabled;
- a trouble has been reported and not ended: see `Trouble`.
"""

from __future__ import annotations

from typing import Literal

from conjunct.delivery import is_any_disabled

Trouble = Literal["read_failed", "read_paused"]
"""What can be the matter with an object: its last read on a schedule, or its backfill, has failed for good; or its
schedule is paused because its reads keep failing."""


def health_status(installation: str, config: str, connection: str) -> str:
    """SQL for the specification's `healthStatus`, given the aliases of the three tables."""
    i = installation
    return f"""CASE WHEN {connection}.status = 'bad_credentials'
        OR EXISTS (SELECT FROM installation_trouble t WHERE t.installation_id = {i}.id)
        OR {is_any_disabled(f"{i}.project_id", f"{config}.destinations")}
        THEN 'unhealthy' ELSE 'healthy' END"""
