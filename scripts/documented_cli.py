"""The commands of the command line and their options."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from conjunct.cli.main import app
from scripts.markdown import code, table


def commands() -> Iterator[str]:
    """A section for each command."""
    yield from table(
        ("command", "what it does"),
        ((f"[`{name}`](#{name.replace(' ', '-')})", each.help) for name, each in known().items()),
    )
    for name, command in known().items():
        yield from ("", f"### {name}", "", command.help, "")
        rows = [_row(parameter) for parameter in shown(command)]
        yield from table(("parameter", "default", "meaning"), rows) if rows else ("It has no options.",)


def known() -> dict[str, Any]:
    """All commands by name, as the command-line library has them; those of a group as `group name`."""
    group: Any = typer.main.get_command(app)
    return dict(_below(group))


def _below(group: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _below(command, f"{prefix}{name} ")
        else:
            yield prefix + name, command


def shown(command: Any) -> list[Any]:
    """A command's arguments and options, without those that only its own processes give each other."""
    return [parameter for parameter in command.params if not getattr(parameter, "hidden", False)]


def spelling(parameter: Any) -> str:
    """How a parameter is written: `--port`, or `SOURCE` for an argument."""
    if parameter.param_type_name == "argument":
        return str(parameter.name).upper()
    return ", ".join((*parameter.opts, *parameter.secondary_opts))


def _row(parameter: Any) -> tuple[str, str, str]:
    return code(spelling(parameter)), _default(parameter), parameter.help or ""


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    if isinstance(parameter.show_default, str):
        return code(parameter.show_default)
    if parameter.default is False:
        return "off"
    return "none" if parameter.default is None else code(str(parameter.default))
