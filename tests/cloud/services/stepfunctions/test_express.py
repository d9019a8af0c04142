"""Express state machines: executions in memory, synchronous (StartSyncExecution) and asynchronous."""

from __future__ import annotations

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from scones.cloud.process import lifecycle

PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": {"x": 1}, "End": True}}}
FAIL = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Gate", "Cause": "too low"}}}
SLOW = {
    "TimeoutSeconds": 1,
    "StartAt": "A",
    "States": {"A": {"Type": "Wait", "Seconds": 600, "End": True}},
}


def logging_to(logs: Any, group: str) -> dict[str, Any]:
    logs.create_log_group(logGroupName=group)
    arn = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]["arn"]
    return {"level": "ALL", "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": arn}}]}


def wait_for_log(logs: Any, group: str, text: str) -> None:
    deadline = time.monotonic() + 30
    while not logs.filter_log_events(logGroupName=group, filterPattern=f'"{text}"')["events"]:
        assert time.monotonic() < deadline, f"{group} has no {text} after 30 s"
        time.sleep(0.02)


@pytest.fixture
def client(machines: Any) -> Any:
    """A client that does not prefix the host name with "sync-": no resolver knows "sync-127.0.0.1"."""
    return machines.client


def refused(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_synchronous_execution_returns_its_output(machines, client):
    machine = machines.create(PASS, type="EXPRESS")
    answer = client.start_sync_execution(stateMachineArn=machine, input='{"a": 1}', name="mine", traceHeader="Root=1")
    name = machine.rpartition(":")[2]
    assert answer["executionArn"].startswith(machine.replace(":stateMachine:", ":express:") + ":mine:")
    assert (answer["status"], json.loads(answer["output"]), answer["input"]) == ("SUCCEEDED", {"x": 1}, '{"a": 1}')
    assert (answer["name"], answer["stateMachineArn"], answer["traceHeader"]) == ("mine", machine, "Root=1")
    assert answer["billingDetails"]["billedMemoryUsedInMB"] == 64
    assert answer["billingDetails"]["billedDurationInMilliseconds"] % 100 == 0
    assert answer["startDate"] <= answer["stopDate"]
    assert name in answer["executionArn"]
    again = client.start_sync_execution(stateMachineArn=machine, input='{"a": 2}', name="mine")
    assert again["executionArn"] != answer["executionArn"]


def test_the_data_of_a_synchronous_execution_can_be_left_out(machines, client):
    machine = machines.create(PASS, type="EXPRESS")
    answer = client.start_sync_execution(stateMachineArn=machine, includedData="METADATA_ONLY")
    assert answer["status"] == "SUCCEEDED"
    assert {"input", "output", "inputDetails", "outputDetails"}.isdisjoint(answer)


def test_failures_and_timeouts_of_synchronous_executions_are_returned(machines, client):
    failed = client.start_sync_execution(stateMachineArn=machines.create(FAIL, type="EXPRESS"))
    assert (failed["status"], failed["error"], failed["cause"]) == ("FAILED", "Gate", "too low")
    assert "output" not in failed
    late = client.start_sync_execution(stateMachineArn=machines.create(SLOW, type="EXPRESS"))
    assert late["status"] == "TIMED_OUT"


def test_an_express_machine_calls_functions(machines, client, function):
    arn = function("def handler(event, context):\n    return event['n'] + 1\n")
    machine = machines.create(
        {"StartAt": "Add", "States": {"Add": {"Type": "Task", "Resource": arn, "End": True}}}, type="EXPRESS"
    )
    answer = client.start_sync_execution(stateMachineArn=machine, input='{"n": 1}')
    assert (answer["status"], answer["output"]) == ("SUCCEEDED", "2")


def test_express_executions_have_no_history_and_their_names_may_repeat(machines, client):
    machine = machines.create(PASS, type="EXPRESS")
    first, second = (machines.start(machine, name="same") for _ in range(2))
    assert first != second
    assert first.split(":")[5] == "express"
    for call in (client.describe_execution, client.get_execution_history, client.stop_execution):
        code, message = refused(call, executionArn=first)
        assert (code, message) == ("InvalidArn", "Invalid Arn: 'Resource type not valid in this context: express'")
    code, message = refused(client.list_executions, stateMachineArn=machine)
    assert (code, message) == (
        "StateMachineTypeNotSupported",
        "This operation is not supported by this type of state machine",
    )


def test_a_standard_machine_is_not_run_synchronously(machines, client):
    code, _ = refused(client.start_sync_execution, stateMachineArn=machines.create(PASS))
    assert code == "StateMachineTypeNotSupported"


def test_an_express_machine_has_no_activities(machines):
    resource = "arn:aws:states:us-east-1:111122223333:activity:pick"
    definition = {"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": resource, "End": True}}}
    code, message = refused(machines.create, definition=definition, type="EXPRESS")
    assert code == "InvalidDefinition"
    assert "Express state machine does not support Activity ARN at /States/T/Resource" in message


@pytest.mark.parametrize("pattern", [".sync", ".waitForTaskToken"])
def test_an_express_machine_cannot_wait_for_a_callback_or_a_job(machines, pattern):
    resource = "arn:aws:states:::states:startExecution" if pattern == ".sync" else "arn:aws:states:::lambda:invoke"
    task = {"Type": "Task", "Resource": resource + pattern, "Parameters": {}, "End": True}
    code, message = refused(machines.create, definition={"StartAt": "T", "States": {"T": task}}, type="EXPRESS")
    assert code == "InvalidDefinition"
    assert f"Express state machine does not support '{pattern}' service integration" in message


def test_a_version_and_an_alias_of_an_express_machine_are_run(machines, client):
    machine = machines.create(PASS, type="EXPRESS")
    version = client.publish_state_machine_version(stateMachineArn=machine)["stateMachineVersionArn"]
    alias = client.create_state_machine_alias(
        name="live", routingConfiguration=[{"stateMachineVersionArn": version, "weight": 100}]
    )["stateMachineAliasArn"]
    client.update_state_machine(stateMachineArn=machine, definition=json.dumps(FAIL))
    assert [client.start_sync_execution(stateMachineArn=arn)["status"] for arn in (version, alias, machine)] == [
        "SUCCEEDED",
        "SUCCEEDED",
        "FAILED",
    ]


def test_the_host_prefix_sync_is_accepted(machines, cloud, monkeypatch):
    """The patched resolver replaces the hosts-file entry that the prefixed name needs."""
    machine = machines.create(PASS, type="EXPRESS")
    resolve = socket.getaddrinfo

    def resolving(host: Any, *rest: Any, **named: Any) -> Any:
        return resolve(host.removeprefix("sync-") if isinstance(host, str) else host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolving)
    prefixing = cloud.client("stepfunctions", inject_host_prefix=True)
    assert prefixing.start_sync_execution(stateMachineArn=machine)["status"] == "SUCCEEDED"


def test_a_cloud_that_stops_does_not_wait_for_express_executions(start_cloud, machines_of):
    cloud = start_cloud()
    long = {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 250, "End": True}}}
    machine = machines_of(cloud).create(
        long, type="EXPRESS", loggingConfiguration=logging_to(cloud.client("logs"), "/express/stopped")
    )
    patient = cloud.client("stepfunctions", read_timeout=300)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(patient.start_sync_execution, stateMachineArn=machine)
        wait_for_log(cloud.client("logs"), "/express/stopped", "WaitStateEntered")
        lifecycle.stop(cloud.data_dir)
        with pytest.raises(ClientError) as caught:
            waiting.result(60)
    assert caught.value.response["Error"]["Code"] == "ServiceUnavailable"
