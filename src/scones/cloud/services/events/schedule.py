"""Schedule expressions: `rate(5 minutes)` and `cron(0 12 ? * MON-FRI *)`, in UTC.

EventBridge User Guide, "Creating a rule that runs on a schedule".
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Protocol

from scones.cloud.wire import numbers

_UNITS = {"minute": 60, "hour": 3600, "day": 86_400}
_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_LAST_YEAR = 2199


LONGEST_RATE = 2**31 - 1
"""Maximum value of a rate. AWS does not publish its maximum; an expression of more than 256 characters is refused
anyway."""

Days = Callable[[int, int], Iterable[int]]
"""Returns the days (1 to 31) on which a cron schedule fires, given the year and the month."""


class ScheduleExpression(Protocol):
    """The times at which a rule fires."""

    def next(self, after: float, begun: float) -> float | None:
        """Return the first fire time after `after`, or None if there is none.

        All times are Unix seconds; `begun` is the time when the rule was put.
        """


@dataclass(frozen=True, slots=True)
class RateExpression:
    """A fixed interval in seconds, counted from the time when the rule was put."""

    seconds: int

    def next(self, after: float, begun: float) -> float | None:
        """Return the first fire time after `after`."""
        rounds = max(1, int((after - begun) // self.seconds) + 1)
        return begun + rounds * self.seconds


@dataclass(frozen=True, slots=True)
class CronExpression:
    """The minutes that the six fields of a cron expression select."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    months: frozenset[int]
    years: frozenset[int]
    days: Days

    def next(self, after: float, begun: float) -> float | None:  # noqa: ARG002 - only a rate uses it
        """Return the first fire time after `after`, or None if no year is left.

        The search covers at most all months until 2199, which takes a few milliseconds.
        """
        found = self.next_wall_time(datetime.fromtimestamp(after, UTC).replace(tzinfo=None))
        return None if found is None else found.replace(tzinfo=UTC).timestamp()

    def next_wall_time(self, after: datetime) -> datetime | None:
        """Return the first fire time after `after`, or None; both are wall times, without a time zone."""
        moment = after.replace(second=0, microsecond=0) + timedelta(minutes=1)
        today = moment.date()
        for day in self._dates(today):
            earliest = (moment.hour, moment.minute) if day == today else (0, 0)
            found = next((each for each in self._times() if each >= earliest), None)
            if found is not None:
                return datetime(day.year, day.month, day.day, *found)
        return None

    def _dates(self, first: date) -> Iterator[date]:
        for year in sorted(year for year in self.years if year >= first.year):
            for month in sorted(self.months):
                if (year, month) >= (first.year, first.month):
                    dates = (date(year, month, number) for number in sorted(self.days(year, month)))
                    yield from (each for each in dates if each >= first)

    def _times(self) -> Iterator[tuple[int, int]]:
        return ((hour, minute) for hour in self.hours for minute in self.minutes)


@lru_cache(maxsize=256)
def parse_schedule(text: str) -> ScheduleExpression:
    """Parse a schedule expression; raises `ValueError` for one that EventBridge refuses."""
    if found := re.fullmatch(r"rate\(([0-9]{1,19}) (minute|hour|day)(s?)\)", text):
        value = int(found[1])
        if value < 1 or (value == 1) == bool(found[3]):
            raise ValueError(f"{text}: the unit must be singular for a rate of 1, and plural otherwise")
        if value > LONGEST_RATE:
            raise ValueError(f"{text}: a rate can be at most {LONGEST_RATE}")
        return RateExpression(value * _UNITS[found[2]])
    if found := re.fullmatch(r"cron\((.+)\)", text):
        return parse_cron(found[1])
    raise ValueError(f"{text}: must be rate(…) or cron(…)")


def parse_cron(text: str) -> CronExpression:
    """Parse the six fields of a cron expression; raises `ValueError` for fields that EventBridge refuses."""
    schedule = _cron(text.split())
    if schedule.next(0, 0) is None:
        raise ValueError(f"{text}: never fires")  # Quartz, AWS's scheduler, also reports this for 31 February
    return schedule


