from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conjunct.kit import cron

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "first", "second"),
    [
        ("*/10 * * * *", "2026-01-01T00:10", "2026-01-01T00:20"),
        ("30 9 * * MON-FRI", "2026-01-01T09:30", "2026-01-02T09:30"),
        ("0 0 L * *", "2026-01-31T00:00", "2026-02-28T00:00"),
        ("0 0 29 2 *", "2028-02-29T00:00", "2032-02-29T00:00"),
        ("@weekly", "2026-01-04T00:00", "2026-01-11T00:00"),
        ("@Daily", "2026-01-02T00:00", "2026-01-03T00:00"),
    ],
)
def test_a_schedule_fires_strictly_after_the_given_moment(expression, first, second):
    schedule = cron.parse(expression)
    once = schedule.next_after(NEW_YEAR)
    assert once == datetime.fromisoformat(first).replace(tzinfo=UTC)
    assert schedule.next_after(once) == datetime.fromisoformat(second).replace(tzinfo=UTC)


def test_fractions_of_a_second_do_not_delay_a_fire():
    moment = datetime(2026, 1, 1, 0, 9, 59, 999_999, tzinfo=UTC)
    assert cron.parse("*/10 * * * *").next_after(moment) == datetime(2026, 1, 1, 0, 10, tzinfo=UTC)


def test_fields_are_wall_clock_time_in_the_zone_and_the_answer_is_utc():
    fire = cron.parse("0 9 * * *").next_after(NEW_YEAR, "America/New_York")
    assert fire == datetime(2026, 1, 1, 14, tzinfo=UTC)
    assert fire.tzinfo is UTC


def test_a_time_that_daylight_saving_skips_fires_when_the_clock_has_jumped():
    night_of_the_jump = datetime(2026, 3, 29, tzinfo=UTC)
    assert cron.parse("30 2 * * *").next_after(night_of_the_jump, "Europe/Paris") == datetime(
        2026, 3, 29, 1, tzinfo=UTC
    )


def test_a_time_that_daylight_saving_repeats_fires_once():
    schedule = cron.parse("30 2 * * *")
    once = schedule.next_after(datetime(2026, 10, 24, 23, tzinfo=UTC), "Europe/Paris")
    assert once == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert schedule.next_after(once, "Europe/Paris") == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize("prefix", ["CRON_TZ=", "TZ=", "  tz="])
def test_a_schedule_may_name_its_time_zone(prefix):
    zoned = cron.parse_zoned(f"{prefix}Europe/Berlin  0 9 * * 1-5")
    assert (zoned.cron.expression, zoned.timezone) == ("0 9 * * 1-5", "Europe/Berlin")
    assert cron.parse_zoned(f"{prefix}Europe/Berlin @daily").cron.expression == "0 0 * * *"


def test_a_schedule_in_a_zone_keeps_its_hour_over_daylight_saving():
    zoned = cron.parse_zoned("CRON_TZ=Europe/Berlin 0 9 * * *")
    friday = datetime(2026, 3, 27, 12, tzinfo=UTC)
    fires = [zoned.cron.next_after(friday + timedelta(days=days), zoned.timezone).hour for days in (0, 1, 2)]
    assert fires == [8, 7, 7]
    skipped = cron.parse_zoned("CRON_TZ=Europe/Berlin 30 2 * * *")
    assert skipped.cron.next_after(friday + timedelta(days=1), skipped.timezone) == datetime(2026, 3, 29, 1, tzinfo=UTC)


def test_a_schedule_that_names_none_is_in_utc():
    assert cron.parse_zoned("0 9 * * *") == cron.Zoned(cron.parse("0 9 * * *"), "UTC")


@pytest.mark.parametrize(
    ("zone", "hint"),
    [
        ("Europe/Belrin", "did you mean Europe/Berlin?"),
        ("europe/berlin", "did you mean Europe/Berlin?"),
        ("Tokyo", "did you mean Asia/Tokyo?"),
        ("localtime", "use an IANA name such as Europe/Paris"),
        ("../../etc/passwd", "use an IANA name such as Europe/Paris"),
        ("", "use an IANA name such as Europe/Paris"),
    ],
)
def test_an_unknown_time_zone_is_refused_with_what_may_have_been_meant(zone, hint):
    with pytest.raises(ValueError, match="is not a known time zone") as refusal:
        cron.parse_zoned(f"CRON_TZ={zone} 0 9 * * *")
    assert str(refusal.value).endswith(hint)


def test_a_time_zone_alone_is_no_schedule():
    with pytest.raises(ValueError, match="five fields"):
        cron.parse_zoned("CRON_TZ=Europe/Berlin")


