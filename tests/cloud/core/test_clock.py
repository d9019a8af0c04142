"""Times in AWS's text formats."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from scones.cloud.core.clock import iso_milliseconds, iso_seconds


def test_times_are_written_in_utc() -> None:
    moment = datetime(2026, 1, 31, 10, 30, 0, 999_999, tzinfo=timezone(timedelta(hours=1)))
    assert iso_seconds(moment) == "2026-01-31T09:30:00Z"
    assert iso_milliseconds(moment) == "2026-01-31T09:30:00.999Z"
