"""CloudWatch Logs: log groups, log streams, events, and the page tokens that SDKs use."""

from __future__ import annotations

import time
import uuid

import pytest
from benchmarks.prober import probing
from botocore.exceptions import ClientError

NOW = int(time.time() * 1000) - 3_600_000
"""A time in milliseconds at which PutLogEvents accepts events."""


def write(logs, group, stream, messages):
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    events = [{"timestamp": NOW + index, "message": message} for index, message in enumerate(messages)]
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


def test_without_start_from_head_the_last_events_are_returned_first(cloud):
    logs = cloud.client("logs")
    logs.create_log_group(logGroupName="/tail")
    write(logs, "/tail", "s", [f"m{index}" for index in range(5)])
    page = logs.get_log_events(logGroupName="/tail", logStreamName="s", limit=2)
    assert [event["message"] for event in page["events"]] == ["m3", "m4"]
    page = logs.get_log_events(logGroupName="/tail", logStreamName="s", limit=2, nextToken=page["nextBackwardToken"])
    assert [event["message"] for event in page["events"]] == ["m1", "m2"]


def test_the_last_page_of_streams_has_no_token(cloud):
    logs = cloud.client("logs")
    logs.create_log_group(logGroupName="/streams")
    for name in ("job/algo-1", "job/algo-2", "other/algo-1"):
        write(logs, "/streams", name, ["x"])
    page = logs.describe_log_streams(logGroupName="/streams", logStreamNamePrefix="job/", limit=2)
    assert [stream["logStreamName"] for stream in page["logStreams"]] == ["job/algo-1", "job/algo-2"]
    assert "nextToken" not in page
    assert page["logStreams"][0]["lastEventTimestamp"] == NOW


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


def test_a_missing_log_group_is_reported(cloud):
    logs = cloud.client("logs")
    with pytest.raises(logs.exceptions.ResourceNotFoundException, match="The specified log group does not exist."):
        logs.get_log_events(logGroupName="/missing", logStreamName="s")


def test_a_missing_log_stream_is_reported(cloud):
    logs = cloud.client("logs")
    logs.create_log_group(logGroupName="/no-stream")
    with pytest.raises(logs.exceptions.ResourceNotFoundException, match="The specified log stream does not exist."):
        logs.put_log_events(
            logGroupName="/no-stream", logStreamName="s", logEvents=[{"timestamp": NOW, "message": "m"}]
        )


@pytest.mark.parametrize(
    ("sizes", "error"),
    [
        ([1_048_551], "Log event too large: 1048577 bytes exceeds limit of 1048576"),
        ([600_000, 500_000], "Upload too large: 1100052 bytes exceeds limit of 1048576"),
    ],
)
def test_events_that_are_too_large_are_rejected(cloud, sizes, error):
    logs, group = cloud.client("logs"), f"/tests/{uuid.uuid4().hex}"
    logs.create_log_group(logGroupName=group)
    with pytest.raises(logs.exceptions.InvalidParameterException, match=error):
        write(logs, group, "s", ["x" * size for size in sizes])
    write(logs, group, "t", ["x" * 1_048_550])


def test_deleting_a_log_group_deletes_its_events(cloud):
    logs = cloud.client("logs")
    logs.create_log_group(logGroupName="/deleted")
    write(logs, "/deleted", "s", ["old"])
    logs.delete_log_group(logGroupName="/deleted")
    logs.create_log_group(logGroupName="/deleted")
    write(logs, "/deleted", "s", ["new"])
    events = logs.get_log_events(logGroupName="/deleted", logStreamName="s")["events"]
    assert [event["message"] for event in events] == ["new"]


