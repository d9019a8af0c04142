"""A cloud always starts: work that cannot be resumed fails with a reason, and --recover resumes nothing."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from scones.cloud.core.resumption import ResumableWork, Resumption
from scones.cloud.core.step_record import MAX_STRIKES
from scones.cloud.process import lifecycle

ROLE = "arn:aws:iam::111122223333:role/recovery"


def machine_of(*states: dict[str, Any]) -> str:
    named = {f"S{number}": {**state, "Next": f"S{number + 1}"} for number, state in enumerate(states[:-1])}
    return json.dumps({"StartAt": "S0", "States": {**named, f"S{len(states) - 1}": {**states[-1], "End": True}}})


def wait(seconds: int) -> dict[str, Any]:
    return {"Type": "Wait", "Seconds": seconds}


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


@contextlib.contextmanager
def database(data_dir: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(data_dir / "cloud.sqlite")
    with connection:
        yield connection
    connection.close()


def started(cloud: Any, name: str, *states: dict[str, Any]) -> str:
    client = cloud.client("stepfunctions")
    machine = client.create_state_machine(name=name, roleArn=ROLE, definition=machine_of(*states))
    return client.start_execution(stateMachineArn=machine["stateMachineArn"], name=name)["executionArn"]


POISON = {
    "a missing definition": "DELETE FROM sfn_revisions WHERE id = (SELECT revision FROM sfn_executions WHERE arn = ?)",
    "a definition that is none": "UPDATE sfn_revisions SET definition = '{]' WHERE id ="
    " (SELECT revision FROM sfn_executions WHERE arn = ?)",
    "a damaged event": "UPDATE sfn_events SET details = '{]' WHERE execution ="
    " (SELECT id FROM sfn_executions WHERE arn = ?)",
    "no history": "DELETE FROM sfn_events WHERE execution = (SELECT id FROM sfn_executions WHERE arn = ?)",
    "an input that is none": "UPDATE sfn_executions SET input = '{]' WHERE arn = ?",
    "a state that is gone": "UPDATE sfn_events SET details = replace(details, '\"S0\"', '\"Gone\"') WHERE execution ="
    " (SELECT id FROM sfn_executions WHERE arn = ?)",
}


def test_work_that_cannot_be_resumed_fails_with_a_reason_and_the_rest_continues(start_cloud):
    cloud = start_cloud()
    poisoned = {
        started(cloud, f"poison-{number}", wait(600), wait(0)): sql for number, sql in enumerate(POISON.values())
    }
    sound = started(cloud, "sound", wait(1), wait(0))
    cloud.kill()
    with database(cloud.data_dir) as connection:
        for arn, sql in poisoned.items():
            connection.execute(sql, (arn,))
    again = start_cloud()
    client = again.client("stepfunctions")
    for arn in poisoned:
        until(lambda arn=arn: client.describe_execution(executionArn=arn)["status"] == "FAILED", f"{arn} goes on")
    until(lambda: client.describe_execution(executionArn=sound)["status"] == "SUCCEEDED", "the sound one is lost")
    for arn, sql in poisoned.items():
        found = client.describe_execution(executionArn=arn)
        assert found["error"] == "States.Runtime"
        assert "local cloud" in found["cause"]
        if "details = '{]'" not in sql:  # this damage makes the history unreadable
            last = client.get_execution_history(executionArn=arn, reverseOrder=True)["events"][0]
            assert last["type"] == "ExecutionFailed"
            assert last["executionFailedEventDetails"]["cause"] == found["cause"]
    log = again.data_dir / "cloud.log"
    assert log.read_text().count("was not resumed") >= 4
    log.write_text("")  # two executions fail while running; the cloud logs a traceback


def test_damaged_rows_of_all_services_do_not_stop_the_start(start_cloud):
    cloud = start_cloud()
    queue = cloud.client("sqs").create_queue(QueueName="damaged")["QueueUrl"]
    arn = cloud.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    cloud.client("s3").create_bucket(Bucket="damaged")
    events = cloud.client("events")
    for rule in ("damaged", "sound"):
        events.put_rule(Name=rule, ScheduleExpression="rate(1 minute)")
        events.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": arn}])
    lifecycle.stop(cloud.data_dir)
    documents = ("training-job", "processing-job", "transform-job", "hyper-parameter-tuning-job", "endpoint", "app")
    with database(cloud.data_dir) as connection:
        connection.execute("UPDATE events_rules SET document = '{]' WHERE name = 'damaged'")
        connection.execute("UPDATE events_rules SET modified = strftime('%s', 'now') - 45 WHERE name = 'sound'")
        connection.execute("INSERT INTO s3_notification_configurations VALUES ('damaged', '{]')")
        for table in ("sns_deliveries", "events_deliveries", "function_results"):
            connection.execute(f"INSERT INTO {table} (lane, payload) VALUES ('a\nb\nc', '{{]')")
        connection.execute("INSERT INTO event_source_mappings VALUES ('damaged', 'f', 's', '{]')")
        for kind in documents:
            values = (kind, "empty", f"arn:{kind}", json.dumps(minimal(kind)))
            connection.execute("INSERT INTO sagemaker_resources VALUES (?, ?, ?, 'InProgress', 0, 0, ?)", values)
        connection.execute(
            "INSERT INTO sqs_move_tasks (id, source, status, started, total) VALUES ('t', 'gone', 'RUNNING', 0, 0)"
        )
        connection.execute(
            "INSERT INTO accepted_events (request_id, function, payload, accepted, due) VALUES ('r', 'f', '{]', 0, 0)"
        )
    again = start_cloud()
    received: list[dict[str, Any]] = []

    def receive() -> bool:
        received.extend(again.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=20).get("Messages", []))
        return bool(received)

    until(receive, "the sound rule keeps no times")
    assert json.loads(received[0]["Body"])["resources"][0].endswith("rule/sound")
    sagemaker = again.client("sagemaker")
    until(lambda: sagemaker.describe_endpoint(EndpointName="empty")["EndpointStatus"] == "Failed", "it goes on")
    assert "local cloud could not restart" in sagemaker.describe_endpoint(EndpointName="empty")["FailureReason"]
    (again.data_dir / "cloud.log").write_text("")  # jobs without required fields fail with a traceback


def test_damaged_rules_fail_alone(start_cloud):
    cloud = start_cloud()
    queue = cloud.client("sqs").create_queue(QueueName="ruled")["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:111122223333:ruled"
    events, bus = cloud.client("events"), {"EventBusName": "ruled"}
    events.create_event_bus(Name="ruled")
    damages = ["document = '{]'", "document = '[]'", "tags = 'null'", "pattern = '{]'", "pattern = '[1]'"]
    damaged = [f"damaged-{number}" for number in range(len(damages))]
    for rule in (*damaged, "sound"):
        events.put_rule(Name=rule, EventPattern='{"source": ["test"]}', **bus)
    events.put_targets(Rule="sound", Targets=[{"Id": "queue", "Arn": arn}], **bus)
    lifecycle.stop(cloud.data_dir)
    with database(cloud.data_dir) as connection:
        for rule, damage in zip(damaged, damages, strict=True):
            connection.execute(f"UPDATE events_rules SET {damage} WHERE name = ?", (rule,))
    again = start_cloud()
    events, sqs = again.client("events"), again.client("sqs")
    event = {"Source": "test", "DetailType": "t", "Detail": "{}", **bus}
    for _ in range(2):
        assert events.put_events(Entries=[event])["FailedEntryCount"] == 0
        (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"]
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    assert "sound" in [rule["Name"] for rule in events.list_rules(**bus)["Rules"]]
    log = (again.data_dir / "cloud.log").read_text()
    for rule in damaged:
        assert log.count(f"The rule {rule} of bus ruled is damaged, and sends no events") == 1
    events.remove_targets(Rule="sound", Ids=["queue"], **bus)
    events.delete_rule(Name="sound", **bus)
    with pytest.raises(ClientError, match="can't be deleted since it has rules"):
        events.delete_event_bus(Name="ruled")
    for rule in damaged:
        events.delete_rule(Name=rule, **bus)
    events.delete_event_bus(Name="ruled")


def minimal(kind: str) -> dict[str, Any]:
    """Return a resource's document with its name, its status and times, but without other required fields."""
    word = {
        "training-job": "TrainingJob",
        "processing-job": "ProcessingJob",
        "transform-job": "TransformJob",
        "hyper-parameter-tuning-job": "HyperParameterTuningJob",
    }.get(kind)
    about = {"CreationTime": 0, "LastModifiedTime": 0}
    if word is not None:
        return {f"{word}Name": "empty", f"{word}Status": "InProgress", "SecondaryStatusTransitions": [], **about}
    if kind == "endpoint":
        return {
            "EndpointName": "empty",
            "EndpointArn": "arn:aws:sagemaker:us-east-1:111122223333:endpoint/empty",
            "EndpointConfigName": "empty",
            "EndpointStatus": "InService",
            "Plan": {},
            **about,
        }
    return {"DomainId": "d", "UserProfileName": "u", "AppType": "JupyterLab", "AppName": "empty", "Status": "Pending"}


