"""An OAuth server that nobody here wrote, `oidc-provider`, against Conjunct in a real browser: it rotates and revokes.

    .venv/bin/python -m scripts.realcheck.oidc.check

Takes a minute. Ends with 0 when all was as it must be, else with 1. Everything runs on loopback, in a temporary
folder, and is gone at the end. `setup.sh` installs what it needs.
"""

from __future__ import annotations

import secrets
import sys
from pathlib import Path

from scripts.realcheck.browser.driving import browser
from scripts.realcheck.judging import Figures, run_check, say
from scripts.realcheck.oidc.customers import CALLBACK, Customers
from scripts.realcheck.oidc.identity import identity
from scripts.realcheck.oidc.product import product
from scripts.realcheck.oidc.steps import Steps
from scripts.realcheck.platform_under_test import conjunct
from scripts.realcheck.processes import CheckFailed
from scripts.realcheck.receiver import receiver

HERE = Path(__file__).parent
WITHIN = 240  # seconds for all of it


def story(folder: Path) -> Figures:
    """Everything from an empty folder to the figures."""
    if not (HERE / "node_modules").exists():
        raise CheckFailed("the server is not installed; run scripts/realcheck/oidc/setup.sh")
    settings = {"CONJUNCT_PROVIDERS_DIR": str(HERE / "providers")}
    with conjunct(folder, settings) as platform, product() as page, receiver() as hook:
        secret, callback = secrets.token_urlsafe(32), platform.url + CALLBACK
        with identity(folder, callback=callback, secret=secret) as server, browser(folder) as chromium:
            say(f"Conjunct is at {platform.url}, the OAuth server at {server.url}, the builder's page at {page}.")
            steps = Steps(platform, server, Customers(platform, server, chromium, page), hook)
            steps.run()
    return steps.figures


if __name__ == "__main__":
    sys.exit(run_check(__doc__, story, within=WITHIN))