@pytest.fixture
def streams(cloud):
    """A log group with seven streams, one of them without events."""
    logs, group = cloud.client("logs"), f"/tests/{uuid.uuid4().hex}"
    logs.create_log_group(logGroupName=group)
    for number, at in enumerate([5, 3, 3, None, 9, 1, 7]):
        name = f"{'ab'[number % 2]}/{number}"
        logs.create_log_stream(logGroupName=group, logStreamName=name)
        if at is not None:
            event = {"timestamp": NOW + at, "message": "x"}
            logs.put_log_events(logGroupName=group, logStreamName=name, logEvents=[event])
    return logs, group


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("size", [1, 3, 50])
def test_streams_are_listed_in_pages_by_name_and_by_last_event(streams, size, descending):
    logs, group = streams

    def listed(**params):
        pages = logs.get_paginator("describe_log_streams").paginate(
            logGroupName=group, descending=descending, PaginationConfig={"PageSize": size}, **params
        )
        return [each["logStreamName"] for page in pages for each in page["logStreams"]]

    names = ["a/0", "a/2", "a/4", "a/6", "b/1", "b/3", "b/5"]
    by_time = ["b/3", "b/5", "a/2", "b/1", "a/0", "a/6", "a/4"]
    assert listed() == (names[::-1] if descending else names)
    assert listed(orderBy="LastEventTime") == (by_time[::-1] if descending else by_time)
    prefixed = [name for name in names if name.startswith("b/")]
    assert listed(logStreamNamePrefix="b/") == (prefixed[::-1] if descending else prefixed)


def test_streams_by_last_event_have_no_prefix_and_no_forged_token(streams):
    logs, group = streams
    for more in ({"logStreamNamePrefix": "a"}, {"nextToken": "x"}, {"nextToken": "eDp5"}):
        with pytest.raises(logs.exceptions.InvalidParameterException):
            logs.describe_log_streams(logGroupName=group, orderBy="LastEventTime", **more)


def test_groups_are_listed_in_pages(cloud):
    logs, prefix = cloud.client("logs"), f"/tests/{uuid.uuid4().hex}"
    for name in ("xa", "xb", "xc"):  # no hexadecimal digit, so that the pattern below is not in the prefix
        logs.create_log_group(logGroupName=f"{prefix}/{name}")
    pages = logs.get_paginator("describe_log_groups").paginate(
        logGroupNamePrefix=prefix, PaginationConfig={"PageSize": 2}
    )
    found = [[each["logGroupName"] for each in page["logGroups"]] for page in pages]
    assert found == [[f"{prefix}/xa", f"{prefix}/xb"], [f"{prefix}/xc"]]
    pattern = f"{prefix}/XB"
    (by_pattern,) = logs.describe_log_groups(logGroupNamePattern=pattern)["logGroups"]
    assert by_pattern.keys().isdisjoint({"storedBytes", "deletionProtectionEnabled"})  # as AWS answers
    message = "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."
    with pytest.raises(logs.exceptions.InvalidParameterException, match=message):
        logs.describe_log_groups(logGroupNamePrefix=prefix, logGroupNamePattern=pattern)
    (by_prefix, *_) = logs.describe_log_groups(logGroupNamePrefix=prefix)["logGroups"]
    assert by_prefix["deletionProtectionEnabled"] is False


def test_pages_of_events_have_about_a_megabyte_at_most(cloud):
    logs, group = cloud.client("logs"), f"/tests/{uuid.uuid4().hex}"
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    events = [{"timestamp": NOW + at, "message": f"{at:06}" + "x" * 100_000} for at in range(1, 31)]
    for index in range(0, 30, 5):
        logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events[index : index + 5])
    first = logs.get_log_events(logGroupName=group, logStreamName="s", startFromHead=True)
    assert 5 <= len(first["events"]) < 15
    pages = list(logs.get_paginator("filter_log_events").paginate(logGroupName=group, filterPattern="x"))
    assert all(len(page["events"]) < 15 for page in pages)
    assert [event["timestamp"] - NOW for page in pages for event in page["events"]] == list(range(1, 31))


