"""Metric filters and subscription filters, and the patterns that they share with searches."""

from __future__ import annotations

import base64
import gzip
import json
import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from support.refusals import refusal


def make_group(cloud):
    logs, group = cloud.client("logs"), f"/filters/{uuid.uuid4().hex}"
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    return logs, group


def put(logs, group, *messages):
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": message} for message in messages]
    logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)


def eventually(read, wanted, seconds=60):
    """Return what `read` returns as soon as it is what is wanted, or at the end of the time."""
    end = time.monotonic() + seconds
    while (found := read()) != wanted and time.monotonic() < end:
        time.sleep(0.1)
    return found


@pytest.mark.parametrize(
    ("pattern", "matching"),
    [
        ("{ $.status = 404 }", [0]),
        ("{ $.status >= 400 && $.user.name = a* }", [0]),
        ('{ $.user.name = "b" || $.status = 404 }', [0, 1]),
        ("{ $.status != 404 }", [1]),
        ("{ $.items[1] = 7 }", [1]),
        ("{ $.user.admin IS TRUE }", [1]),
        ("{ $.user.admin NOT EXISTS }", [0]),
        ("{ $.gone IS NULL }", [0]),
        ("{ $.user.name = %^b% }", [1]),
        ("[ip, user, ..., status = 4*, size]", [2]),
        ("[ip, user, request, status, size > 100]", [2, 3]),
        ("[ip, user, request, status != 404 && status != 200, size]", []),
        ("[ip, user]", []),
    ],
)
def test_patterns_find_json_and_columns(cloud, pattern, matching):
    lines = [
        json.dumps({"status": 404, "user": {"name": "ann"}, "gone": None}),
        json.dumps({"status": 200, "user": {"name": "b", "admin": True}, "items": [3, 7]}),
        '127.0.0.1 ann "GET /index.html HTTP/1.0" 404 1534',
        '127.0.0.1 bob "GET / HTTP/1.0" 200 200',
    ]
    matches = cloud.client("logs").test_metric_filter(filterPattern=pattern, logEventMessages=lines)["matches"]
    assert [match["eventNumber"] - 1 for match in matches] == matching
    logs, group = make_group(cloud)
    put(logs, group, *lines)
    found = logs.filter_log_events(logGroupName=group, filterPattern=pattern)["events"]
    assert [event["message"] for event in found] == [lines[number] for number in matching]


def test_the_values_that_a_pattern_names_are_extracted(cloud):
    test = cloud.client("logs").test_metric_filter
    (match,) = test(filterPattern="{ $.a.b > 1 }", logEventMessages=['{"a": {"b": 2}}'])["matches"]
    assert match["extractedValues"] == {"$.a.b": "2"}
    (match,) = test(filterPattern="[ip, ..., size]", logEventMessages=["::1 a b 5"])["matches"]
    assert match["extractedValues"] == {"$ip": "::1", "$size": "5"}


def test_a_metric_filter_puts_metrics_for_matching_events(cloud):
    logs, group = make_group(cloud)
    namespace = f"Tests/{uuid.uuid4().hex}"
    made = {"metricName": "Size", "metricNamespace": namespace, "metricValue": "$.size"}
    logs.put_metric_filter(
        logGroupName=group, filterName="f", filterPattern='{ $.type = "upload" }', metricTransformations=[made]
    )
    (described,) = logs.describe_metric_filters(logGroupName=group)["metricFilters"]
    assert (described["metricTransformations"], described["applyOnTransformedLogs"]) == ([made], False)
    assert logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]["metricFilterCount"] == 1
    put(logs, group, '{"type": "upload", "size": 5}', '{"type": "other", "size": 50}', '{"type": "upload", "size": 7}')
    now = datetime.now(UTC)

    def total():
        points = cloud.client("cloudwatch").get_metric_statistics(
            Namespace=namespace,
            MetricName="Size",
            StartTime=now - timedelta(minutes=10),
            EndTime=now + timedelta(minutes=10),
            Period=1200,
            Statistics=["Sum"],
        )["Datapoints"]
        return sum(point["Sum"] for point in points)

    assert eventually(total, 12) == 12
    logs.delete_metric_filter(logGroupName=group, filterName="f")
    assert refusal(logs.delete_metric_filter, logGroupName=group, filterName="f")[0] == "ResourceNotFoundException"


def test_metric_filters_of_all_groups_are_listed_by_their_names(cloud):
    logs, groups = cloud.client("logs"), sorted((make_group(cloud)[1] for _ in range(2)), reverse=True)
    prefix = f"filter-{uuid.uuid4().hex}"
    made = {"metricName": "m", "metricNamespace": "A.B-c_d/1#2:Tests", "metricValue": "1"}
    for number, group in enumerate(groups):
        logs.put_metric_filter(
            logGroupName=group, filterName=f"{prefix}-{number}", filterPattern="", metricTransformations=[made]
        )
    found = logs.describe_metric_filters(filterNamePrefix=prefix)["metricFilters"]
    assert [each["logGroupName"] for each in found] == groups
    wrong = {"logGroupName": groups[0], "filterName": "f", "filterPattern": ""}
    invalid = refusal(logs.put_metric_filter, **wrong, metricTransformations=[{**made, "metricNamespace": "a*"}])
    assert (invalid[0], "'a*'" in invalid[2]) == ("InvalidParameterException", True)


def test_a_subscription_filter_passes_matching_events_to_a_function(cloud, make_forwarder, make_queue):
    logs, group = make_group(cloud)
    queue = make_queue()
    function = make_forwarder(queue)
    logs.put_subscription_filter(logGroupName=group, filterName="f", filterPattern="wanted", destinationArn=function)
    (described,) = logs.describe_subscription_filters(logGroupName=group)["subscriptionFilters"]
    assert (described["distribution"], described["destinationArn"]) == ("ByLogStream", function)
    put(logs, group, "wanted 1", "other", "wanted 2")
    (body,) = queue.bodies(1)
    event = json.loads(body)
    data = json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))
    assert data["messageType"] == "DATA_MESSAGE"
    assert (data["logGroup"], data["logStream"], data["subscriptionFilters"]) == (group, "s", ["f"])
    assert [each["message"] for each in data["logEvents"]] == ["wanted 1", "wanted 2"]
    found = logs.filter_log_events(logGroupName=group, filterPattern="wanted")["events"]
    assert [each["id"] for each in data["logEvents"]] == [each["eventId"] for each in found]


def test_destinations_of_subscription_filters_are_checked(cloud):
    logs, group = make_group(cloud)
    named = {"logGroupName": group, "filterName": "f", "filterPattern": ""}
    stream = "arn:aws:kinesis:us-east-1:111122223333:stream/s"
    assert refusal(logs.put_subscription_filter, **named, destinationArn=stream) == (
        "InvalidParameterException",
        400,
        "destinationArn for vendor kinesis cannot be used without roleArn",
    )
    role = "arn:aws:iam::111122223333:role/r"
    code, status, message = refusal(logs.put_subscription_filter, **named, destinationArn=stream, roleArn=role)
    assert (code, status, "kinesis" in message) == ("NotImplemented", 501, True)
    missing = "arn:aws:lambda:us-east-1:111122223333:function:missing"
    assert refusal(logs.put_subscription_filter, **named, destinationArn=missing)[0] == "AccessDeniedException"
    assert refusal(logs.delete_subscription_filter, logGroupName=group, filterName="f")[2] == (
        "The specified subscription filter does not exist."
    )
