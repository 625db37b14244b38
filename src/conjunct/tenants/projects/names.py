"""What a project may be called."""

from __future__ import annotations

import re

from conjunct.core.problems import Issue

LONGEST = 128

_PATTERN = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]")
# Ids stand where names do; a name that looks like one could stand for two projects.
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_SHOWN = 200


def name_issues(name: str, at: str) -> list[Issue]:
    """What is wrong with a project's name; `at` is where it stands in the body."""
    if not name:
        return [Issue(at, "is required")]
    if len(name) > LONGEST:
        return [Issue(at, f"has more than {LONGEST} characters")]
    if not _PATTERN.fullmatch(name):
        remedy = "Use 2 to 128 letters, digits and hyphens, with no hyphen at either end."
        return [Issue(at, "must hold only letters, digits and hyphens", value=name[:_SHOWN], remedy=remedy)]
    if _ID.fullmatch(name):
        return [Issue(at, "looks like an id, of which projects have their own", value=name)]
    return []


def app_name_issues(app_name: str, at: str) -> list[Issue]:
    """What is wrong with the name that customers see."""
    if not app_name.strip():
        return [Issue(at, "is required")]
    if len(app_name) > LONGEST:
        return [Issue(at, f"has more than {LONGEST} characters")]
    return []


def taken(name: str, at: str) -> Issue:
    """The issue of a name that another project of the org has."""
    return Issue(at, "another project of the org has this name", value=name, remedy="Choose another name.")
