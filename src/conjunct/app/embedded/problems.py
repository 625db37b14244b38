"""Why the embedded database cannot be had; each says what to do about it."""

from __future__ import annotations

from conjunct.core.problems import Conflict, Unavailable


class BinariesMissing(Unavailable):
    """The PostgreSQL binaries are not installed, or not the ones that the data needs."""

    slug = "embedded-database-missing"
    title = "The embedded database is not installed"


class DataDirectoryInUse(Conflict):
    """Another process has its database in this data directory now."""

    slug = "data-directory-in-use"
    title = "The data directory is in use"


class ServerFailed(Unavailable):
    """The database server cannot be started here, or does not stay up."""

    slug = "embedded-database-failed"
    title = "The embedded database does not run"
