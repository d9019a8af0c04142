"""CloudWatch Logs: groups, streams, events, and the tokens that SDKs follow."""

from __future__ import annotations

import pytest


def write(logs, group, stream, messages):
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    events = [{"timestamp": 1_000 + index, "message": message} for index, message in enumerate(messages)]
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def test_events_are_read_from_the_head_in_pages(cloud):
    logs = cloud.client("logs")
    logs.create_log_group(logGroupName="/pages")
    write(logs, "/pages", "s", [f"m{index}" for index in range(5)])
    page = logs.get_log_events(logGroupName="/pages", logStreamName="s", limit=3, startFromHead=True)
    assert [event["message"] for event in page["events"]] == ["m0", "m1", "m2"]
    page = logs.get_log_events(logGroupName="/pages", logStreamName="s", nextToken=page["nextForwardToken"])
    assert [event["message"] for event in page["events"]] == ["m3", "m4"]
    last = logs.get_log_events(logGroupName="/pages", logStreamName="s", nextToken=page["nextForwardToken"])
    assert last["events"] == []
    assert last["nextForwardToken"] == page["nextForwardToken"]


def test_the_tail_comes_first_without_start_from_head(cloud):
    logs = cloud.client("logs")
    logs.create_log_group(logGroupName="/tail")
    write(logs, "/tail", "s", [f"m{index}" for index in range(5)])
    page = logs.get_log_events(logGroupName="/tail", logStreamName="s", limit=2)
    assert [event["message"] for event in page["events"]] == ["m3", "m4"]
    page = logs.get_log_events(logGroupName="/tail", logStreamName="s", limit=2, nextToken=page["nextBackwardToken"])
    assert [event["message"] for event in page["events"]] == ["m1", "m2"]


def test_no_token_comes_with_the_last_page_of_streams(cloud):
    logs = cloud.client("logs")
    logs.create_log_group(logGroupName="/streams")
    for name in ("job/algo-1", "job/algo-2", "other/algo-1"):
        write(logs, "/streams", name, ["x"])
    page = logs.describe_log_streams(logGroupName="/streams", logStreamNamePrefix="job/", limit=2)
    assert [stream["logStreamName"] for stream in page["logStreams"]] == ["job/algo-1", "job/algo-2"]
    assert "nextToken" not in page
    assert page["logStreams"][0]["lastEventTimestamp"] == 1_000


@pytest.mark.parametrize(
    ("pattern", "found"),
    [("", 4), ("ERROR", 2), ("ERROR disk", 1), ('"disk full"', 1), ("?disk ?net", 2), ("ERROR -disk", 1), ("none", 0)],
)
def test_events_are_filtered(cloud, pattern, found):
    logs = cloud.client("logs")
    group = f"/filter/{abs(hash(pattern))}"
    logs.create_log_group(logGroupName=group)
    write(logs, group, "a", ["ERROR disk full", "fine"])
    write(logs, group, "b", ["ERROR net", "fine"])
    assert len(logs.filter_log_events(logGroupName=group, filterPattern=pattern)["events"]) == found


def test_filtered_events_come_in_pages(cloud):
    logs = cloud.client("logs")
    logs.create_log_group(logGroupName="/filter-pages")
    write(logs, "/filter-pages", "a", [f"m{index}" for index in range(7)])
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName="/filter-pages", PaginationConfig={"PageSize": 3}
    )
    assert [event["message"] for page in pages for event in page["events"]] == [f"m{index}" for index in range(7)]


def test_a_missing_group_is_told(cloud):
    logs = cloud.client("logs")
    with pytest.raises(logs.exceptions.ResourceNotFoundException, match="The specified log group does not exist."):
        logs.get_log_events(logGroupName="/missing", logStreamName="s")


def test_a_missing_stream_is_told(cloud):
    logs = cloud.client("logs")
    logs.create_log_group(logGroupName="/no-stream")
    with pytest.raises(logs.exceptions.ResourceNotFoundException, match="The specified log stream does not exist."):
        logs.put_log_events(logGroupName="/no-stream", logStreamName="s", logEvents=[{"timestamp": 1, "message": "m"}])


def test_a_deleted_group_takes_its_events_along(cloud):
    logs = cloud.client("logs")
    logs.create_log_group(logGroupName="/deleted")
    write(logs, "/deleted", "s", ["old"])
    logs.delete_log_group(logGroupName="/deleted")
    logs.create_log_group(logGroupName="/deleted")
    write(logs, "/deleted", "s", ["new"])
    events = logs.get_log_events(logGroupName="/deleted", logStreamName="s")["events"]
    assert [event["message"] for event in events] == ["new"]
