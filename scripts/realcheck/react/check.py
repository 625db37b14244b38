"""The real React library, `@amp-labs/react` as published, against Conjunct in a real browser: only its server changes.

    .venv/bin/python -m scripts.realcheck.react.check

Takes a minute. Ends with 0 when all was as it must be, else with 1. Everything runs on loopback, in a temporary
folder, and is gone at the end. `setup.sh` installs what it needs.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from scripts.realcheck.browser.driving import browser
from scripts.realcheck.judging import Figures, require, require_equal, run_check, say
from scripts.realcheck.platform_under_test import Request
from scripts.realcheck.processes import CheckFailed, run
from scripts.realcheck.react.consent import PROVIDER, consenting
from scripts.realcheck.react.platform_under_test import conjunct
from scripts.realcheck.react.product import serving
from scripts.realcheck.react.steps import Steps, preflights

HERE = Path(__file__).parent
WITHIN = 300  # seconds for all of it
LOOPBACK = {"localhost", "127.0.0.1"}
THE_REFUSED: Request = ("GET", "/callbacks/v1/oauth", 400)
"""The page that tells that the provider has refused: the only refusal that there may be."""
NEVER_ASKED = "withampersand.com"
"""The server that the library asks when it is not told of another one."""


def show(asked: Mapping[Request, int]) -> None:
    """Print what the platform was asked."""
    print("\nWhat the platform was asked by the browser:")
    for (method, path, status), count in sorted(asked.items(), key=lambda each: (each[0][1], each[0])):
        print(f"  {count:>4}  {method:<8}{status}  {path}")


def judge(steps: Steps, asked: Mapping[Request, int]) -> None:
    """No refusal, no complaint of the browser about origins, nobody else asked."""
    bad = {each: count for each, count in asked.items() if each[2] >= 400}
    require_equal("refusals", {THE_REFUSED: 1}, bad)
    seen = steps.browser.seen
    blocked = [each["text"] for each in seen if "CORS" in each["text"] or "Cross-Origin" in each["text"]]
    require(not blocked, f"the browser said: {blocked}")
    elsewhere = [each["text"] for each in seen if each["kind"] == "request" and NEVER_ASKED in each["text"]]
    require(not elsewhere, f"the library asked another server: {elsewhere}")
    others = {urlsplit(each["text"].split()[1]).hostname for each in seen if each["kind"] == "request"}
    steps.figures["other hosts"] = ", ".join(sorted(filter(None, others - LOOPBACK))) + " (asked in vain)"
    thrown = [each["text"] for each in seen if each["kind"] == "error"]
    require(not thrown, f"the page threw: {thrown}")
    complaints = Counter(each["text"].splitlines()[0] for each in seen if each["kind"] == "console.error")
    print("\nWhat the browser complained of:")
    for text, count in complaints.items():
        print(f"  {count:>4}  {text[:200]}")
    steps.figures["operations"] = f"{len({each[:2] for each in asked if each[0] != 'OPTIONS'})} distinct ones"
    steps.figures["requests"] = f"{sum(asked.values())}, of them {preflights(asked)} preflights"


def build(target: Path, server: str) -> None:
    """The page, with the library in it, for a server."""
    command = [str(HERE / "node_modules/.bin/vite"), "build", str(HERE / "page"), "--outDir", str(target)]
    environment = {**os.environ, "REACT_APP_AMP_SERVER": server}
    run([*command, "--logLevel", "warn"], environment=environment, folder=target.parent, within=120)


def story(folder: Path) -> Figures:
    """Everything from an empty folder to the summary."""
    if not (HERE / "node_modules").exists():
        raise CheckFailed("the library is not installed; run scripts/realcheck/react/setup.sh")
    page = folder / "page"
    with (
        serving(page) as product,
        consenting() as consent,
        conjunct(folder, origin=product.url, providers={PROVIDER: consent.url}) as platform,
    ):
        say(f"Conjunct is at {platform.url}, the builder's page at {product.url}. Building it …")
        build(page, platform.url)
        with browser(folder) as chromium:
            steps = Steps(platform, product, chromium, consent)
            asked = steps.run()
            show(asked)
            judge(steps, asked)
    return steps.figures


if __name__ == "__main__":
    sys.exit(run_check(__doc__, story, within=WITHIN))
