"""The browser of the check: a headless Chromium, told what to do line by line, and what it saw meanwhile."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.realcheck.processes import CheckFailed

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Window:
    """A window that has closed: the addresses that it went through, and the words of its pages as each was there."""

    addresses: list[str]
    shown: list[str]


@dataclass
class Browser:
    """One page at a time. Each method raises `CheckFailed` when what it awaits does not come."""

    process: subprocess.Popen[str]
    seen: list[dict[str, str]] = field(default_factory=list)

    def do(self, verb: str, **given: Any) -> Any:
        """One of the verbs of `browser.mjs`."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps({"verb": verb, **given}) + "\n")
        self.process.stdin.flush()
        answered = self.process.stdout.readline()
        if not answered:
            raise CheckFailed(f"the browser has ended with {self.process.poll()}")
        answer = json.loads(answered)
        if "failed" in answer:
            shown = self.do("page") if verb not in ("page", "open", "seen") else ""
            self.note()
            console = "\n".join(f"{each['kind']}: {each['text']}" for each in self.seen[-30:])
            raise CheckFailed(f"{answer['failed']}\nThe page showed:\n{shown}\nThe browser said:\n{console}")
        return answer["done"]

    def open(self, url: str, **how: Any) -> None:
        """Go there with nothing remembered; see `browser.mjs` for how."""
        self.do("open", url=url, **how)

    def press(self, name: str) -> None:
        """Press a button."""
        self.do("click", role="button", name=name)

    def tick(self, label: str) -> None:
        """Tick a checkbox, or take its tick away."""
        self.do("click", role="checkbox", name=label)

    def tab(self, name: str) -> None:
        """Go to a tab."""
        self.do("click", role="tab", name=name)

    def choose(self, label: str, option: str) -> None:
        """Pick an option of the box below a label."""
        self.do("choose", label=label, option=option)

    def window(self, name: str, steps: Sequence[Mapping[str, str]] = (), **more: Any) -> Window:
        """Press a button that opens a window, do `steps` there, and wait until it has closed; see `browser.mjs`."""
        return Window(**self.do("window", role="button", name=name, steps=list(steps), **more))

    def see(self, text: str) -> None:
        """Wait until this text is shown."""
        self.do("see", text=text)

    def names(self, role: str) -> list[str]:
        """How all elements of this role are labelled."""
        found: list[str] = self.do("names", role=role)
        return found

    def text(self, css: str) -> str:
        """The text of one element."""
        found: str = self.do("text", css=css)
        return found

    def told(self) -> list[dict[str, Any]]:
        """What the page has noted down: a line of JSON each."""
        return [json.loads(line) for line in self.text("#told").splitlines()]

    def note(self) -> None:
        """Remember what happened until now."""
        self.seen += self.do("seen")


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Run a browser for the length of the block."""
    with (folder / "browser.log").open("w") as log:
        process = subprocess.Popen(
            ["node", str(HERE / "browser.mjs")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, "HOME": str(folder)},
            start_new_session=True,
        )
    try:
        yield Browser(process)
    finally:
        end(process)


def end(process: subprocess.Popen[str]) -> None:
    """The browser ends with its input; what has not ended by then is killed."""
    assert process.stdin
    try:
        process.stdin.close()
        process.wait(15)
    except (OSError, subprocess.TimeoutExpired):
        os.killpg(process.pid, 9)
        process.wait(10)
