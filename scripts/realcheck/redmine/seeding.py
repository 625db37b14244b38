"""Fills an empty Redmine through its own API, with what real ones have: closed things, locked people, other scripts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from scripts.realcheck.redmine.redmine import Redmine

CLOSED, LOCKED = 5, 3
SUBJECTS = ("Oil the wheel", "Straße räumen", "水車を直す", 'Quote "this" & <that>', "Ремонт 🛠")


@dataclass
class Seeded:
    """What was made. `reader` is the user whose API key Conjunct gets."""

    reader: int
    reader_key: str
    private_project: int
    issues: list[int]
    _unused: Iterator[int] = field(init=False)

    def __post_init__(self) -> None:
        self._unused = iter(self.issues)

    def some_issue(self) -> int:
        """Another open issue at each call."""
        return next(self._unused)


def seed(redmine: Redmine, *, reader: str, issues: int) -> Seeded:
    """Make projects, users, issues and time entries. `reader` is the login of the user that Conjunct reads as."""
    user = redmine.create("user", **person(reader), admin=True)
    people = [redmine.create("user", **person(f"miller{number}"))["id"] for number in range(1, 6)]
    redmine.update(f"users/{people[-1]}.json", user={"status": LOCKED})
    projects = [
        redmine.create("project", name=f"Mill {number}", identifier=f"mill-{number}", is_public=number != 2)["id"]
        for number in range(1, 4)
    ]
    developer = next(role["id"] for role in redmine.get("roles.json")["roles"] if role["name"] == "Developer")
    for project in projects:
        for member in people[:3]:
            redmine.client.post(
                f"projects/{project}/memberships.json",
                json={"membership": {"user_id": member, "role_ids": [developer]}},
            ).raise_for_status()
    trackers = [tracker["id"] for tracker in redmine.get("trackers.json")["trackers"]]
    made = [redmine.create("issue", **issue(number, projects, people[:3], trackers))["id"] for number in range(issues)]
    for number in made[::10]:
        redmine.update(f"issues/{number}.json", issue={"status_id": CLOSED, "notes": "Done."})
    log_time(redmine, made[: max(1, issues // 8)])
    redmine.client.put(f"projects/{projects[2]}/close.json").raise_for_status()
    open_ones = [number for index, number in enumerate(made) if index % 10 and projects[index % 3] != projects[2]]
    return Seeded(user["id"], user["api_key"], projects[1], open_ones)


def person(login: str) -> dict[str, Any]:
    """A user's values."""
    return {
        "login": login,
        "firstname": login.capitalize(),
        "lastname": "Müller",
        "mail": f"{login}@mill.example",
        "generate_password": True,
    }


def issue(number: int, projects: list[int], people: list[int], trackers: list[int]) -> dict[str, Any]:
    """The values of one of many issues, no two kinds alike."""
    values: dict[str, Any] = {
        "project_id": projects[number % len(projects)],
        "tracker_id": trackers[number % len(trackers)],
        "subject": f"{SUBJECTS[number % len(SUBJECTS)]} {number}",
    }
    if number % 2:
        values["assigned_to_id"] = people[number % len(people)]
        values["description"] = "First line\r\nsecond *line*\n" * (number % 40)
    if number % 3 == 0:
        values |= {"start_date": "2026-03-29", "due_date": "2026-10-25", "estimated_hours": number / 4}
    return values


def log_time(redmine: Redmine, issues: list[int]) -> None:
    """Some hours on each of these issues."""
    activities = redmine.get("enumerations/time_entry_activities.json")["time_entry_activities"]
    for index, number in enumerate(issues):
        redmine.client.post(
            "time_entries.json",
            json={
                "time_entry": {
                    "issue_id": number,
                    "hours": 0.25 + index % 8,
                    "activity_id": activities[index % len(activities)]["id"],
                    "comments": f"{SUBJECTS[index % len(SUBJECTS)]}",
                }
            },
        ).raise_for_status()