def test_recover_resumes_nothing_and_lists_what_was_not_resumed(start_cloud):
    cloud = start_cloud()
    arns = [started(cloud, name, wait(1), wait(0)) for name in ("kept", "stopped")]
    cloud.client("events").put_rule(Name="kept", ScheduleExpression="rate(1 minute)")
    cloud.kill()
    recovered = start_cloud(recover=True)
    client = recovered.client("stepfunctions")
    time.sleep(2)
    assert [client.describe_execution(executionArn=arn)["status"] for arn in arns] == ["RUNNING"] * 2
    shown = recovered.run("scones", "status", "--data-dir", str(recovered.data_dir)).stdout
    assert "Not resumed, execution (2)" in shown
    assert "Not resumed, schedule (1): kept" in shown
    assert "resume the rest" in shown
    found = json.loads(recovered.run("scones", "status", "--json", "--data-dir", str(recovered.data_dir)).stdout)
    assert sorted(found["left"]["execution"]) == sorted(arns)
    client.stop_execution(executionArn=arns[1], error="Mine", cause="stopped by hand")
    stopped = client.describe_execution(executionArn=arns[1])
    assert (stopped["status"], stopped["error"], stopped["cause"]) == ("ABORTED", "Mine", "stopped by hand")
    fresh = started(recovered, "fresh", wait(0))
    until(lambda: client.describe_execution(executionArn=fresh)["status"] == "SUCCEEDED", "new work does not run")
    lifecycle.stop(recovered.data_dir)
    again = start_cloud()
    client = again.client("stepfunctions")
    until(lambda: client.describe_execution(executionArn=arns[0])["status"] == "SUCCEEDED", "it is not resumed")
    assert client.describe_execution(executionArn=arns[1])["status"] == "ABORTED"
    assert "--recover" not in again.run("scones", "status", "--data-dir", str(again.data_dir)).stdout


