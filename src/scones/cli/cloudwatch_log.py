"""A log in CloudWatch Logs: its last events, and then new ones."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from scones.workflow.target import Target

if TYPE_CHECKING:  # stubs are not installed at run time
    from mypy_boto3_logs.type_defs import (
        FilteredLogEventTypeDef,
        FilterLogEventsRequestPaginateTypeDef,
        LogStreamTypeDef,
    )

JOB_GROUPS = tuple(f"/aws/sagemaker/{kind}" for kind in ("TrainingJobs", "ProcessingJobs", "TransformJobs"))
POLL_SECONDS = 1.0
LATE_MS = 10_000
"""Milliseconds within which the events of one time arrive: execution environments write their lines at intervals."""


class CloudWatchLog:
    """The log streams of a log group whose names begin with `prefix`; each event is returned once."""

    def __init__(self, target: Target, group: str, prefix: str = "") -> None:
        self._client = target.client("logs")
        self._group = group
        self._prefix = prefix
        self._start = self._since = 0
        self._seen: set[str] = set()

    @classmethod
    def of_function(cls, target: Target, name: str) -> CloudWatchLog:
        """Return the log of a function, which may have been deleted."""
        client = target.client("lambda")
        try:
            settings = client.get_function_configuration(FunctionName=name)["LoggingConfig"]
        except client.exceptions.ResourceNotFoundException:
            return cls(target, f"/aws/lambda/{name}")
        return cls(target, settings["LogGroup"])

    @classmethod
    def of_endpoint(cls, target: Target, name: str) -> CloudWatchLog:
        """Return the log of an endpoint."""
        return cls(target, f"/aws/sagemaker/Endpoints/{name}")

    @classmethod
    def of_job(cls, target: Target, name: str) -> CloudWatchLog:
        """Return the log of a training, processing or transform job."""
        logs = [cls(target, group, f"{name}/") for group in JOB_GROUPS]
        return next((log for log in logs if log.exists()), logs[0])

    def exists(self) -> bool:
        """Return True if the log has a stream."""
        return next(self._streams(), None) is not None

    def last(self, count: int) -> list[FilteredLogEventTypeDef]:
        """Return the last `count` events, the oldest first."""
        self._start = self._since = self._time_of_last(count)
        return list(self.new())[-count:]

    def follow(self) -> Iterator[FilteredLogEventTypeDef]:
        """Yield new events as they arrive, without end."""
        while True:
            time.sleep(POLL_SECONDS)
            yield from self.new()

    def new(self) -> Iterator[FilteredLogEventTypeDef]:
        """Yield the events since the last call, the oldest first."""
        request: FilterLogEventsRequestPaginateTypeDef = {"logGroupName": self._group, "startTime": self._since}
        if self._prefix:
            request["logStreamNamePrefix"] = self._prefix
        pages = self._client.get_paginator("filter_log_events").paginate(**request)
        try:
            found = [event for page in pages for event in page["events"]]
        except self._client.exceptions.ResourceNotFoundException:
            return
        fresh = [event for event in found if event["eventId"] not in self._seen]
        self._seen = {event["eventId"] for event in found}
        self._since = max(self._start, max((event["timestamp"] for event in found), default=0) - LATE_MS)
        yield from sorted(fresh, key=lambda event: event["timestamp"])

    def _time_of_last(self, count: int) -> int:
        """Return the time of the event that is `count` events before the end, in milliseconds since 1970."""
        times: list[int] = []
        for stream in self._streams():
            if len(times) == count and stream.get("lastEventTimestamp", 0) < times[-1]:
                break  # the streams are sorted: the others are older, too
            page = self._client.get_log_events(
                logGroupName=self._group, logStreamName=stream["logStreamName"], limit=count, startFromHead=False
            )
            times = sorted([*times, *(event["timestamp"] for event in page["events"])], reverse=True)[:count]
        return times[-1] if times else 0

    def _streams(self) -> Iterator[LogStreamTypeDef]:
        """Yield the streams, those with the latest events first; CloudWatch Logs does not sort those with a prefix."""
        paginator = self._client.get_paginator("describe_log_streams")
        try:
            if not self._prefix:
                for page in paginator.paginate(logGroupName=self._group, orderBy="LastEventTime", descending=True):
                    yield from page["logStreams"]
                return
            pages = paginator.paginate(logGroupName=self._group, logStreamNamePrefix=self._prefix)
            found = [stream for page in pages for stream in page["logStreams"]]
            yield from sorted(found, key=lambda stream: stream.get("lastEventTimestamp", 0), reverse=True)
        except self._client.exceptions.ResourceNotFoundException:
            return
