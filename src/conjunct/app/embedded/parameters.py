"""The server's configuration: small in memory, quiet, and as durable as PostgreSQL is by default.

It is given at every start instead of being written into the cluster, so that it is always this release's.
"""

from __future__ import annotations

from pathlib import Path

COMMON = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "huge_pages": "off",
    "jit": "off",
    # One machine serves everything: a query must not take every core, nor need /dev/shm, small in containers.
    "max_parallel_workers_per_gather": "0",
    # Nothing replicates from an embedded server.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "max_wal_size": "512MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_checkpoints": "off",
    # Values of rows and statements stay out of the log: they may be secrets or customers' data.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
# Worker processes for reading ahead cost memory and bring nothing at this size.
SINCE_18 = {"io_method": "sync"}
# For tests: a power cut loses the database, which nobody misses.
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def server_arguments(*, major: int, port: int, socket_folder: Path, durable: bool) -> list[str]:
    """The arguments of `postgres` after its data directory."""
    parameters = {**COMMON, "port": str(port), "unix_socket_directories": str(socket_folder)}
    if major >= 18:
        parameters |= SINCE_18
    if not durable:
        parameters |= NOT_DURABLE
    return [argument for name, value in parameters.items() for argument in ("-c", f"{name}={value}")]
