"""Stretches of time that a query names by a word, such as `LAST_N_DAYS:7`."""

from __future__ import annotations

import re
from datetime import date, timedelta

_PLAIN = {"TODAY": 0, "YESTERDAY": -1, "TOMORROW": 1}
_UNIT = re.compile(r"(?P<when>LAST|THIS|NEXT)_(?P<unit>WEEK|MONTH|QUARTER|YEAR|90_DAYS)")
_COUNTED = re.compile(r"(?P<when>LAST|NEXT)_N_(?P<unit>DAYS|WEEKS|MONTHS|QUARTERS|YEARS)")
_AGO = re.compile(r"N_(?P<unit>DAYS|WEEKS|MONTHS|QUARTERS|YEARS)_AGO")
_MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}
_MOST = 2000


def period(word: str, count: int | None, today: date) -> tuple[date, date] | None:
    """The first day of the stretch and the first one after it, or None when the word names none."""
    if word in _PLAIN and count is None:
        day = today + timedelta(days=_PLAIN[word])
        return day, day + timedelta(days=1)
    if (match := _UNIT.fullmatch(word)) and count is None:
        if match["unit"] == "90_DAYS":
            return None if match["when"] == "THIS" else _counted(match["when"], "DAY", 90, today)
        step = {"LAST": -1, "THIS": 0, "NEXT": 1}[match["when"]]
        return _shift(today, match["unit"], step), _shift(today, match["unit"], step + 1)
    if count is None or count > _MOST:
        return None
    if match := _COUNTED.fullmatch(word):
        return _counted(match["when"], match["unit"][:-1], count, today)
    if match := _AGO.fullmatch(word):
        unit = match["unit"][:-1]
        return _shift(today, unit, -count), _shift(today, unit, 1 - count)
    return None


def _counted(when: str, unit: str, count: int, today: date) -> tuple[date, date]:
    """The last N days end with today; the last N weeks, months … before the present one begins."""
    if unit == "DAY":
        tomorrow = today + timedelta(days=1)
        return (today - timedelta(days=count), tomorrow) if when == "LAST" else (
            tomorrow, tomorrow + timedelta(days=count))  # fmt: skip
    if when == "LAST":
        return _shift(today, unit, -count), _shift(today, unit, 0)
    return _shift(today, unit, 1), _shift(today, unit, 1 + count)


def _shift(today: date, unit: str, steps: int) -> date:
    """The first day of the unit that is `steps` from the present one; a week starts on Sunday."""
    if unit == "DAY":
        return today + timedelta(days=steps)
    if unit == "WEEK":
        return today - timedelta(days=(today.weekday() + 1) % 7) + timedelta(weeks=steps)
    months = _MONTHS[unit]
    index = (today.year * 12 + today.month - 1) // months * months + steps * months
    return date(max(1, min(9999, index // 12)), index % 12 + 1, 1)
