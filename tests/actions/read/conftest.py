"""What the tests of reads share."""

from __future__ import annotations

from datetime import timedelta

import pytest

from conjunct.actions.read import failures


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that failed is asked again at once."""
    monkeypatch.setattr(failures, "FIRST_DELAY", timedelta(milliseconds=1))
    monkeypatch.setattr(failures, "LONGEST_DELAY", timedelta(milliseconds=1))