def test_the_result_of_a_task_that_is_not_resumed_yet_is_kept(start_cloud):
    cloud = start_cloud()
    queue = cloud.client("sqs").create_queue(QueueName="tokens")["QueueUrl"]
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"QueueUrl": queue, "MessageBody.$": "$$.Task.Token"},
    }
    arn = started(cloud, "token", task)
    token = cloud.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"][0]["Body"]
    cloud.kill()
    recovered = start_cloud(recover=True)
    recovered.client("stepfunctions").send_task_success(taskToken=token, output='"done"')
    lifecycle.stop(recovered.data_dir)
    client = start_cloud().client("stepfunctions")
    until(lambda: client.describe_execution(executionArn=arn)["status"] == "SUCCEEDED", "its answer is lost")
    assert client.describe_execution(executionArn=arn)["output"] == '"done"'


async def test_work_that_crashes_several_starts_is_abandoned(tmp_path):
    ended: list[str] = []

    def leftovers(location: str) -> list[ResumableWork]:
        async def die() -> None:
            raise SystemExit  # the process ends during a step and leaves the record of the step

        async def give_up(reason: str) -> None:
            ended.append(reason)

        async def fine() -> None:
            ended.append("fine")

        return [ResumableWork("execution", "bad", die, give_up, location), ResumableWork("execution", "good", fine)]

    for _ in range(MAX_STRIKES):
        Resumption(tmp_path, recover=False)
        (tmp_path / "resumed-step").write_bytes(b"execution bad at event 7\n")  # as if the process ended in this step
    resumption = Resumption(tmp_path, recover=False)
    resumption.plan(leftovers("event 7"))
    await resumption.resume_planned()
    assert ended == [
        f"the local cloud hung or was killed during one of its steps in {MAX_STRIKES} consecutive runs",
        "fine",
    ]


@pytest.mark.slow
def test_an_execution_that_kills_the_cloud_at_each_resumption_is_failed(start_cloud, tmp_path, monkeypatch):
    """Simulates a fault that no limit prevents: a module kills the process in one step of this execution."""
    fault = tmp_path / "fault"
    fault.mkdir()
    (fault / "sitecustomize.py").write_text(
        "import os, signal, sys\n"
        "if 'scones.cloud' in ' '.join(sys.orig_argv):\n"
        "    from scones.cloud.services.stepfunctions.execution import asl_interpreter\n"
        "    enter = asl_interpreter.AslInterpreter._enter\n"
        "    def _enter(self, state, value, chain):\n"
        "        if state.name == 'Deadly':\n"
        "            os.kill(os.getpid(), signal.SIGKILL)\n"
        "        return enter(self, state, value, chain)\n"
        "    asl_interpreter.AslInterpreter._enter = _enter\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(fault))
    cloud = start_cloud()
    client = cloud.client("stepfunctions")
    states = {"Wait": {**wait(1), "Next": "Deadly"}, "Deadly": {"Type": "Pass", "End": True}}
    machine = client.create_state_machine(
        name="deadly", roleArn=ROLE, definition=json.dumps({"StartAt": "Wait", "States": states})
    )["stateMachineArn"]
    arn = client.start_execution(stateMachineArn=machine, name="deadly")["executionArn"]
    sound = started(cloud, "sound", wait(20), wait(0))
    crashes, data_dir = 0, cloud.data_dir
    while True:
        try:
            cloud = start_cloud()
            status = cloud.client("stepfunctions").describe_execution(executionArn=arn)["status"]
        except Exception:
            status = "RUNNING"
        if status == "FAILED":
            break
        until(lambda: lifecycle.find(data_dir) is None, "it did not die")
        crashes += 1
        assert crashes <= MAX_STRIKES + 1
    client = cloud.client("stepfunctions")
    assert "hung or was killed" in client.describe_execution(executionArn=arn)["cause"]
    until(lambda: client.describe_execution(executionArn=sound)["status"] == "SUCCEEDED", "the other one is lost")