def test_an_arn_of_another_resource_is_rejected_as_a_log_group(cloud):
    logs = cloud.client("logs")
    with pytest.raises(logs.exceptions.InvalidParameterException, match="is not the ARN of a log group"):
        logs.describe_log_streams(logGroupIdentifier="arn:aws:lambda:us-east-1:111122223333:function:x")


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("%[Dd]isk%", 1),
        ("%(d|n)%", None),
        ("%[%", None),
        ("ERROR -%net$%", 1),
        ("%a% %b% %c%", None),
        ("{ $.a = 1 ", None),
    ],
)
def test_events_are_filtered_by_regular_expressions(cloud, pattern, found):
    logs = cloud.client("logs")
    group = f"/regex/{abs(hash(pattern))}"
    logs.create_log_group(logGroupName=group)
    write(logs, group, "a", ["ERROR disk full", "fine", "ERROR net"])
    if found is None:
        with pytest.raises(ClientError, match="InvalidParameterException"):
            logs.filter_log_events(logGroupName=group, filterPattern=pattern)
    else:
        assert len(logs.filter_log_events(logGroupName=group, filterPattern=pattern)["events"]) == found


@pytest.mark.slow
def test_a_search_through_many_events_does_not_block_other_requests(start_cloud):
    cloud = start_cloud()
    logs = cloud.client("logs", read_timeout=600)
    logs.create_log_group(logGroupName="/many")
    logs.create_log_stream(logGroupName="/many", logStreamName="s")
    for batch in range(30):
        events = [{"timestamp": NOW, "message": f"{batch} {index} some words of a line"} for index in range(10_000)]
        logs.put_log_events(logGroupName="/many", logStreamName="s", logEvents=events)
    pattern = " ".join(f"?w{index}x" for index in range(100)) + ' ?"29 9999 "'
    with probing(cloud.url, cloud.environment) as prober:
        pages = list(logs.get_paginator("filter_log_events").paginate(logGroupName="/many", filterPattern=pattern))
    assert [event["message"][:8] for page in pages for event in page["events"]] == ["29 9999 "]
    assert pages[0]["events"] == []
    assert prober.percentile(99) < 3


def test_a_stream_is_searched_without_reading_other_streams(start_cloud):
    logs = start_cloud().client("logs")
    logs.create_log_group(logGroupName="/busy")
    write(logs, "/busy", "quiet-1", ["1000 of 1", "1001 of 1"])
    write(logs, "/busy", "quiet-2", ["1000 of 2"])
    write(logs, "/busy", "loud", ["begun"])
    many = [{"timestamp": NOW, "message": "again"}] * 10_000
    for _ in range(11):
        logs.put_log_events(logGroupName="/busy", logStreamName="loud", logEvents=many)
    for wanted in (
        {"logStreamNames": ["quiet-2", "quiet-1", "quiet-2"]},
        {"logStreamNamePrefix": "quiet-"},
        {"logStreamNames": ["quiet-1", "quiet-2", "loud"], "filterPattern": "1001"},
    ):
        found = logs.filter_log_events(logGroupName="/busy", **wanted)
        messages = [event["message"] for event in found["events"]]
        assert messages == ([] if "filterPattern" in wanted else ["1000 of 1", "1000 of 2", "1001 of 1"])
        assert ("nextToken" in found) == ("filterPattern" in wanted)
    with pytest.raises(ClientError, match="InvalidParameterException.*mutually exclusive"):
        logs.filter_log_events(logGroupName="/busy", logStreamNamePrefix="q", logStreamNames=["loud"])


def test_sizes_are_counted_in_bytes_of_utf_8(cloud):
    """Two events of 600,000 bytes but 300,000 characters do not fit on one page of 1 MiB."""
    logs = cloud.client("logs")
    logs.create_log_group(logGroupName="/utf-8")
    logs.create_log_stream(logGroupName="/utf-8", logStreamName="s")
    for at in (NOW, NOW + 1):
        event = {"timestamp": at, "message": "é" * 300_000}
        logs.put_log_events(logGroupName="/utf-8", logStreamName="s", logEvents=[event])
    page = logs.get_log_events(logGroupName="/utf-8", logStreamName="s", startFromHead=True)
    assert [event["timestamp"] for event in page["events"]] == [NOW]
    (stream,) = logs.describe_log_groups(logGroupNamePrefix="/utf-8")["logGroups"]
    assert stream["storedBytes"] == 2 * (600_000 + 26)