def _cron(fields: list[str]) -> CronExpression:
    if len(fields) != 6:
        raise ValueError(f"cron expressions have six fields, not {len(fields)}")
    minutes, hours, days, months, weekdays, years = fields
    if (days == "?") == (weekdays == "?"):
        raise ValueError("exactly one of day-of-month and day-of-week must be ?")
    return CronExpression(
        minutes=tuple(sorted(_numbers(minutes, 0, 59))),
        hours=tuple(sorted(_numbers(hours, 0, 23))),
        months=frozenset(_numbers(months, 1, 12, _MONTHS)),
        years=frozenset(_numbers(years, 1970, _LAST_YEAR)),
        days=_by_weekday(weekdays) if days == "?" else _by_number(days),
    )


def _by_number(field: str) -> Days:
    if field == "L":
        return lambda year, month: [_days_in_month(year, month)]
    if found := re.fullmatch(r"([0-9]{1,2})W", field):
        target_day = int(found[1])
        if not 1 <= target_day <= 31:
            raise ValueError(f"{field} is not a day of the month")
        return lambda year, month: [_nearest_weekday(year, month, target_day)]
    days = _numbers(field, 1, 31)
    return lambda year, month: [number for number in days if number <= _days_in_month(year, month)]


def _by_weekday(field: str) -> Days:
    if found := re.fullmatch(r"([0-9A-Za-z]+)L", field):
        (last,) = _numbers(found[1], 1, 7, _DAYS)
        return lambda year, month: _weekdays(year, month, last)[-1:]
    if found := re.fullmatch(r"([0-9A-Za-z]+)#([1-5])", field):
        (target_day,) = _numbers(found[1], 1, 7, _DAYS)
        week = int(found[2])
        return lambda year, month: _weekdays(year, month, target_day)[week - 1 : week]
    weekdays = _numbers(field, 1, 7, _DAYS)
    return lambda year, month: [day for number in weekdays for day in _weekdays(year, month, number)]


def _weekdays(year: int, month: int, weekday: int) -> range:
    """Return the days of a month that fall on a weekday, which is 1 for Sunday to 7 for Saturday."""
    begins = (calendar.weekday(year, month, 1) + 1) % 7 + 1
    return range(1 + (weekday - begins) % 7, _days_in_month(year, month) + 1, 7)


def _days_in_month(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]


def _nearest_weekday(year: int, month: int, wanted: int) -> int:
    """Return the working day (Monday to Friday) nearest to a day of the month, within the same month."""
    length = _days_in_month(year, month)
    number = min(wanted, length)
    match date(year, month, number).isoweekday():
        case 6:
            return number - 1 if number > 1 else number + 2
        case 7:
            return number + 1 if number < length else number - 2
    return number


def _numbers(field: str, low: int, high: int, names: list[str] | None = None) -> frozenset[int]:
    """Expand a cron field of values, ranges and steps into its numbers; `names` count up from `low`.

    Raises `ValueError` for an invalid field.
    """
    found: set[int] = set()
    for part in field.split(","):
        bounds, _, step = part.partition("/")
        begin, dash, end = bounds.partition("-")
        if bounds == "*":
            first, last = low, high
        else:
            first = _number(begin, low, high, names)
            last = _number(end, low, high, names) if dash else (high if step else first)
        width = numbers.unsigned_integer(step, _LAST_YEAR) if step else 1
        if not width or last < first:
            raise ValueError(f"{part} is not a value, a range or a step")
        found.update(range(first, last + 1, width))
    return frozenset(found)


def _number(text: str, low: int, high: int, names: list[str] | None) -> int:
    if names and text.upper() in names:
        return names.index(text.upper()) + low
    if (number := numbers.unsigned_integer(text, high)) < low:
        raise ValueError(f"{text} is not between {low} and {high}")
    return number
