"""How the command tells what went wrong."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

from conjunct.core.problems import Problem
from conjunct.core.settings import SettingsError

EXIT_REFUSED = 1
EXIT_BUG = 70


class CommandFailed(Exception):
    """A command cannot do what was asked; the message says why, `remedy` what to do."""

    def __init__(self, message: str, remedy: str | None = None) -> None:
        super().__init__(message)
        self.remedy = remedy


def print_failure(error: Exception) -> int:
    """Tell an error on standard error; returns the exit status."""
    from conjunct.app.up import NotReady
    from conjunct.simulators import SimulatorError

    match error:
        case Problem():
            _print_problem(error)
        case CommandFailed():
            _print_error(str(error), error.remedy)
        case SettingsError():
            _print_error(f"A setting is wrong. {error}", "See docs/reference/settings.md.")
        case SimulatorError() | NotReady():
            _print_error(str(error))
        case _ if _is_of_the_database(error):
            _print_error(
                f"The database that DATABASE_URL names cannot be used: {type(error).__name__}: {_first_line(error)}",
                "Is it running, and are host, port, user, password and name right?",
            )
        case OSError():
            _print_error(f"{type(error).__name__}: {error}")
        case _:
            traceback.print_exception(error)
            _print_error("This is a fault of Conjunct's own; please report it with the lines above.")
            return EXIT_BUG
    return EXIT_REFUSED


def _is_of_the_database(error: Exception) -> bool:
    """Whether the error is the driver's; a refused connection comes as the system's, from within the driver."""
    if "asyncpg" not in sys.modules:
        return False
    from asyncpg import InterfaceError, PostgresError
    from sqlalchemy.exc import SQLAlchemyError

    if isinstance(error, OSError):
        frames = traceback.extract_tb(error.__traceback__)
        return any("asyncpg" in Path(frame.filename).parts for frame in frames)
    return isinstance(error, SQLAlchemyError | PostgresError | InterfaceError)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def print_issues(issues: list[dict[str, object]], source: str | None = None) -> None:
    """List faults, each with its place; `issues` are in the API's wire format."""
    for issue in issues:
        context = issue.get("context")
        place = str(issue.get("name") or "")
        if isinstance(context, dict) and "line" in context:
            position = f"{context['line']}:{context.get('column')}"
            place = f"{source or 'line'}:{position}: {place}" if place else f"{source or 'line'}:{position}"
        print(f"  {place}: {issue.get('detail')}", file=sys.stderr)
        if issue.get("remedy"):
            print(f"      {issue['remedy']}", file=sys.stderr)


def _print_problem(problem: Problem) -> None:
    _print_error(problem.detail, problem.remedy, [issue.to_wire() for issue in problem.issues])


def _print_error(message: str, remedy: str | None = None, issues: list[dict[str, object]] | None = None) -> None:
    print(f"error: {message}", file=sys.stderr)
    print_issues(issues or [])
    if remedy:
        print(f"  {remedy}", file=sys.stderr)
