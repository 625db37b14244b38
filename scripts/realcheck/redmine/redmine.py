"""A real Redmine, from Debian's packages, in a folder of its own; and a client of its API."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from scripts.realcheck.processes import CheckFailed, run, running, said, until

INSTALLED = Path("/usr/share/redmine")
TIME_ZONE = "America/St_Johns"
"""Redmine keeps local time; half an hour off all others, a zone that is got wrong somewhere cannot go unseen."""

PREPARE = """
Redmine::DefaultData::Loader.load("en")
Setting.rest_api_enabled = "1"
admin = User.find_by_login("admin")
admin.update_columns(must_change_passwd: false)
puts "KEY #{admin.api_key} "
"""
# The gem of the adapter is listed only where the system has a Redmine of its own, with a database.
GEMS = f"""
eval_gemfile "{INSTALLED}/Gemfile"
gem "sqlite3" unless dependencies.any? {{ |known| known.name == "sqlite3" }}
"""
ASKED = re.compile(r'\[([0-9a-f-]+)\] Started GET "/([\w/]+)')
ASKER = re.compile(r"\[([0-9a-f-]+)\]   Current user: (\w+)")


@dataclass(frozen=True)
class Redmine:
    """A running Redmine. `client` acts as its administrator."""

    url: str
    client: httpx.Client
    database: Path
    log: Path

    def list(self, what: str, **query: str) -> list[dict[str, Any]]:
        """All records of a kind, by plain offset paging: what a read must bring."""
        found: list[dict[str, Any]] = []
        while True:
            page = self.get(f"{what}.json", limit="100", offset=str(len(found)), **query)
            found += page[what]
            if not page[what] or len(found) >= page["total_count"]:
                return found

    def get(self, path: str, **query: str) -> Any:
        """The JSON of a resource."""
        return self._answered(self.client.get(path, params=query)).json()

    def create(self, what: str, **values: Any) -> dict[str, Any]:
        """Create a record; `what` is the singular, such as `issue`."""
        plural = what.removesuffix("y") + "ies" if what.endswith("y") else what + "s"
        created: dict[str, Any] = self._sent("POST", f"{plural}.json", {what: values}).json()[what]
        return created

    def update(self, path: str, **content: Any) -> None:
        """Change a record."""
        self._sent("PUT", path, content)

    def _sent(self, method: str, path: str, content: dict[str, Any]) -> httpx.Response:
        """Send a change. SQLite refuses one (500, nothing done) that meets a mail job's: it is sent again."""
        response = self.client.request(method, path, json=content)
        for _ in range(3):
            if response.status_code != httpx.codes.INTERNAL_SERVER_ERROR:
                break
            response = self.client.request(method, path, json=content)
        return self._answered(response)

    def reset_key(self, user: int) -> str:
        """Give a user another API key, as the button on their account page does; the old one is good no more."""
        key = secrets.token_hex(20)
        with sqlite3.connect(self.database, timeout=10) as connection:
            done = connection.execute(
                "UPDATE tokens SET value = ? WHERE user_id = ? AND action = 'api'", (key, user)
            ).rowcount
        connection.close()
        if done != 1:
            raise CheckFailed(f"user {user} has {done} API keys")
        return key

    def requests_of(self, login: str) -> Counter[str]:
        """How many requests a user has made, by resource, as Redmine's own log tells."""
        log = self.log.read_text(errors="replace")
        mine = {request for request, user in ASKER.findall(log) if user == login}
        return Counter(resource for request, resource in ASKED.findall(log) if request in mine)

    def _answered(self, response: httpx.Response) -> httpx.Response:
        if response.is_error:
            request = response.request
            raise CheckFailed(f"Redmine: {request.method} {request.url}: {response.status_code} {response.text[:300]}")
        return response


@contextmanager
def redmine(folder: Path) -> Iterator[Redmine]:
    """Make a Redmine with an empty database in `folder`, and run it on a free port for the length of the block."""
    for needed in ("puma", "rake"):
        if not INSTALLED.is_dir() or shutil.which(needed) is None:
            raise CheckFailed("There is no Redmine here; scripts/realcheck/redmine/setup.sh installs it.")
    database, log = folder / "redmine.sqlite3", folder / "redmine.log"
    (folder / "Gemfile").write_text(GEMS)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "TZ": TIME_ZONE,
        "RAILS_ENV": "production",
        "RAILS_LOG_TO_STDOUT": "1",
        "REDMINE_INSTANCE": "conjunct-realcheck",  # none of the system's own: nothing of them is read or written
        "DATABASE_URL": f"sqlite3:{database}?timeout=10000",
        "SCHEMA": str(folder / "schema.rb"),
        "SECRET_KEY_BASE": secrets.token_hex(32),
        "BUNDLE_GEMFILE": str(folder / "Gemfile"),
    }
    run(["rake", "db:migrate"], environment=environment, folder=INSTALLED)
    output = run(["ruby", "bin/rails", "runner", PREPARE], environment=environment, folder=INSTALLED)
    key = output.split("KEY ")[1].split()[0]
    serve = ["puma", "--bind", "tcp://127.0.0.1:0", "--threads", "1:4", str(INSTALLED / "config.ru")]
    with running(serve, environment=environment, folder=INSTALLED, log=log) as process:
        url = until("Redmine listens", lambda: said(process, log, "Listening on "), within=60)
        with httpx.Client(base_url=url, headers={"X-Redmine-API-Key": key}, timeout=30) as client:
            yield Redmine(url, client, database, log)
