"""Cron schedules: five fields, checked when they are written, evaluated in any time zone."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}

_FIELDS = (
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day-of-month", "1 to 31 (a day that the month has), or L for its last day"),
    ("month", "1 to 12, or JAN to DEC"),
    ("day-of-week", "0 to 7 (0 and 7 are Sunday), or SUN to SAT"),
)
_MAX_LENGTH = 200
_IN_ZONE = re.compile(r"\s*(?:CRON_)?TZ=(\S*)\s*(.*)", re.IGNORECASE | re.DOTALL)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_CALENDAR_CYCLE = 28
"""Years after which weekdays fall on the same dates again; twice that shows every pair of neighbouring days."""


@dataclass(frozen=True, slots=True)
class Cron:
    """A schedule that is known to be good. Made by `parse`."""

    expression: str
    """Five fields with one space between them; an alias such as `@daily` is written out."""

    def next_after(self, moment: datetime, timezone: str = "UTC") -> datetime:
        """The first time strictly after `moment` (aware) at which the schedule fires, in UTC.

        The fields are read as wall-clock time in `timezone` (an IANA name). A time that daylight saving skips fires
        when the clock has jumped; one that it repeats fires once when the hour is fixed. Raises ValueError for a naive
        moment or an unknown zone.
        """
        if moment.tzinfo is None:
            raise ValueError("The moment needs its time zone")
        # cronsim gives UTC itself the fast path without daylight-saving arithmetic.
        zone = UTC if timezone == "UTC" else _zone(timezone)
        moments = CronSim(self.expression, moment.astimezone(zone))
        # Where the clock is put back, a local time comes twice, and cronsim may name the first one again.
        return next(found for found in moments if found > moment).astimezone(UTC)

    def minimum_interval(self) -> timedelta:
        """The smallest gap between two fires, on a clock without daylight saving."""
        plan = CronSim(self.expression, _EPOCH)
        return _smallest_gap(plan, _smallest_gap_in_days(plan))

    def minimum_interval_if_daily(self) -> timedelta:
        """The smallest gap between two fires if every day were one on which it fires; never more than the real one.

        Takes microseconds, where `minimum_interval` may walk through decades: meant for schedules of strangers.
        """
        return _smallest_gap(CronSim(self.expression, _EPOCH), 1)


@dataclass(frozen=True, slots=True)
class Zoned:
    """A schedule with the time zone (an IANA name) that its fields are read in. Made by `parse_zoned`."""

    cron: Cron
    timezone: str


def parse_zoned(expression: str) -> Zoned:
    """Check a cron expression that may name its time zone first: `CRON_TZ=Europe/Berlin 0 9 * * 1-5`, or `TZ=`.

    Without a zone it is UTC. Raises ValueError with a sentence that says what is wrong, as `parse`.
    """
    prefixed = _IN_ZONE.fullmatch(expression)
    if prefixed is None:
        return Zoned(parse(expression), "UTC")
    zone, fields = prefixed.groups()
    _zone(zone)
    return Zoned(parse(fields), zone)


def parse(expression: str) -> Cron:
    """Check a cron expression. Raises ValueError with a sentence that says which field is wrong and what it holds."""
    if len(expression) > _MAX_LENGTH:
        raise ValueError(f"A cron expression has at most {_MAX_LENGTH} characters")
    text = expression.strip()
    if text.startswith("@"):
        text = _expand_alias(text)
    fields = text.split()
    if len(fields) != len(_FIELDS):
        raise ValueError(_explain_field_count(len(fields)))
    text = " ".join(fields)
    try:
        next(CronSim(text, _EPOCH))
    except (CronSimError, ValueError) as error:
        raise ValueError(_explain(fields, str(error))) from None
    except StopIteration:
        raise ValueError("The schedule never fires: no date fits its day, month and weekday") from None
    return Cron(text)


def _expand_alias(text: str) -> str:
    try:
        return ALIASES[text.lower()]
    except KeyError:
        raise ValueError(f"{text} is not a known alias; use five fields or one of {', '.join(ALIASES)}") from None


def _explain_field_count(count: int) -> str:
    names = ", ".join(name for name, _ in _FIELDS)
    hint = "; seconds are not supported" if count == len(_FIELDS) + 1 else ""
    return f"A cron expression has five fields ({names}), not {count}{hint}"


def _explain(fields: list[str], error: str) -> str:
    for (name, allowed), text in zip(_FIELDS, fields, strict=True):
        if error.endswith(f"Bad {name}"):
            return f"The {name} field `{text}` is not valid: it holds {allowed}, with *, lists, ranges or steps"
    return f"The cron expression `{' '.join(fields)}` is not valid"


def _smallest_gap(plan: CronSim, days_apart: int) -> timedelta:
    times = sorted(hour * 60 + minute for hour in plan.hours for minute in plan.minutes)
    within_a_day = [later - earlier for earlier, later in pairwise(times)]
    over_midnight = days_apart * 24 * 60 - (times[-1] - times[0])
    return timedelta(minutes=min([*within_a_day, over_midnight]))


def _smallest_gap_in_days(plan: CronSim) -> int:
    smallest: int | None = None
    previous: date | None = None
    day = _EPOCH.date()
    end = day.replace(year=day.year + 2 * _CALENDAR_CYCLE + 1)
    while day < end and smallest != 1:
        if day.month in plan.months and plan.match_day(day):
            if previous is not None:
                gap = (day - previous).days
                smallest = gap if smallest is None else min(smallest, gap)
            previous = day
        day += timedelta(days=1)
    return smallest if smallest is not None else _CALENDAR_CYCLE * 365


def _zone(name: str) -> ZoneInfo:
    # Not whatever file there is: `localtime`, say, would be another zone on another host.
    if name not in _zone_names():
        raise ValueError(f"`{name[:_MAX_LENGTH]}` is not a known time zone; {_hint(name[:_MAX_LENGTH])}")
    return ZoneInfo(name)


def _hint(name: str) -> str:
    by_folded = {each.casefold(): each for each in sorted(_zone_names())}
    cities = {each.rpartition("/")[2]: each for each in by_folded}
    wanted = name.casefold().replace(" ", "_")
    folded = next(iter(difflib.get_close_matches(wanted, [*by_folded, *cities], n=1, cutoff=0.85)), None)
    if folded is None:
        return "use an IANA name such as Europe/Paris"
    return f"did you mean {by_folded[cities.get(folded, folded)]}?"


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones()) - {"localtime", "Factory"}
