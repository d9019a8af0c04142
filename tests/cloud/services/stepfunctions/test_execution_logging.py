"""Execution logs in CloudWatch Logs, for state machines with a logging configuration."""

from __future__ import annotations

import json
import re
import time
import uuid
from typing import Any

import pytest

from scones.cloud.process import lifecycle

PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": {"x": 1}, "End": True}}}
FAIL = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Gate", "Cause": "too low"}}}


class LogGroup:
    """A log group, and the events that executions write to it."""

    def __init__(self, cloud: Any) -> None:
        self.client = cloud.client("logs")
        self.name = f"/aws/vendedlogs/states/{uuid.uuid4().hex}"
        self.client.create_log_group(logGroupName=self.name)

    def configuration(self, level: str = "ALL", *, data: bool = True) -> dict[str, Any]:
        arn = self.client.describe_log_groups(logGroupNamePrefix=self.name)["logGroups"][0]["arn"]
        return {
            "level": level,
            "includeExecutionData": data,
            "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": arn}}],
        }

    def events(self, last: str) -> list[dict[str, Any]]:
        """Wait for an event of type `last`; return all log events in the order in which they were written."""
        deadline = time.monotonic() + 30
        while True:
            events = self.client.filter_log_events(logGroupName=self.name, logStreamNamePrefix="states/")["events"]
            if any(json.loads(event["message"])["type"] == last for event in events):
                return list(events)
            assert time.monotonic() < deadline, f"{self.name} has no {last} after 30 s"
            time.sleep(0.02)

    def records(self, last: str) -> list[dict[str, Any]]:
        return [json.loads(event["message"]) for event in self.events(last)]


@pytest.fixture
def group(cloud: Any) -> LogGroup:
    return LogGroup(cloud)


@pytest.mark.parametrize("kind", ["STANDARD", "EXPRESS"])
def test_every_event_of_an_execution_is_logged(machines, group, kind):
    machine = machines.create(PASS, type=kind, loggingConfiguration=group.configuration())
    execution = machines.start(machine, {"a": 1})
    events = group.events("ExecutionSucceeded")
    records = [json.loads(event["message"]) for event in events]
    assert [(each["id"], each["previous_event_id"], each["type"]) for each in records] == [
        ("1", "0", "ExecutionStarted"),
        ("2", "0", "PassStateEntered"),
        ("3", "2", "PassStateExited"),
        ("4", "3", "ExecutionSucceeded"),
    ]
    assert {each["execution_arn"] for each in records} == {execution}
    assert {each["redrive_count"] for each in records} == {"0"}
    assert records[1]["details"] == {"input": '{"a": 1}', "inputDetails": {"truncated": False}, "name": "A"}
    assert [str(event["timestamp"]) for event in events] == [each["event_timestamp"] for each in records]
    name = machine.rpartition(":")[2]
    assert re.fullmatch(rf"states/{name}/\d{{4}}-\d\d-\d\d-\d\d/[0-9a-f]{{8}}", events[0]["logStreamName"])


def test_a_log_of_a_standard_execution_equals_its_history(machines, group):
    retried = {
        "StartAt": "P",
        "States": {
            "P": {
                "Type": "Parallel",
                "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1, "IntervalSeconds": 1}],
                "Branches": [FAIL, PASS],
                "End": True,
            }
        },
    }
    execution = machines.start(machines.create(retried, loggingConfiguration=group.configuration()))
    assert machines.wait(execution)["status"] == "FAILED"
    logged = [
        (int(each["id"]), int(each["previous_event_id"]), each["type"]) for each in group.records("ExecutionFailed")
    ]
    history = [(each["id"], each["previousEventId"], each["type"]) for each in machines.history(execution)]
    assert sorted(logged) == history


def test_data_is_logged_only_if_the_configuration_includes_it(machines, group):
    machine = machines.create(PASS, loggingConfiguration=group.configuration(data=False))
    machines.start(machine, {"secret": "jam"})
    records = group.records("ExecutionSucceeded")
    assert "jam" not in json.dumps(records)
    assert records[1]["details"] == {"name": "A"}


@pytest.mark.parametrize(
    ("level", "expected"),
    [("ERROR", ["FailStateEntered", "ExecutionFailed"]), ("FATAL", ["ExecutionFailed"])],
)
def test_the_log_level_selects_the_logged_events(machines, group, level, expected):
    machine = machines.create(FAIL, loggingConfiguration=group.configuration(level))
    machines.start(machine)
    records = group.records("ExecutionFailed")
    assert [each["type"] for each in records] == expected
    assert records[-1]["details"] == {"error": "Gate", "cause": "too low"}


def test_a_payload_that_is_too_long_for_the_log_is_cut(machines, group):
    machine = machines.create(PASS, loggingConfiguration=group.configuration())
    machines.start(machine, "x" * 261_000)
    started = group.records("ExecutionSucceeded")[0]["details"]
    assert started["inputDetails"] == {"truncated": True}
    assert 250_000 < len(started["input"]) < 248 * 1024


def test_a_deleted_log_group_does_not_delay_executions_and_is_not_created_again(machines, cloud, group):
    machine = machines.create(PASS, loggingConfiguration=group.configuration())
    group.client.delete_log_group(logGroupName=group.name)
    assert machines.wait(machines.start(machine))["status"] == "SUCCEEDED"
    other = LogGroup(cloud)
    machines.client.update_state_machine(stateMachineArn=machine, loggingConfiguration=other.configuration())
    machines.start(machine)
    other.events("ExecutionSucceeded")
    assert group.client.describe_log_groups(logGroupNamePrefix=group.name)["logGroups"] == []


def test_buffered_log_events_are_written_when_the_cloud_stops(start_cloud, machines_of):
    cloud = start_cloud()
    machines, group = machines_of(cloud), LogGroup(cloud)
    machine = machines.create(PASS, loggingConfiguration=group.configuration())
    machines.wait(machines.start(machine))
    lifecycle.stop(cloud.data_dir)
    restarted = start_cloud()
    logs = restarted.client("logs")
    events = logs.filter_log_events(logGroupName=group.name, logStreamNamePrefix="states/")["events"]
    assert json.loads(events[-1]["message"])["type"] == "ExecutionSucceeded"


def test_the_check_of_a_logging_configuration_writes_one_event_to_the_log_group(machines, group):
    for _ in range(2):
        machines.create(PASS, loggingConfiguration=group.configuration())
    machines.wait(machines.start(machines.create(PASS, loggingConfiguration=group.configuration())))
    group.events("ExecutionSucceeded")
    first, second = group.client.describe_log_streams(logGroupName=group.name)["logStreams"]
    assert first["logStreamName"] == "log_stream_created_by_aws_to_validate_log_delivery_subscriptions"
    assert second["logStreamName"].startswith("states/")
    found = group.client.get_log_events(logGroupName=group.name, logStreamName=first["logStreamName"])["events"]
    assert [event["message"].partition(" to ")[0] for event in found] == ["Permissions are set correctly"]
