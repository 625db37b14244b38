"""The embedded database: a PostgreSQL server started, watched over and stopped by Conjunct itself.

It serves one data directory on one machine, through a Unix socket only, from the binaries that the
`conjunct[embedded]` extra installs.
"""

from .problems import BinariesMissing, DataDirectoryInUse, ServerFailed
from .scratch import scratch_postgres
from .server import EmbeddedPostgres

__all__ = ["EmbeddedPostgres", "scratch_postgres", "BinariesMissing", "DataDirectoryInUse", "ServerFailed"]
