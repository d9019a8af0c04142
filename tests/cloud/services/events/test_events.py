"""EventBridge: rules, patterns, targets, event buses and delivery."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

import pytest
from benchmarks.prober import probing
from botocore.exceptions import ClientError

ROLE = "arn:aws:iam::111122223333:role/events"


@pytest.fixture(scope="module")
def events(cloud: Any) -> Any:
    return cloud.client("events")


def make_rule(events: Any, targets: list[dict[str, Any]], *, bus: str = "default", pattern: Any = None) -> str:
    """Create a rule that matches a new event source; return the source."""
    source = f"test.{uuid.uuid4().hex[:12]}"
    wanted = {"source": [source], **(pattern or {})}
    events.put_rule(Name=source, EventPattern=json.dumps(wanted), EventBusName=bus)
    events.put_targets(
        Rule=source,
        EventBusName=bus,
        Targets=[{"Id": f"t{number}", **target} for number, target in enumerate(targets)],
    )
    return source


def entry(source: str, detail: Any, **more: Any) -> dict[str, Any]:
    return {"Source": source, "DetailType": "order", "Detail": json.dumps(detail), **more}


def refused(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_event_reaches_a_queue_as_it_was_put(events: Any, make_queue: Any, cloud: Any) -> None:
    queue = make_queue()
    source = make_rule(events, [{"Arn": queue.arn}], pattern={"detail": {"cents": [{"numeric": [">", 100]}]}})
    answer = events.put_events(
        Entries=[
            entry(source, {"cents": 100}),
            entry(source, {"cents": 101}, Resources=["arn:aws:s3:::bucket"], Time=1_700_000_000),
        ]
    )
    assert answer["FailedEntryCount"] == 0
    (event,) = map(json.loads, queue.bodies(1))
    assert event == {
        "version": "0",
        "id": answer["Entries"][1]["EventId"],
        "detail-type": "order",
        "source": source,
        "account": cloud.running.account,
        "time": "2023-11-14T22:13:20Z",
        "region": cloud.running.region,
        "resources": ["arn:aws:s3:::bucket"],
        "detail": {"cents": 101},
    }


def test_failed_entries_are_reported_at_their_position(events: Any) -> None:
    answer = events.put_events(
        Entries=[
            entry("a.b", {}),
            {**entry("a.b", {}), "Detail": '"text"'},
            {"Source": "a.b", "Detail": "{}"},
            entry("aws.s3", {}),
        ]
    )
    assert answer["FailedEntryCount"] == 3
    assert [each.get("ErrorCode") for each in answer["Entries"]] == [
        None,
        "MalformedDetail",
        "InvalidArgument",
        "NotAuthorizedForSourceException",
    ]
    assert answer["Entries"][1]["ErrorMessage"] == "Detail is malformed."


def test_targets_are_given_parts_constants_and_templates(events: Any, make_queue: Any) -> None:
    part, constant, template, text = (make_queue() for _ in range(4))
    paths = {"who": "$.detail.who", "sizes": "$.detail.sizes", "none": "$.detail.none"}
    source = make_rule(
        events,
        [
            {"Arn": part.arn, "InputPath": "$.detail.sizes[1]"},
            {"Arn": constant.arn, "Input": '{"fixed": true}'},
            {
                "Arn": template.arn,
                "InputTransformer": {
                    "InputPathsMap": paths,
                    "InputTemplate": '{"who": <who>, "text": "<who>: \\"<sizes>\\"", "rule": <aws.events.rule-name>}',
                },
            },
            {
                "Arn": text.arn,
                "InputTransformer": {"InputPathsMap": paths, "InputTemplate": '"Dear <who>, <none>bye"'},
            },
        ],
    )
    events.put_events(Entries=[entry(source, {"who": 'A "B"', "sizes": [1, 2]})])
    assert part.bodies(1) == ["2"]
    assert constant.bodies(1) == ['{"fixed": true}']
    assert json.loads(template.bodies(1)[0]) == {"who": 'A "B"', "text": 'A "B": "[1,2]"', "rule": source}
    assert json.loads(text.bodies(1)[0]) == 'Dear A "B", bye'


def test_arrays_and_objects_in_quotes_lose_theirs_or_prevent_a_delivery(events: Any, make_queue: Any) -> None:
    text, lines, document, never, dead_letters = (make_queue() for _ in range(5))
    paths = {"l": "$.detail.l", "o": "$.detail.o"}
    source = make_rule(
        events,
        [
            {"Arn": queue.arn, "InputTransformer": {"InputPathsMap": paths, "InputTemplate": template}, **more}
            for queue, template, more in (
                (text, '"got <l> and <o>"', {}),
                (lines, '"<l>"\n"<o>"', {}),
                (document, '{"event": <aws.events.event>}', {}),
                (never, '{"x": "<o>"}', {"DeadLetterConfig": {"Arn": dead_letters.arn}}),
            )
        ],
    )
    events.put_events(Entries=[entry(source, {"l": ["HIGH", "LOW"], "o": {"k": "v"}})])
    assert text.bodies(1) == ['"got [HIGH,LOW] and {k:v}"']
    assert lines.bodies(1) == ['"[HIGH,LOW]"\n"{k:v}"']
    event = json.loads(document.bodies(1)[0])["event"]
    assert (event["detailType"], event["source"], "detail" in event) == ("order", source, False)
    assert json.loads(dead_letters.bodies(1)[0])["source"] == source


def test_a_placeholder_needs_a_path(events: Any) -> None:
    source = make_rule(events, [{"Arn": "arn:aws:sqs:us-east-1:111122223333:q"}])
    target = {"Id": "t", "Arn": "arn:aws:sqs:us-east-1:111122223333:q"}
    transformer = {"InputPathsMap": {"a": "$.detail"}, "InputTemplate": '"<a> <aws.events.rule-name> <nope>"'}
    assert refused(events.put_targets, Rule=source, Targets=[{**target, "InputTransformer": transformer}]) == (
        "ValidationException",
        "InputTemplate for target t contains invalid placeholder nope.",
    )


def test_buses_have_tags(events: Any) -> None:
    bus = events.create_event_bus(Name="tagged", Tags=[{"Key": "a", "Value": "1"}])["EventBusArn"]
    events.tag_resource(ResourceARN=bus, Tags=[{"Key": "b", "Value": "2"}])
    assert events.list_tags_for_resource(ResourceARN=bus)["Tags"] == [
        {"Key": "a", "Value": "1"},
        {"Key": "b", "Value": "2"},
    ]
    events.untag_resource(ResourceARN=bus, TagKeys=["a", "none"])
    assert events.list_tags_for_resource(ResourceARN=bus)["Tags"] == [{"Key": "b", "Value": "2"}]
    events.delete_event_bus(Name="tagged")
    missing = ("ResourceNotFoundException", "Event bus tagged does not exist.")
    assert refused(events.list_tags_for_resource, ResourceARN=bus) == missing
    assert refused(events.delete_event_bus, Name="tagged") == missing


def test_a_template_that_multiplies_a_value_fails_at_the_limit(events: Any, cloud: Any, make_queue: Any) -> None:
    never, dead_letters, other = make_queue(), make_queue(), make_queue()
    transformer = {"InputPathsMap": {"a": "$"}, "InputTemplate": '"' + "<a>" * 2500 + '"'}
    source = make_rule(
        events,
        [
            {"Arn": never.arn, "InputTransformer": transformer, "DeadLetterConfig": {"Arn": dead_letters.arn}},
            {
                "Arn": other.arn,
                "InputTransformer": {"InputPathsMap": {"a": "$.detail.x"}, "InputTemplate": "[<a>,<a>]"},
            },
        ],
    )
    detail = {"x": '"<a>\\' * 20_000}
    with probing(cloud.url, cloud.environment) as prober:
        events.put_events(Entries=[entry(source, detail)])
        (letter,) = dead_letters.receive(1)
    assert json.loads(letter["Body"])["detail"] == detail
    assert letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "INVALID_PARAMETER"
    assert json.loads(other.bodies(1)[0]) == [detail["x"]] * 2
    assert prober.percentile(100) < 3  # the event loop was once blocked for 30 s


def test_event_reaches_functions_and_topics(events: Any, cloud: Any, make_queue: Any, make_forwarder: Any) -> None:
    from_function, from_topic = make_queue(), make_queue()
    sns = cloud.client("sns")
    topic = sns.create_topic(Name=f"t-{uuid.uuid4().hex[:12]}")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=from_topic.arn, Attributes={"RawMessageDelivery": "true"})
    source = make_rule(events, [{"Arn": make_forwarder(from_function)}, {"Arn": topic, "InputPath": "$.detail"}])
    events.put_events(Entries=[entry(source, {"n": 1})])
    assert json.loads(from_topic.bodies(1)[0]) == {"n": 1}
    assert json.loads(from_function.bodies(1)[0])["detail"] == {"n": 1}


def test_event_starts_an_execution_and_is_logged(events: Any, cloud: Any) -> None:
    sfn, logs = cloud.client("stepfunctions"), cloud.client("logs")
    name = f"m-{uuid.uuid4().hex[:12]}"
    definition = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}
    machine = sfn.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)["stateMachineArn"]
    group = f"/aws/events/{name}"
    logs.create_log_group(logGroupName=group)
    group_arn = f"arn:aws:logs:{cloud.running.region}:{cloud.running.account}:log-group:{group}"
    source = make_rule(events, [{"Arn": machine, "RoleArn": ROLE, "InputPath": "$.detail"}, {"Arn": group_arn}])
    sent = events.put_events(Entries=[entry(source, {"n": 2})])["Entries"][0]["EventId"]
    deadline = time.monotonic() + 30
    found: list[Any] = []
    lines: list[Any] = []
    while time.monotonic() < deadline and not (found and lines):
        found = sfn.list_executions(stateMachineArn=machine, statusFilter="SUCCEEDED")["executions"]
        lines = logs.filter_log_events(logGroupName=group)["events"]
        time.sleep(0.05)
    (execution,) = found
    assert execution["name"].startswith(sent)
    assert json.loads(sfn.describe_execution(executionArn=execution["executionArn"])["input"]) == {"n": 2}
    assert json.loads(lines[0]["message"])["id"] == sent


def test_custom_buses_route_events_to_other_buses(events: Any, make_queue: Any) -> None:
    bus = f"bus-{uuid.uuid4().hex[:12]}"
    arn = events.create_event_bus(Name=bus)["EventBusArn"]
    assert refused(events.create_event_bus, Name=bus)[0] == "ResourceAlreadyExistsException"
    queue = make_queue()
    source = f"test.{bus}"
    events.put_rule(Name="here", EventBusName=bus, EventPattern=json.dumps({"source": [source]}))
    events.put_targets(Rule="here", EventBusName=arn, Targets=[{"Id": "q", "Arn": queue.arn}])
    forward = f"forward-{bus}"
    events.put_rule(Name=forward, EventPattern=json.dumps({"source": [source], "detail-type": ["order"]}))
    events.put_targets(Rule=forward, Targets=[{"Id": "b", "Arn": arn, "RoleArn": ROLE}])
    events.put_events(Entries=[entry(source, {"by": "default"}), entry(source, {"by": "name"}, EventBusName=bus)])
    found = sorted(json.loads(body)["detail"]["by"] for body in queue.bodies(2))
    assert found == ["default", "name"]
    assert refused(events.delete_event_bus, Name=bus)[0] == "ValidationException"
    events.remove_targets(Rule="here", EventBusName=bus, Ids=["q"])
    events.delete_rule(Name="here", EventBusName=bus)
    events.delete_event_bus(Name=bus)
    assert bus not in [each["Name"] for each in events.list_event_buses()["EventBuses"]]


def test_rules_are_listed_switched_and_deleted(events: Any, make_queue: Any) -> None:
    queue = make_queue()
    source = make_rule(events, [{"Arn": queue.arn}])
    events.disable_rule(Name=source)
    events.put_events(Entries=[entry(source, {"n": 1})])
    assert [rule["State"] for rule in events.list_rules(NamePrefix=source)["Rules"]] == ["DISABLED"]
    events.enable_rule(Name=source)
    events.put_events(Entries=[entry(source, {"n": 2})])
    assert [json.loads(body)["detail"] for body in queue.bodies(1)] == [{"n": 2}]
    assert events.list_targets_by_rule(Rule=source)["Targets"] == [{"Id": "t0", "Arn": queue.arn}]
    assert events.list_rule_names_by_target(TargetArn=queue.arn)["RuleNames"] == [source]
    arn = events.describe_rule(Name=source)["Arn"]
    events.tag_resource(ResourceARN=arn, Tags=[{"Key": "a", "Value": "1"}])
    assert events.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "a", "Value": "1"}]
    assert refused(events.delete_rule, Name=source) == (
        "ValidationException",
        "Rule can't be deleted since it has targets.",
    )
    answer = events.remove_targets(Rule=source, Ids=["t0", "gone"])
    assert [each["TargetId"] for each in answer["FailedEntries"]] == ["gone"]
    events.delete_rule(Name=source)
    events.delete_rule(Name=source)
    assert refused(events.describe_rule, Name=source) == (
        "ResourceNotFoundException",
        f"Rule {source} does not exist on EventBus default.",
    )


def test_undeliverable_events_go_to_the_dead_letter_queue(events: Any, make_queue: Any) -> None:
    dead = make_queue()
    source = make_rule(events, [{"Arn": dead.arn + "-gone", "DeadLetterConfig": {"Arn": dead.arn}}])
    events.put_events(Entries=[entry(source, {"n": 1})])
    (message,) = dead.receive(1)
    assert json.loads(message["Body"])["detail"] == {"n": 1}
    assert message["MessageAttributes"]["TARGET_ARN"]["StringValue"] == dead.arn + "-gone"


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ([{"prefix": "ab"}], "abc", "bab"),
        ([{"suffix": {"equals-ignore-case": ".PNG"}}], "a.png", "a.jpg"),
        ([{"equals-ignore-case": "Ab"}], "aB", "abc"),
        ([{"wildcard": "a*c\\*"}], "abbc*", "abbcd"),
        ([{"anything-but": ["a", "b"]}], "c", "a"),
        ([{"anything-but": {"prefix": "ab"}}], "ba", "abc"),
        ([{"anything-but": 3}], 4, 3),
        ([{"numeric": [">=", 1, "<", 5]}], 1, 5),
        ([{"cidr": "10.0.0.0/24"}], "10.0.0.7", "10.0.1.7"),
        ([{"exists": False}], None, "there"),
        (["a", 1, None], ["x", 1], ["x", True]),
    ],
)
def test_patterns_match_as_documented_for_eventbridge(events: Any, pattern: Any, matching: Any, other: Any) -> None:
    def matches(value: Any) -> bool:
        detail = {"inner": {} if value is None else {"field": value}}
        event = {
            "id": "1",
            "account": "111122223333",
            "source": "s",
            "time": "2024-01-01T00:00:00Z",
            "region": "us-east-1",
            "resources": [],
            "detail-type": "t",
            "detail": detail,
        }
        wanted = {"detail": {"inner": {"field": pattern}}}
        return events.test_event_pattern(EventPattern=json.dumps(wanted), Event=json.dumps(event))["Result"]

    assert matches(matching)
    assert not matches(other)


def test_alternatives_and_objects_in_arrays(events: Any) -> None:
    pattern = json.dumps({"$or": [{"source": ["a"]}, {"detail": {"items": {"kind": ["x"], "n": [1]}}}]})

    def matches(source: str, items: Any) -> bool:
        event = {
            "id": "1",
            "account": "111122223333",
            "source": source,
            "time": "2024-01-01T00:00:00Z",
            "region": "us-east-1",
            "detail-type": "t",
            "detail": {"items": items},
        }
        return events.test_event_pattern(EventPattern=pattern, Event=json.dumps(event))["Result"]

    assert matches("a", [])
    assert matches("b", [{"kind": "y", "n": 2}, {"kind": "x", "n": 1}])
    assert not matches("b", [{"kind": "x", "n": 2}, {"kind": "y", "n": 1}])


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ('{"source": "a"}', '"source" must be an object or an array'),
        ('{"source": []}', "Empty arrays are not allowed"),
        ('{"source": [{"like": "a"}]}', "Unrecognized match type like"),
        ('{"source": [{"numeric": ["~", 1]}]}', "Unrecognized numeric range operator: ~"),
        ("[]", "Filter is not an object"),
    ],
)
def test_invalid_patterns_are_rejected(events: Any, pattern: str, reason: str) -> None:
    code, message = refused(events.put_rule, Name="refused", EventPattern=pattern)
    assert code == "InvalidEventPatternException"
    assert message.startswith(f"Event pattern is not valid. Reason: {reason}\n at [Source: ")


def test_invalid_targets_are_rejected(events: Any, make_queue: Any) -> None:
    source = make_rule(events, [{"Arn": make_queue().arn}])

    def refusal(**target: Any) -> str:
        code, text = refused(events.put_targets, Rule=source, Targets=[{"Id": "x", **target}])
        assert code == "ValidationException"
        return text

    assert "lambda, sqs" in refusal(Arn="arn:aws:ecs:us-east-1:111122223333:cluster/c")
    assert "Provided Arn" in refusal(Arn="nothing")
    assert "RoleArn is required" in refusal(Arn="arn:aws:states:us-east-1:111122223333:stateMachine:m")
    assert "Only one of" in refusal(Arn=make_queue().arn, Input="{}", InputPath="$.detail")


def test_delivery_survives_a_crash(start_cloud: Any, make_queue_in: Any) -> None:
    first = start_cloud()
    events, queue = first.client("events"), make_queue_in(first)
    source = make_rule(events, [{"Arn": queue.arn, "InputPath": "$.detail.n"}])
    for batch in range(2):
        events.put_events(Entries=[entry(source, {"n": 10 * batch + n}) for n in range(10)])
    first.kill()
    second = start_cloud()
    assert set(queue.bodies(20, second.client("sqs"))) == {str(n) for n in range(20)}


@pytest.mark.parametrize(
    "detail",
    [
        '{"x":NaN}',
        '{"x":-Infinity}',
        '{"x":1e999}',
        '{"x":"\\ud800"}',
        '{"\\udc00":1}',
        '{"x":' * 1000 + "1" + "}" * 1000,
    ],
)
def test_details_that_are_not_json_are_malformed(events: Any, detail: str) -> None:
    answer = events.put_events(Entries=[{"Source": "test", "DetailType": "t", "Detail": detail}])
    assert [each.get("ErrorCode") for each in answer["Entries"]] == ["MalformedDetail"]


def test_deeply_nested_details_reach_a_template(events: Any, make_queue: Any) -> None:
    queue = make_queue()
    source = make_rule(
        events,
        [{"Arn": queue.arn, "InputTransformer": {"InputPathsMap": {"a": "$.detail"}, "InputTemplate": '{"a": <a>}'}}],
    )
    detail = '{"x":' * 900 + "1" + "}" * 900
    answer = events.put_events(Entries=[{"Source": source, "DetailType": "t", "Detail": detail}])
    assert answer["FailedEntryCount"] == 0
    assert queue.bodies(1) == [f'{{"a": {detail}}}']


def test_a_bus_has_at_most_300_rules(events: Any) -> None:
    bus = f"b-{uuid.uuid4()}"
    events.create_event_bus(Name=bus)
    rule: dict[str, Any] = {"EventBusName": bus, "EventPattern": '{"source": ["a"]}'}
    for n in range(300):
        events.put_rule(Name=f"r{n}", **rule)
    with pytest.raises(events.exceptions.LimitExceededException):
        events.put_rule(Name="one-more", **rule)
    events.put_rule(Name="r7", **rule, Description="a rule that exists can be changed")
    events.delete_rule(Name="r8", EventBusName=bus)
    events.put_rule(Name="one-more", **rule)
