"""Hosted links in a real browser, which runs no script; and every page of theirs judged by axe-core, at 320 pixels.

    .venv/bin/python -m scripts.realcheck.connect_link.check

Takes a minute. Ends with 0 when all was as it must be, else with 1. Everything runs on loopback, in a temporary
folder, and is gone at the end. `setup.sh` installs what it needs.
"""

from __future__ import annotations

import sys
from pathlib import Path

from scripts.realcheck.browser.driving import browser
from scripts.realcheck.connect_link.providers_server import others
from scripts.realcheck.connect_link.walking import AXE, NARROW, Walk
from scripts.realcheck.judging import Figures, require_equal, run_check, say
from scripts.realcheck.platform_under_test import conjunct
from scripts.realcheck.processes import CheckFailed

HERE = Path(__file__).parent
WITHIN = 240  # seconds for all of it
CLIENT = {"provider": "hubspot", "clientId": "check", "clientSecret": "s", "scopes": ["crm.objects.contacts.read"]}


def story(folder: Path) -> Figures:
    """Everything from an empty folder to the figures."""
    if not AXE.exists():
        raise CheckFailed("axe-core is not installed; run scripts/realcheck/connect_link/setup.sh")
    settings = {"CONJUNCT_PROVIDERS_DIR": str(HERE / "providers")}
    with conjunct(folder, settings, ["--simulate", "hubspot"]) as platform, others() as url:
        platform.call("POST", "/provider-apps", CLIENT)
        with browser(folder) as chromium:
            say(f"Conjunct is at {platform.url}, the other sides at {url}.")
            without, with_scripts = (Walk(platform, chromium, url, scripts=each) for each in (False, True))
            without.run()
            with_scripts.run()
            chromium.note()
        complaints = [each["text"] for each in chromium.seen if "Content Security Policy" in each["text"]]
        require_equal("complaints about the policy of pages", [], complaints)
    require_equal("pages with and without scripts", without.pages, with_scripts.pages)
    return {
        "connected": f"{without.connected} times without scripts, {with_scripts.connected} with",
        "pages": f"{len(without.pages)}, each with and without scripts, {NARROW} pixels wide",
        "accessibility": f"0 violations of axe-core, {with_scripts.rules} rules met in all",
    }


if __name__ == "__main__":
    sys.exit(run_check(__doc__, story, within=WITHIN))
