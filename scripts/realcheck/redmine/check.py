"""The main job on real input: a real Redmine is read by backfill and then incrementally into a verifying webhook.

    .venv/bin/python -m scripts.realcheck.redmine.check

Takes some seven minutes, most of them waiting for the next full minute: schedules are no finer. Ends with 0 when all
was as it must be, else with 1. Everything runs on loopback, in a temporary folder, and is gone at the end.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scripts.realcheck.judging import require, say
from scripts.realcheck.processes import CheckFailed, until
from scripts.realcheck.receiver import Arrived, Receiver, receiver
from scripts.realcheck.redmine.comparing import require_equal
from scripts.realcheck.redmine.platform_under_test import Installation, Platform, conjunct
from scripts.realcheck.redmine.proxying import require_proxy
from scripts.realcheck.redmine.redmine import Redmine, redmine
from scripts.realcheck.redmine.seeding import Seeded, seed
from scripts.realcheck.redmine.writing import require_writes

HERE = Path(__file__).parent
EVERY_MINUTE = "* * * * *"
PERIOD, APART = 60.0, 3.0  # seconds
READER = "conjunct"
OBJECTS = ("issues", "projects", "time_entries", "users")
# What lists everything that there is: closed issues, closed projects, locked users.
WHOLE = {"issues": {"status_id": "*"}, "projects": {"status": "1|5"}, "users": {"status": ""}}


@dataclass
class Check:
    """The check, step by step; `figures` are told at the end."""

    redmine: Redmine
    platform: Platform
    receiver: Receiver
    seeded: Seeded
    figures: dict[str, str] = field(default_factory=dict)
    seen: int = 0

    def run(self) -> None:
        """All steps. Raises `CheckFailed`."""
        connection, installation = self.install()
        self.backfill(installation)
        self.incremental(installation)
        self.triggered(installation)
        self.lost_key(connection, installation)
        say("An issue is made, changed and deleted through Conjunct …")
        self.figures["writes"] = require_writes(self.platform, self.redmine, project=self.seeded.private_project)
        say("Requests are passed through …")
        self.figures["proxy"] = require_proxy(self.platform, self.redmine)

    def install(self) -> tuple[str, Installation]:
        """Deploy, make the destination, connect with the customer's key, and install with a sample of each object."""
        say("A builder deploys; a customer connects their Redmine and installs.")
        call = self.platform.call
        metadata = {"url": self.receiver.url}
        call("POST", "/destinations", {"name": "check-webhook", "type": "webhook", "metadata": metadata})
        destination = call("GET", "/destinations/check-webhook?includeSecrets=true")
        self.receiver.trust(destination["secrets"]["webhookSigningKey"])
        self.platform.deploy(HERE)
        who = {"groupRef": "mill", "groupName": "The Mill", "consumerRef": "ada", "consumerName": "Ada"}
        connection = call(
            "POST",
            "/connections:generate",
            {
                **who,
                "provider": "redmine",
                "apiKey": self.seeded.reader_key,
                "providerWorkspaceRef": self.redmine.url,
            },
        )
        objects = {
            name: {
                "objectName": name,
                "schedule": EVERY_MINUTE,
                "destination": "check-webhook",
                "backfill": {"defaultPeriod": {"fullHistory": True}},
            }
            for name in OBJECTS
        }
        written = {"issues": {"objectName": "issues", "deletionSettings": {"enabled": True}}}
        content = {
            "provider": "redmine",
            "read": {"objects": objects},
            "write": {"objects": written},
            "proxy": {"enabled": True},
        }
        made = call(
            "POST",
            "/integrations/redmine-check/installations",
            {"groupRef": "mill", "connectionId": connection["id"], "config": {"content": content}},
        )
        return connection["id"], Installation(self.platform, f"/integrations/redmine-check/installations/{made['id']}")

    def backfill(self, installation: Installation) -> None:
        """All that Redmine has arrives, each record once, with the right values."""
        say("Backfill …")
        begun = time.monotonic()
        expected = {name: self.redmine.list(name, **WHOLE.get(name, {})) for name in OBJECTS}
        for name in OBJECTS:
            operation = installation.progress(name)["operationId"]
            ended = until(f"the backfill of {name}", lambda: self._ended(operation), within=90)  # noqa: B023
            self._require_success(ended)
        wanted = sum(map(len, expected.values()))
        until(f"{wanted} records arrive", lambda: len(self.receiver.arrived()) >= wanted, within=60)
        seconds = time.monotonic() - begun
        arrived = self.news()
        for name, records in expected.items():
            require_equal(name, records, [each for each in arrived if each.object == name])
            processed = installation.progress(name)["recordsProcessed"]
            require(processed == len(records), f"progress of {name}: {processed} of {len(records)}")
        require({each.read_type for each in arrived} == {"backfill"}, "not all of it was of the backfill")
        counts = ", ".join(f"{len(records)} {name}" for name, records in expected.items())
        say(f"  {counts}: all arrived, each once, every value as in Redmine")
        self.figures["backfill"] = f"{wanted} records in {len(self.receiver.messages)} messages, {seconds:.1f} s"
        self.figures["backfill requests"] = told(self.redmine.requests_of(READER))

    def incremental(self, installation: Installation) -> None:
        """An edited and a new issue arrive with the next scheduled read, and nothing else then or after."""
        say("Waiting for a scheduled read that finds nothing …")
        self._quiet(installation)
        self._between_reads(installation)
        edited, created = self._change("Oil the wheel")
        since = time.monotonic()
        say(f"Issue {edited} was edited and {created} made; waiting for the schedule …")
        self._require_read({edited, created})
        self.figures["incremental"] = f"2 records, {time.monotonic() - since:.0f} s after the change"
        self._quiet(installation)
        say("  exactly these two arrived, and the scheduled read after that brought nothing")

    def triggered(self, installation: Installation) -> None:
        """A triggered read with `sinceTimestamp` brings what changed since then."""
        self._between_reads(installation)
        since = datetime.now(UTC)
        time.sleep(1)  # the next whole second
        changed = set(self._change("Grind"))
        answer = self.platform.call(
            "POST",
            "/integrations/redmine-check/objects/issues",
            {"groupRef": "mill", "mode": "async", "sinceTimestamp": since.isoformat()},
            surface="/read",
        )
        operation = until("the triggered read", lambda: self._ended(answer["operationId"]), within=90)
        self._require_success(operation)

        def by_it() -> list[Arrived]:
            return [each for each in self.receiver.arrived(self.seen) if each.read_type == "triggered"]

        until("its records arrive", lambda: len(by_it()) >= len(changed), within=30)
        require(sorted(each.id for each in by_it()) == sorted(changed), f"{changed} changed, {by_it()} arrived")
        say(f"A triggered read since {since:%H:%M:%S} brought exactly the issues changed since: {sorted(changed)}")
        installation.next_operations(["issues"])  # the schedule brings them, too
        self.news()

    def lost_key(self, connection: str, installation: Installation) -> None:
        """A key that is good no more stops the reads, says so, and loses nothing."""
        self._between_reads(installation)
        key = self.redmine.reset_key(self.seeded.reader)
        changed = set(self._change("Dress the stones"))
        say("The customer's key was reset in Redmine, and issues changed; waiting for the schedule …")
        failed = installation.next_operation()
        require(failed["status"] == "failure", f"the read with a bad key ended with {failed}")
        said = self._told(failed["id"])
        require("401" in said or "credential" in said.lower(), f"the log does not say why: {said}")
        status = self.platform.call("GET", f"/connections/{connection}")["status"]
        require(status == "bad_credentials", f"the connection is {status}")
        say(f"  it failed and says: {said}")
        before = self._asked()
        time.sleep(75)
        rested = self._asked() - before
        require(rested <= 1, f"with bad credentials, Redmine was asked {rested} times in 75 s")
        require(not self.news(), "something arrived with a bad key")
        say("  reads rest: Redmine was left alone for 75 s. Giving the new key …")
        self.platform.call(
            "PATCH", f"/connections/{connection}", {"updateMask": ["apiKey"], "connection": {"apiKey": key}}
        )
        self._require_read(changed)
        self._quiet(installation)
        status = self.platform.call("GET", f"/connections/{connection}")["status"]
        require(status == "working", f"with the new key the connection is {status}")
        say("  what changed meanwhile arrived, each once, and nothing else")
        self.figures["outage"] = f"{len(changed)} changes while the key was bad, all delivered after"

    def news(self) -> list[Arrived]:
        """What has arrived since this was asked last."""
        arrived = self.receiver.arrived(self.seen)
        self.seen = len(self.receiver.messages)
        return arrived

    def _change(self, subject: str) -> tuple[int, int]:
        edited = self.seeded.some_issue()
        self.redmine.update(f"issues/{edited}.json", issue={"subject": f"{subject} again", "done_ratio": 50})
        created = self.redmine.create("issue", project_id=self.seeded.private_project, subject=subject)
        return edited, int(created["id"])

    def _require_read(self, issues: set[int]) -> None:
        """The next reads bring exactly these issues, as they are in Redmine now."""
        until(
            f"issues {sorted(issues)} arrive",
            lambda: issues <= {each.id for each in self.receiver.arrived(self.seen)},
            within=150,
        )
        arrived = self.news()
        require({each.object for each in arrived} == {"issues"}, f"besides issues arrived {arrived}")
        require_equal("issues", [self.redmine.get(f"issues/{each}.json")["issue"] for each in issues], arrived)
        require({each.read_type for each in arrived} == {"scheduled"}, f"it was no scheduled read: {arrived}")

    def _quiet(self, installation: Installation) -> None:
        """A scheduled read of every object, from its begin to its end, brings nothing."""
        for operation in installation.next_operations(OBJECTS):
            self._require_success(operation)
        news = self.news()
        require(not news, f"nothing changed, but there arrived {[(each.object, each.id) for each in news]}")

    def _between_reads(self, installation: Installation) -> None:
        """Wait until no read of issues is near: what changes in the second of a read may rightly arrive twice."""
        age = installation.age_of_last("issues")
        if age < APART:
            time.sleep(APART - age)
        elif age > PERIOD - APART:
            time.sleep(max(0.0, PERIOD - age) + APART)

    def _require_success(self, operation: dict[str, Any]) -> None:
        if operation["status"] != "success":
            raise CheckFailed(f"{operation['metadata']['objects']}: {self._told(operation['id'])}")

    def _ended(self, operation: str) -> dict[str, Any] | None:
        found = self.platform.operation(operation)
        return found if found["status"] in ("success", "failure") else None

    def _told(self, operation: str) -> str:
        lines = [line["message"] for line in self.platform.logs(operation) if line["severity"] != "INFO"]
        return " | ".join(f"{line['msg']} {line.get('error', '')}".strip() for line in lines)

    def _asked(self) -> int:
        return len(self.redmine.log.read_text(errors="replace").split(" Started GET ")) - 1


