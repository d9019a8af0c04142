"""Schedule expressions: `rate(5 minutes)`, `cron(0 12 ? * MON-FRI *)` and `at(2026-01-31T09:30:00)`.

EventBridge Scheduler User Guide, "Schedule types". Cron expressions and one-time schedules are in the schedule's time
zone. A wall time that a change to summer time skips is left out. A wall time that occurs twice counts once.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from scones.cloud.services.events.schedule import CronExpression, parse_cron

_RATE = re.compile(r"rate\(([0-9]{1,9}) (minute|hour|day)s?\)")
_AT = re.compile(r"at\(([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})\)")
_CRON = re.compile(r"cron\((.+)\)")
_UNITS = {"minute": 60, "hour": 3600, "day": 86_400}


class ExpressionError(ValueError):
    """The expression is not one that EventBridge Scheduler accepts."""


@dataclass(frozen=True, slots=True)
class RateSchedule:
    """A schedule that fires at its beginning, and then every so many seconds."""

    seconds: int

    def next(self, after: float, begun: float) -> float | None:
        """Return the first fire time after `after`; `begun` is the beginning."""
        rounds = max(0, math.floor((after - begun) / self.seconds) + 1)
        return begun + rounds * self.seconds


@dataclass(frozen=True, slots=True)
class OneTimeSchedule:
    """A schedule that fires once."""

    at: float

    def next(self, after: float, begun: float) -> float | None:  # noqa: ARG002 - only a rate uses it
        """Return the fire time if it is after `after`."""
        return self.at if self.at > after else None


@dataclass(frozen=True, slots=True)
class CronSchedule:
    """A cron expression in a time zone."""

    cron: CronExpression
    zone: ZoneInfo

    def next(self, after: float, begun: float) -> float | None:  # noqa: ARG002 - only a rate uses it
        """Return the first fire time after `after`, or None if no year is left."""
        wall: datetime | None = datetime.fromtimestamp(after, self.zone).replace(tzinfo=None)
        while wall is not None and (wall := self.cron.next_wall_time(wall)) is not None:
            at = wall.replace(tzinfo=self.zone).timestamp()
            exists = datetime.fromtimestamp(at, self.zone).replace(tzinfo=None, fold=0) == wall
            if exists and at > after:
                return at
        return None


Schedule = RateSchedule | OneTimeSchedule | CronSchedule


@lru_cache(maxsize=256)
def parse_expression(text: str, zone: ZoneInfo) -> Schedule:
    """Parse an expression; raises `ExpressionError`."""
    try:
        if (found := _RATE.fullmatch(text)) and int(found[1]):
            return RateSchedule(int(found[1]) * _UNITS[found[2]])
        if found := _AT.fullmatch(text):
            return OneTimeSchedule(datetime.fromisoformat(found[1]).replace(tzinfo=zone).timestamp())
        if found := _CRON.fullmatch(text):
            return CronSchedule(parse_cron(found[1]), zone)
    except (ValueError, OverflowError) as error:
        raise ExpressionError(text) from error
    raise ExpressionError(text)


def time_zone(name: str) -> ZoneInfo:
    """Return a time zone of the IANA database; raises `ExpressionError` if it does not exist."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # not in the database, or not a name at all
        raise ExpressionError(name) from error


def iso_time(at: float) -> str:
    """Return a fire time as text, such as `2026-01-31T09:30:00Z`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
