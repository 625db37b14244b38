"""What is refused of projects."""

from __future__ import annotations

from collections.abc import Sequence

from conjunct.core.problems import Issue, Unprocessable


class ProjectInvalid(Unprocessable):
    """A project's name, app name or org cannot be taken; `issues` holds every fault."""

    slug = "project-invalid"
    title = "The project is not valid"

    def __init__(self, issues: Sequence[Issue]) -> None:
        names = ", ".join(issue.name for issue in issues)
        super().__init__(f"The project cannot be saved like this: {names}.", issues=list(issues))
