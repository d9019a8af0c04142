"""Event patterns and filter policies of a hostile client: linear time, limited size, no delay for other clients."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from benchmarks.prober import probing
from botocore.exceptions import ClientError

from scones.cloud.core.wildcards import parse_wildcard

MANY_STARS = "*a" * 12 + "*b"
"""A pattern that, as a regular expression, backtracks for hours over a text that contains only `a`."""
EVENT = {
    "id": "1",
    "account": "111122223333",
    "source": "s",
    "time": "2024-01-01T00:00:00Z",
    "region": "us-east-1",
    "resources": [],
    "detail-type": "t",
}


def refused(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def nested(depth: int, innermost: str) -> str:
    return '{"a":' * depth + innermost + "}" * depth


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("", "", "a"),
        ("*", "any\ntext", None),
        ("a**b", "ab", "ba"),
        ("ab*ba", "abba", "aba"),
        ("*ab*ab*", "xabab", "xaba"),
        ("a\\*\\\\*", "a*\\b", "ab\\b"),
        ("\\a", "\\a", "a"),
        (MANY_STARS, "a" * 2000 + "b", "a" * 2000),
    ],
)
def test_wildcards(pattern: str, matching: str, other: str | None) -> None:
    assert parse_wildcard(pattern).matches(matching)
    assert other is None or not parse_wildcard(pattern).matches(other)


@pytest.mark.parametrize("rule", [{"wildcard": "*a*a*b"}, {"anything-but": {"wildcard": ["*a*a*b"]}}])
def test_stars_in_an_event_pattern_take_linear_time(cloud: Any, rule: dict[str, Any]) -> None:
    answer = cloud.client("events").test_event_pattern(
        EventPattern=json.dumps({"detail": {"a": [rule]}}), Event=json.dumps(EVENT | {"detail": {"a": "a" * 100_000}})
    )
    assert answer["Result"] == ("anything-but" in rule)


def test_a_large_event_and_large_rules_do_not_block_other_requests(cloud: Any) -> None:
    events = cloud.client("events", read_timeout=600)
    wildcards = [{"wildcard": f"*{number}*z"} for number in range(70)]
    bus = events.create_event_bus(Name=f"b-{uuid.uuid4().hex[:12]}")["EventBusArn"]
    for number in range(2):
        events.put_rule(Name=f"r{number}", EventBusName=bus, EventPattern=json.dumps({"detail": {"a": wildcards}}))
    detail = json.dumps({"a": [f"{number:x}" for number in range(50_000)]})
    entry = {"Source": "s", "DetailType": "t", "Detail": detail, "EventBusName": bus}
    with probing(cloud.url, cloud.environment) as prober:
        assert events.put_events(Entries=[entry])["FailedEntryCount"] == 0
    assert prober.percentile(99) < 3


def test_an_event_of_arrays_in_arrays_is_matched(cloud: Any) -> None:
    detail = {"a": json.loads("[" * 300 + '"x"' + "]" * 300), "b": [[]] * 45_000}
    answer = cloud.client("events").test_event_pattern(
        EventPattern=json.dumps({"detail": {"a": ["x"], "b": [{"exists": False}]}}),
        Event=json.dumps(EVENT | {"detail": detail}),
    )
    assert answer["Result"]


def test_events_nested_deeper_than_the_parser_reads_are_malformed(cloud: Any) -> None:
    events = cloud.client("events")
    entry = {"Source": "s", "DetailType": "t", "Detail": nested(100_000, "1")}
    (answer,) = events.put_events(Entries=[entry])["Entries"]
    assert answer["ErrorCode"] == "MalformedDetail"
    event = json.dumps(EVENT)[:-1] + ', "detail": ' + nested(100_000, "1") + "}"
    assert refused(events.test_event_pattern, EventPattern='{"source": ["s"]}', Event=event) == (
        "ValidationException",
        "Parameter Event is not valid.",
    )


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (nested(600, "[1]"), "It has more than 100 levels of nested objects"),
        (
            json.dumps({f"k{n}": {"$or": [{"a": [1]}, {"b": [2]}, {"c": [3]}, {"d": [4]}]} for n in range(5)}),
            "Rule is too complex - $or has more than 1000 combinations",
        ),
        (
            '{"EventBusArn": [{"wildcard": "*:*:*:*:*:event-bus/*"}]}',
            "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a "
            "wildcard character",
        ),
        ('{"a": [{"cidr": "10.0.0.0"}]}', "Malformed CIDR, one '/' required"),
        ('{"a": [{"cidr": "10.0.0.0/x"}]}', "Malformed CIDR, mask bits must be an integer"),
        ('{"a": [{"cidr": "xx.11.xx/8"}]}', "Nonstandard IP address: xx.11.xx"),
    ],
)
def test_event_patterns_beyond_the_limits(cloud: Any, pattern: str, reason: str) -> None:
    events = cloud.client("events")
    refusal = ("InvalidEventPatternException", f"Event pattern is not valid. Reason: {reason}")
    assert refused(events.put_rule, Name="refused", EventPattern=pattern) == refusal
    assert refused(events.test_event_pattern, EventPattern=pattern, Event=json.dumps(EVENT)) == refusal


QUOTE = "Unexpected character (''' (code 39)): was expecting double-quote to start field name"


@pytest.mark.parametrize(
    ("pattern", "column", "reason"),
    [
        ('{"a": 42}', 9, '"a" must be an object or an array'),
        ('{"a": "text"}', 8, '"a" must be an object or an array'),
        ('{"a": []}', 9, "Empty arrays are not allowed"),
        ("[1]", 2, "Filter is not an object"),
        ('{"a": [{"EXISTS": true}]}', 23, "Unrecognized match type EXISTS"),
        ('{"a": [{"numeric": [">", 0, ">", 0]}]}', 32, "Bad numeric range operator: >"),
        ('{"a": [{"numeric": [">", 0, "<"]}]}', 33, "Value of < must be numeric"),
        ('{"a": [{"numeric": 10}]}', 22, "Value of numeric must be an array."),
        ('{"a": [{"wildcard": "a**b"}]}', 27, "Consecutive wildcard characters at pos 2"),
        ('{"a": [{"wildcard": "a\\\\b"}]}', 27, "Invalid escape character at pos 2"),
        ('{"a": [{"prefix": ["x"]}]}', 20, "prefix match pattern must be a string"),
        ('{"a": [{"anything-but": {"prefix": ""}}]}', 38, "Null prefix/suffix not allowed"),
        ('{"a": [{"prefix": "a", "suffix": "b"}]}', 35, "Only one key allowed in match expression"),
        ("{'a': 1}", 2, QUOTE),
    ],
)
def test_a_pattern_error_tells_its_location_as_aws_does(cloud: Any, pattern: str, column: int, reason: str) -> None:
    location = f' at [Source: (String)"{pattern}"; line: 1, column: {column}]'
    assert refused(cloud.client("events").put_rule, Name="refused", EventPattern=pattern) == (
        "InvalidEventPatternException",
        f"Event pattern is not valid. Reason: {reason}\n{location}",
    )


def test_an_error_within_an_excluded_list_tells_its_location_twice(cloud: Any) -> None:
    pattern = '{"a": [{"anything-but": ["x", null]}]}'
    location = f'\n at [Source: (String)"{pattern}"; line: 1, column: 35]'
    reason = "Inside anything but list, start|null|boolean is not supported."
    assert refused(cloud.client("events").put_rule, Name="refused", EventPattern=pattern) == (
        "InvalidEventPatternException",
        f"Event pattern is not valid. Reason: {reason}{location}{location}",
    )


@pytest.mark.parametrize(
    ("pattern", "detail"),
    [
        ({"detail": {"state.status": ["running"]}}, {"state": {"status": "running"}}),
        ({"detail.state.status": ["running"]}, {"state": {"status": "running"}}),
        ({"detail": {"state": {"status": ["running"]}}}, {"state.status": "running"}),
        ({"detail": {"state": {"status": ["running"]}}}, {"state": [[{"status": "running"}]]}),
    ],
)
def test_keys_with_dots_are_paths(cloud: Any, pattern: dict[str, Any], detail: dict[str, Any]) -> None:
    def matches(detail: Any) -> bool:
        params = {"EventPattern": json.dumps(pattern), "Event": json.dumps({**EVENT, "detail": detail})}
        result: bool = cloud.client("events").test_event_pattern(**params)["Result"]
        return result

    assert matches(detail)
    assert not matches({"state": {"other": "running"}, "status": "running"})


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ({"a": {"b": {"c": list("abcd")}}, "d": {"e": list("abc")}, "f": list("abc")}, "Filter policy is too complex"),
        ({"a": [{"wildcard": "*a" * 140_000}]}, "Filter policy can not be longer than 262144 bytes"),
        (json.loads(nested(400, "[1]")), "It has more than 100 levels of nested objects"),
    ],
)
def test_filter_policies_beyond_the_limits(cloud: Any, make_queue: Any, policy: Any, reason: str) -> None:
    sns = cloud.client("sns")
    topic = sns.create_topic(Name=f"t-{uuid.uuid4().hex[:12]}")["TopicArn"]
    attributes = {"FilterPolicy": json.dumps(policy), "FilterPolicyScope": "MessageBody"}
    assert refused(sns.subscribe, TopicArn=topic, Protocol="sqs", Endpoint=make_queue().arn, Attributes=attributes) == (
        "InvalidParameter",
        f"Invalid parameter: Attributes Reason: FilterPolicy: {reason}",
    )


def test_a_filter_policy_with_many_wildcards_is_matched_in_time(cloud: Any, make_queue: Any) -> None:
    sns, queue = cloud.client("sns"), make_queue()
    topic = sns.create_topic(Name=f"t-{uuid.uuid4().hex[:12]}")["TopicArn"]
    attributes = {"FilterPolicy": json.dumps({"a": [{"wildcard": MANY_STARS}]}), "FilterPolicyScope": "MessageBody"}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn, Attributes=attributes)
    for text in ("a" * 200_000, "a" * 12 + "b"):
        sns.publish(TopicArn=topic, Message=json.dumps({"a": text}))
    sns.publish(TopicArn=topic, Message=nested(40_000, "1"))
    (body,) = queue.bodies(1)
    assert json.loads(json.loads(body)["Message"])["a"] == "a" * 12 + "b"


def test_a_form_full_of_escapes_is_decoded_quickly(cloud: Any) -> None:
    sns, sqs = cloud.client("sns"), cloud.client("sqs")
    topic = sns.create_topic(Name=f"t-{uuid.uuid4().hex[:12]}")["TopicArn"]
    queue = sqs.create_queue(QueueName=f"q-{uuid.uuid4().hex[:12]}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {"FilterPolicyScope": "MessageBody", "FilterPolicy": '{"x": [{"exists": true}]}'}
    for _ in range(2):
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=policy)
    with probing(cloud.url, cloud.environment) as prober:
        for _ in range(5):
            sns.publish(TopicArn=topic, Message=nested(40_000, "1")[:250_000])
    assert prober.percentile(100) < 3