def told(requests: Counter[str]) -> str:
    """Counted requests in words."""
    return ", ".join(f"{count} {resource}" for resource, count in sorted(requests.items()))


def main() -> int:
    """Run the check; 0 when all was as it must be."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--issues", type=int, default=300, help="how many issues to make (300)")
    parser.add_argument("--keep", type=Path, help="copy the servers' logs to this folder at the end")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what runs is stopped, too
    with tempfile.TemporaryDirectory(prefix="conjunct-redmine-") as name:
        folder = Path(name)
        try:
            return story(folder, options.issues)
        except CheckFailed as failure:
            print(f"\nFAILED: {failure}", file=sys.stderr)
            return 1
        finally:
            if options.keep:
                options.keep.mkdir(parents=True, exist_ok=True)
                for log in folder.glob("*.log"):
                    (options.keep / log.name).write_bytes(log.read_bytes())


def story(folder: Path, issues: int) -> int:
    """Everything from an empty folder to the summary."""
    begun = time.monotonic()
    say("Making a Redmine with an empty database …")
    with redmine(folder) as there, receiver() as hook:
        seeded = seed(there, reader=READER, issues=issues)
        say(f"  {there.url}, seeded through its API in {time.monotonic() - begun:.1f} s. Starting Conjunct …")
        started = time.monotonic()
        with conjunct(folder) as platform:
            say(f"  {platform.url}, ready after {time.monotonic() - started:.1f} s")
            check = Check(there, platform, hook, seeded)
            check.run()
        require(hook.refused == 0, f"{hook.refused} messages were not signed as they must be")
        check.figures["signatures"] = f"{hook.verified} verified by standardwebhooks, {hook.refused} refused"
        check.figures["requests to Redmine"] = told(there.requests_of(READER))
    check.figures["whole check"] = f"{time.monotonic() - begun:.0f} s"
    print("\nAll as it must be.")
    for name, figure in check.figures.items():
        print(f"  {name + ':':<22}{figure}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
