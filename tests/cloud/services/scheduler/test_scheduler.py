"""EventBridge Scheduler: schedules and their groups, times, targets, retries and dead letters."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from botocore.exceptions import ClientError

from scones.cloud.services.scheduler.expressions import parse_expression

ROLE = "arn:aws:iam::111122223333:role/scheduler"
OFF = {"Mode": "OFF"}
QUEUE = "arn:aws:sqs:us-east-1:111122223333:absent"


@pytest.fixture(scope="module")
def scheduler(cloud: Any) -> Any:
    return cloud.client("scheduler")


def settings(arn: str, expression: str = "rate(1 day)", **target: Any) -> dict[str, Any]:
    return {
        "ScheduleExpression": expression,
        "FlexibleTimeWindow": OFF,
        "Target": {"Arn": arn, "RoleArn": ROLE, **target},
    }


def refused(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def in_a_moment() -> str:
    """Return the expression of a one-time schedule for the next second."""
    return f"at({datetime.now(UTC) + timedelta(seconds=1):%Y-%m-%dT%H:%M:%S})"


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("expression", "zone", "after", "expected"),
    [
        ("cron(30 9 * * ? *)", "Europe/Berlin", "2026-01-01T00:00Z", "2026-01-01T08:30Z"),
        ("cron(30 9 * * ? *)", "Europe/Berlin", "2026-07-01T00:00Z", "2026-07-01T07:30Z"),
        ("cron(30 2 * * ? *)", "Europe/Berlin", "2026-03-28T12:00Z", "2026-03-30T00:30Z"),  # 29 March has no 2:30
        ("cron(30 2 * * ? *)", "Europe/Berlin", "2026-10-24T12:00Z", "2026-10-25T00:30Z"),
        ("cron(30 2 * * ? *)", "Europe/Berlin", "2026-10-25T00:30Z", "2026-10-26T01:30Z"),  # 2:30 occurs twice
        ("cron(0 0 1 1 ? 2020)", "UTC", "2026-01-01T00:00Z", None),
        ("at(2026-07-01T10:00:00)", "America/New_York", "2026-01-01T00:00Z", "2026-07-01T14:00Z"),
        ("at(2026-07-01T10:00:00)", "UTC", "2026-07-01T10:00Z", None),
        ("rate(1 hour)", "UTC", "2026-01-01T00:30Z", "2026-01-01T01:00Z"),
        ("rate(2 hours)", "UTC", "2025-12-31T00:00Z", "2026-01-01T00:00Z"),
    ],
)
def test_next_time(expression: str, zone: str, after: str, expected: str | None) -> None:
    found = parse_expression(expression, ZoneInfo(zone)).next(at(after), at("2026-01-01T00:00Z"))
    assert found == (at(expected) if expected else None)


@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 1 * * * *)",
        "cron(7 20 * * NOT *)",
        "cron()",
        "rate(10 seconds)",
        "rate(-10 minutes)",
        "rate( 10 minutes )",
        " rate(10 minutes)",
        "at(2021-12-31T23:59:59Z)",
        "at(2021-12-31)",
        "at(2021-02-30T00:00:00)",
    ],
)
def test_invalid_expressions_are_refused_in_awss_words(scheduler: Any, expression: str) -> None:
    assert refused(scheduler.create_schedule, Name="refused", **settings(QUEUE, expression)) == (
        "ValidationException",
        f"Invalid Schedule Expression {expression}.",
    )


@pytest.mark.parametrize(
    "expression", ["cron(0-15/1 8-8 ? * 2,3,4,5,6,7 *)", "cron(*/15 * * * ? *)", "rate(1 minutes)"]
)
def test_valid_expressions_are_accepted(scheduler: Any, expression: str) -> None:
    arn = scheduler.create_schedule(Name="accepted", State="DISABLED", **settings(QUEUE, expression))["ScheduleArn"]
    assert arn == "arn:aws:scheduler:us-east-1:111122223333:schedule/default/accepted"
    scheduler.delete_schedule(Name="accepted")


def test_a_schedule_is_described_updated_and_deleted(scheduler: Any) -> None:
    group = scheduler.create_schedule_group(Name="described", Tags=[{"Key": "a", "Value": "1"}])["ScheduleGroupArn"]
    name = {"Name": "nightly", "GroupName": "described"}
    end = datetime(2099, 1, 1, tzinfo=UTC)
    created = scheduler.create_schedule(
        **name, **settings(QUEUE, "cron(0 2 * * ? *)"), EndDate=end, ScheduleExpressionTimezone="Asia/Tokyo"
    )
    found = scheduler.get_schedule(**name)
    assert (found["Arn"], found["GroupName"], found["EndDate"]) == (created["ScheduleArn"], "described", end)
    assert (found["State"], found["ActionAfterCompletion"]) == ("ENABLED", "NONE")
    assert found["Target"]["RetryPolicy"] == {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185}
    assert refused(scheduler.create_schedule, **name, **settings(QUEUE)) == (
        "ConflictException",
        "Schedule nightly already exists.",
    )
    scheduler.update_schedule(**name, **settings(QUEUE), State="DISABLED")
    updated = scheduler.get_schedule(**name)
    assert (updated["State"], updated["ScheduleExpressionTimezone"], "EndDate" in updated) == ("DISABLED", "UTC", False)
    assert updated["CreationDate"] == found["CreationDate"]
    (listed,) = scheduler.list_schedules(GroupName="described", State="DISABLED")["Schedules"]
    assert (listed["Name"], listed["Target"]) == ("nightly", {"Arn": QUEUE})
    assert scheduler.list_schedules(GroupName="described", NamePrefix="x")["Schedules"] == []
    scheduler.untag_resource(ResourceArn=group, TagKeys=["a"])
    scheduler.tag_resource(ResourceArn=group, Tags=[{"Key": "b", "Value": "2"}])
    assert scheduler.list_tags_for_resource(ResourceArn=group)["Tags"] == [{"Key": "b", "Value": "2"}]
    scheduler.delete_schedule_group(Name="described")
    missing = ("ResourceNotFoundException", "Schedule nightly does not exist.")
    assert refused(scheduler.get_schedule, **name) == missing
    assert refused(scheduler.delete_schedule, **name) == missing
    assert refused(scheduler.create_schedule, **name, **settings(QUEUE)) == (
        "ResourceNotFoundException",
        "Schedule group described does not exist.",
    )


def test_a_repeated_request_with_the_same_token_succeeds(scheduler: Any) -> None:
    request = {"Name": "repeated", "ClientToken": "once", "State": "DISABLED", **settings(QUEUE)}
    assert scheduler.create_schedule(**request)["ScheduleArn"] == scheduler.create_schedule(**request)["ScheduleArn"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}}, "MaximumWindowInMinutes must be specified"),
        ({"ScheduleExpressionTimezone": "Mars/Base"}, "Invalid Schedule Expression Timezone Mars/Base."),
        (settings("arn:aws:scheduler:::aws-sdk:ec2:stopInstances"), "does not support the service ec2"),
        (settings("arn:aws:scheduler:::aws-sdk:sqs:absent"), "absent is not an operation"),
        (settings("arn:aws:scheduler:::aws-sdk:sqs:listQueues"), "operations that only read data"),
        (settings("arn:aws:scheduler:::aws-sdk:sqs:sendMessage", Input="[]"), "must be a JSON object"),
        (settings("arn:aws:scheduler:::aws-sdk:sqs:sendMessage", Input='{"Other": 1}'), "has the member Other"),
        (settings("arn:aws:ecs:us-east-1:111122223333:cluster/c"), "The local cloud supports schedules for"),
        (settings("arn:aws:events:us-east-1:111122223333:event-bus/b"), "EventBridgeParameters must be specified"),
    ],
)
def test_what_is_not_offered_is_refused(scheduler: Any, changes: dict[str, Any], message: str) -> None:
    code, found = refused(scheduler.create_schedule, **{"Name": "refused", **settings(QUEUE), **changes})
    assert code == "ValidationException"
    assert message in found


def test_a_one_time_schedule_sends_its_input_and_is_deleted(scheduler: Any, make_queue: Any) -> None:
    queue = make_queue()
    text = "<aws.scheduler.schedule-arn> attempt <aws.scheduler.attempt-number>"
    arn = scheduler.create_schedule(
        Name="once", **settings(queue.arn, in_a_moment(), Input=text), ActionAfterCompletion="DELETE"
    )["ScheduleArn"]
    assert queue.bodies(1) == [f"{arn} attempt 1"]
    deadline = time.monotonic() + 10
    while scheduler.list_schedules(NamePrefix="once")["Schedules"]:
        assert time.monotonic() < deadline


def test_a_rate_begins_at_once_with_a_scheduled_event(scheduler: Any, make_queue: Any) -> None:
    queue = make_queue()
    arn = scheduler.create_schedule(Name="begins", **settings(queue.arn, "rate(1 hour)"))["ScheduleArn"]
    event = json.loads(queue.bodies(1)[0])
    assert event["resources"] == [arn]
    assert (event["source"], event["detail-type"], event["detail"]) == ("aws.scheduler", "Scheduled Event", "{}")
    scheduler.delete_schedule(Name="begins")


def test_functions_machines_and_buses_are_targets(cloud: Any, scheduler: Any, make_queue: Any) -> None:
    events, machines, queue = cloud.client("events"), cloud.client("stepfunctions"), make_queue()
    events.put_rule(Name="scheduled", EventPattern='{"source": ["scheduled.test"]}')
    events.put_targets(Rule="scheduled", Targets=[{"Id": "q", "Arn": queue.arn, "InputPath": "$.detail"}])
    bus = cloud.client("events").describe_event_bus()["Arn"]
    machine = machines.create_state_machine(
        name="scheduled", roleArn=ROLE, definition='{"StartAt": "S", "States": {"S": {"Type": "Succeed"}}}'
    )["stateMachineArn"]
    parameters = {"DetailType": "d", "Source": "scheduled.test"}
    scheduler.create_schedule(
        Name="bus", **settings(bus, in_a_moment(), Input='{"a": 1}', EventBridgeParameters=parameters)
    )
    scheduler.create_schedule(Name="machine", **settings(machine, in_a_moment(), Input='{"b": 2}'))
    assert json.loads(queue.bodies(1)[0]) == {"a": 1}
    deadline = time.monotonic() + 20
    while not (executions := machines.list_executions(stateMachineArn=machine)["executions"]):
        assert time.monotonic() < deadline
    assert machines.describe_execution(executionArn=executions[0]["executionArn"])["input"] == '{"b": 2}'


def test_a_failed_invocation_goes_to_the_dead_letter_queue(cloud: Any, scheduler: Any, make_queue: Any) -> None:
    dead_letters = make_queue()
    target = {"Input": "lost", "DeadLetterConfig": {"Arn": dead_letters.arn}}
    arn = scheduler.create_schedule(Name="failing", **settings(QUEUE, in_a_moment(), **target))["ScheduleArn"]
    sqs, deadline = cloud.client("sqs"), time.monotonic() + 20
    while not (
        messages := sqs.receive_message(
            QueueUrl=dead_letters.url, MessageAttributeNames=["All"], WaitTimeSeconds=5
        ).get("Messages")
    ):
        assert time.monotonic() < deadline
    values = {name: value["StringValue"] for name, value in messages[0]["MessageAttributes"].items()}
    assert messages[0]["Body"] == "lost"
    assert (values["SCHEDULE_ARN"], values["TARGET_ARN"], values["RETRY_ATTEMPTS"]) == (arn, QUEUE, "0")
    assert "ERROR_CODE" in values


def test_a_one_time_schedule_that_was_missed_fires_after_a_crash(start_cloud: Any) -> None:
    cloud = start_cloud()
    sqs, scheduler = cloud.client("sqs"), cloud.client("scheduler")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    expression = f"at({datetime.now(UTC) + timedelta(seconds=3):%Y-%m-%dT%H:%M:%S})"
    scheduler.create_schedule(Name="missed", **settings(arn, expression, Input="late"))
    cloud.kill()
    time.sleep(3)
    restarted = start_cloud().client("sqs")
    url = restarted.get_queue_url(QueueName="q")["QueueUrl"]
    (message,) = restarted.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]
    assert message["Body"] == "late"


def test_a_universal_target_calls_an_operation(scheduler: Any, cloud: Any, make_queue: Any) -> None:
    queue, dead = make_queue(), make_queue()
    message = {"QueueUrl": queue.url, "MessageBody": "<aws.scheduler.scheduled-time>"}
    message["MessageAttributes"] = {"b": {"DataType": "Binary", "BinaryValue": "bytes"}}
    target = {"DeadLetterConfig": {"Arn": dead.arn}}
    for name, service, given in (
        ("calls", "sqs:sendMessage", message),
        ("fails", "sqs:deleteQueue", {"QueueUrl": f"{queue.url}-absent"}),
    ):
        arn = f"arn:aws:scheduler:::aws-sdk:{service}"
        scheduler.create_schedule(Name=name, **settings(arn, in_a_moment(), Input=json.dumps(given), **target))
    (received,) = queue.receive(1)
    assert received["MessageAttributes"]["b"]["BinaryValue"] == b"bytes"
    assert received["Body"].startswith("20")
    (failed,) = dead.receive(1)
    assert failed["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "QueueDoesNotExist"
