"""A full disk: requests are rejected; background work waits, and continues by itself when there is space again.

Most tests lower the running cloud's limit on file sizes, which needs no privileges; writes beyond it fail as on a full
disk. One test fills a real file system; it is skipped if no file system can be mounted.
"""

from __future__ import annotations

import contextlib
import json
import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

ROLE = "arn:aws:iam::111122223333:role/full-disk"
LIMIT = 32 * 1024
"""Maximum file size in bytes while the disk is "full": cloud.log fits, the database does not."""

linux = pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="prlimit is Linux's")


def set_room(cloud: Any, *, room: bool) -> None:
    limit = resource.RLIM_INFINITY if room else LIMIT
    resource.prlimit(cloud.running.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def waits(seconds: int, then: int = 3) -> str:
    states: dict[str, Any] = {"Wait": {"Type": "Wait", "Seconds": seconds, "Next": "Pass0"}}
    for number in range(then):
        following = {"Next": f"Pass{number + 1}"} if number + 1 < then else {"End": True}
        states[f"Pass{number}"] = {"Type": "Pass", **following}
    return json.dumps({"StartAt": "Wait", "States": states})


@linux
def test_executions_wait_for_disk_space_and_continue_without_a_restart(start_cloud):
    cloud = start_cloud()
    states, sqs = cloud.client("stepfunctions"), cloud.client("sqs")
    queue = sqs.create_queue(QueueName="full")["QueueUrl"]
    machine = states.create_state_machine(name="full", roleArn=ROLE, definition=waits(2))["stateMachineArn"]
    started = [states.start_execution(stateMachineArn=machine)["executionArn"] for _ in range(20)]
    set_room(cloud, room=False)
    try:
        with pytest.raises(ClientError) as refused:
            sqs.send_message(QueueUrl=queue, MessageBody="refused")
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
        assert refused.value.response["Error"]["Code"] == "ServiceUnavailable"
        with pytest.raises(ClientError) as refused:
            states.start_execution(stateMachineArn=machine, name="refused")
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
        time.sleep(3)  # the executions' Wait states end
        statuses = {states.describe_execution(executionArn=arn)["status"] for arn in started}
        assert statuses == {"RUNNING"}
    finally:
        set_room(cloud, room=True)
    for arn in started:
        until(
            lambda arn=arn: states.describe_execution(executionArn=arn)["status"] == "SUCCEEDED",
            "executions did not go on when there was room again",
        )
        history = states.get_execution_history(executionArn=arn, maxResults=1000)["events"]
        assert [event["id"] for event in history] == list(range(1, len(history) + 1))
        assert len(history) == 10
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    with pytest.raises(ClientError, match="ExecutionDoesNotExist"):
        states.describe_execution(executionArn=machine.replace(":stateMachine:", ":execution:") + ":refused")
    name = states.start_execution(stateMachineArn=machine, name="refused")["executionArn"]
    until(lambda: states.describe_execution(executionArn=name)["status"] == "SUCCEEDED", "no execution ends any more")
    log = (cloud.data_dir / "cloud.log").read_text()
    assert "is full" in log
    assert "has free space again" in log


@linux
def test_a_large_body_is_rejected_and_leaves_nothing(start_cloud):
    cloud = start_cloud()
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="full")
    set_room(cloud, room=False)
    try:
        with pytest.raises(ClientError) as refused:
            s3.put_object(Bucket="full", Key="large", Body=b"x" * 300_000)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    finally:
        set_room(cloud, room=True)
    assert list((cloud.data_dir / "s3").iterdir()) == []
    s3.put_object(Bucket="full", Key="large", Body=b"x" * 300_000)
    assert s3.get_object(Bucket="full", Key="large")["Body"].read() == b"x" * 300_000


@linux
def test_pending_deliveries_continue_when_the_disk_has_room(start_cloud):
    cloud = start_cloud()
    sns, sqs, states = cloud.client("sns"), cloud.client("sqs"), cloud.client("stepfunctions")
    queue = sqs.create_queue(QueueName="owed")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = sns.create_topic(Name="owed")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    publish = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sns:publish",
        "End": True,
        "Parameters": {"TopicArn": topic, "Message": "owed"},
    }
    wait = {"Type": "Wait", "Seconds": 2, "Next": "Publish"}
    definition = json.dumps({"StartAt": "Wait", "States": {"Wait": wait, "Publish": publish}})
    machine = states.create_state_machine(name="owed", roleArn=ROLE, definition=definition)["stateMachineArn"]
    started = states.start_execution(stateMachineArn=machine)["executionArn"]
    set_room(cloud, room=False)
    try:
        time.sleep(4)
        assert states.describe_execution(executionArn=started)["status"] == "RUNNING"
    finally:
        set_room(cloud, room=True)
    received = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"]
    assert json.loads(received[0]["Body"])["Message"] == "owed"
    until(lambda: states.describe_execution(executionArn=started)["status"] == "SUCCEEDED", "it did not go on")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MB; the test is skipped if it cannot be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)]
    try:
        made = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if made.returncode:
        pytest.skip(f"a small file system cannot be mounted: {made.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(path: Path) -> None:
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        for size in (65_536, 4096, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"x" * size)


def test_nothing_is_lost_while_the_file_system_is_full(small_disk, start_cloud):
    cloud = start_cloud("disk/data")
    states, s3 = cloud.client("stepfunctions"), cloud.client("s3")
    s3.create_bucket(Bucket="small")
    machine = states.create_state_machine(name="small", roleArn=ROLE, definition=waits(2))["stateMachineArn"]
    started = [states.start_execution(stateMachineArn=machine)["executionArn"] for _ in range(20)]
    fill(small_disk / "filler")
    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket="small", Key="large", Body=b"x" * 300_000)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    time.sleep(3)
    with contextlib.suppress(ClientError):
        for _ in range(500):  # until the free pages of the write-ahead log are used
            s3.put_object(Bucket="small", Key="small", Body=b"x" * 60_000)
    shown = json.loads(cloud.run("scones", "status", "--json", "--data-dir", str(cloud.data_dir)).stdout)
    assert "disk_full" in shown
    (small_disk / "filler").unlink()
    for arn in started:
        until(
            lambda arn=arn: states.describe_execution(executionArn=arn)["status"] == "SUCCEEDED",
            "executions did not go on when there was room again",
        )
    s3.put_object(Bucket="small", Key="large", Body=b"x" * 300_000)
    cloud.kill()
    again = start_cloud("disk/data")
    statuses = {again.client("stepfunctions").describe_execution(executionArn=arn)["status"] for arn in started}
    assert statuses == {"SUCCEEDED"}