def test_a_naive_moment_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        cron.parse("* * * * *").next_after(datetime(2026, 1, 1))  # noqa: DTZ001


@pytest.mark.parametrize("zone", ["", "Europe", "Mars/Olympus", "../etc/passwd", "UTC\0"])
def test_an_unknown_zone_is_refused(zone):
    with pytest.raises(ValueError, match="is not a known time zone"):
        cron.parse("* * * * *").next_after(NEW_YEAR, zone)


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("", "five fields.*not 0"),
        ("* * * *", "five fields.*not 4"),
        ("0 */10 * * * *", "not 6; seconds are not supported"),
        ("60 * * * *", "minute field `60`.*0 to 59"),
        ("*/0 * * * *", "minute field `\\*/0`"),
        ("0 24 * * *", "hour field `24`.*0 to 23"),
        ("0 0 0 * *", "day-of-month field `0`.*1 to 31"),
        ("0 0 * 13 *", "month field `13`.*JAN to DEC"),
        ("0 0 * * FUNDAY", "day-of-week field `FUNDAY`.*SUN to SAT"),
        ("0 0 31 2 *", "day-of-month field `31`.*a day that the month has"),
        ("0 0 */20 2 0L", "never fires"),
        ("@reboot", "@reboot is not a known alias.*@hourly"),
        ("* " * 200, "at most 200 characters"),
        ("\u0663 * * * *", "minute field"),
    ],
)
def test_a_bad_expression_is_refused_with_the_field_and_what_it_may_hold(expression, complaint):
    with pytest.raises(ValueError, match=complaint):
        cron.parse(expression)


def test_spaces_and_aliases_are_written_out():
    assert cron.parse("  */10   * * *\t* ").expression == "*/10 * * * *"
    assert cron.parse("@midnight").expression == "0 0 * * *"


@pytest.mark.parametrize(
    ("expression", "interval"),
    [
        ("* * * * *", timedelta(minutes=1)),
        ("*/10 * * * *", timedelta(minutes=10)),
        ("*/7 * * * *", timedelta(minutes=4)),
        ("*/40 * * * *", timedelta(minutes=20)),
        ("0,59 * * * *", timedelta(minutes=1)),
        ("0 */24 * * *", timedelta(days=1)),
        ("5,55 0,23 * * *", timedelta(minutes=10)),
        ("55,5 0,23 1 * *", timedelta(minutes=50)),
        ("0 0 * * MON,FRI", timedelta(days=3)),
        ("0 0 L * *", timedelta(days=28)),
        ("0 0 1 1 *", timedelta(days=365)),
        ("0 0 29 2 *", timedelta(days=4 * 365 + 1)),
        ("0 0 * 2 MON#5", timedelta(days=28 * 365 + 7)),
    ],
)
def test_the_minimum_interval_is_the_smallest_gap_that_ever_occurs(expression, interval):
    assert cron.parse(expression).minimum_interval() == interval


@pytest.mark.parametrize(
    ("expression", "interval"),
    [
        ("*/10 * * * *", timedelta(minutes=10)),
        ("0 0 1 1 *", timedelta(days=1)),
        ("55,5 0,23 1 * *", timedelta(minutes=10)),
    ],
)
def test_the_quick_interval_takes_every_day_for_one_on_which_it_fires(expression, interval):
    schedule = cron.parse(expression)
    assert schedule.minimum_interval_if_daily() == interval
    assert schedule.minimum_interval_if_daily() <= schedule.minimum_interval()


_lists = st.lists(st.integers(0, 23), min_size=1, max_size=4).map(lambda numbers: ",".join(map(str, numbers)))


@given(minutes=_lists, hours=_lists, weekdays=st.sampled_from(["*", "1", "0,6", "2-4"]))
def test_the_minimum_interval_is_the_smallest_of_the_gaps_between_fires(minutes, hours, weekdays):
    schedule = cron.parse(f"{minutes} {hours} * * {weekdays}")
    fires = [NEW_YEAR]
    while fires[-1] < NEW_YEAR + timedelta(days=16):
        fires.append(schedule.next_after(fires[-1]))
    gaps = [later - earlier for earlier, later in pairwise(fires[1:])]
    assert schedule.minimum_interval() == min(gaps)


@given(st.text(alphabet="0123456789*/,-#LW @MONJA\u00b2\u0663", max_size=30) | st.text(max_size=300))
def test_any_text_is_parsed_or_refused_and_what_is_parsed_fires(text):
    try:
        schedule = cron.parse(text)
    except ValueError:
        return
    assert schedule.next_after(NEW_YEAR) > NEW_YEAR
    assert schedule.minimum_interval() >= timedelta(minutes=1)
    assert cron.parse(schedule.expression) == schedule
