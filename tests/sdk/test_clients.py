"""The clients of docs/reference/clients.md, each in its own environment, with the variables of `scones exec`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
from client_installations import debian, javascript, python_of

from scones.cloud import workspace

PROGRAMS = Path(__file__).with_name("clients")
MACHINE = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": 7, "End": True}}})
ROLE = "arn:aws:iam::111122223333:role/service-role/client"
ANSWERS = {"s3": "hello", "sqs": "hi", "sns": 36, "cloudwatch": ["n"], "sync": "7", "test": "SUCCEEDED"}

pytestmark = pytest.mark.slow


def run(cloud: Any, *command: str | Path, **variables: str) -> str:
    """Run a command in a workspace, without a network; return its output."""
    environment = workspace.environment(cloud.running)
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    paths = os.pathsep.join(filter(None, [environment["PYTHONPATH"], variables.pop("PYTHONPATH", "")]))
    done = subprocess.run(
        command,
        env=own | environment | {"HTTPS_PROXY": "http://127.0.0.1:9", "PYTHONPATH": paths} | variables,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


@pytest.mark.parametrize("release", ["1.26", "1.34", "1.40", "this"])
def test_boto3(cloud, release):
    python = Path(sys.executable) if release == "this" else python_of(f"boto3-{release}")
    answers = json.loads(run(cloud, python, PROGRAMS / "operations.py"))
    if release == "1.26":
        assert answers.pop("test") == "unknown"
        answers["test"] = "SUCCEEDED"
    assert answers == ANSWERS | {"iam": "/service-role/", "sts": cloud.running.account, "logs": [True]}


def test_javascript(cloud, tmp_path):
    folder = javascript()
    (tmp_path / "node_modules").symlink_to(folder / "node_modules")
    program = tmp_path / "operations.mjs"
    program.write_text((PROGRAMS / "operations.mjs").read_text())
    answers = json.loads(run(cloud, "node", "--preserve-symlinks", "--preserve-symlinks-main", program))
    assert answers == ANSWERS | {"sns": 36}


def aws_cli(release: str) -> tuple[list[str | Path], dict[str, str]]:
    """Return the command of an AWS CLI, and the variables that it needs."""
    if release == "debian":
        root = debian()
        packages = root / "usr" / "lib" / "python3" / "dist-packages"
        return ["/usr/bin/python3", root / "usr" / "bin" / "aws"], {"PYTHONPATH": str(packages)}
    python = Path(sys.executable) if release == "this" else python_of(f"awscli-{release}")
    return [python.with_name("aws")], {}


@pytest.mark.parametrize("release", ["1.32", "this", "debian"])
def test_aws_cli(cloud, release, tmp_path):
    command, variables = aws_cli(release)
    name = f"cli-{uuid.uuid4().hex[:12]}"
    (tmp_path / "a.txt").write_text("hello")

    def aws(*arguments: str) -> str:
        text = run(cloud, *command, *arguments, "--output", "text", **variables)
        return text.strip()

    aws("s3", "mb", f"s3://{name}")
    aws("s3", "cp", str(tmp_path / "a.txt"), f"s3://{name}/a.txt")
    assert aws("s3", "cp", f"s3://{name}/a.txt", "-") == "hello"
    queue = aws("sqs", "create-queue", "--queue-name", name, "--query", "QueueUrl")
    aws("sqs", "send-message", "--queue-url", queue, "--message-body", "hi")
    received = ("--wait-time-seconds", "5", "--query", "Messages[0].Body")
    assert aws("sqs", "receive-message", "--queue-url", queue, *received) == "hi"
    aws("cloudwatch", "put-metric-data", "--namespace", name, "--metric-name", "n", "--value", "1")
    assert aws("cloudwatch", "list-metrics", "--namespace", name, "--query", "Metrics[].MetricName") == "n"
    created = ("--name", name, "--definition", MACHINE, "--role-arn", ROLE, "--type", "EXPRESS")
    machine = aws("stepfunctions", "create-state-machine", *created, "--query", "stateMachineArn")
    synchronous = ("start-sync-execution", "--state-machine-arn", machine, "--query", "output")
    assert aws("stepfunctions", *synchronous) == "7"


def test_data_frames(cloud):
    assert json.loads(run(cloud, python_of("data-frames"), PROGRAMS / "data_frames.py")) == {
        "s3fs": ["hello", 1],
        "pyarrow": [1, 2, 3],
        "pandas": [6, 6],
        "awswrangler": 6,
    }


def test_stores_of_mlflow_and_dvc(cloud, tmp_path):
    reported = run(cloud, python_of("stores"), PROGRAMS / "stores.py", HOME=str(tmp_path))
    assert json.loads(reported) == {"mlflow": [["run/model.txt"], "weights"], "dvc": "weights"}


def test_s3cmd(cloud, tmp_path):
    host = cloud.url.removeprefix("http://")
    environment = workspace.environment(cloud.running)
    command = [python_of("stores").with_name("s3cmd"), "--no-ssl", f"--host={host}", f"--host-bucket={host}"]
    command += [f"--config={tmp_path / 'none'}", f"--access_token={environment['AWS_SESSION_TOKEN']}"]
    bucket = f"s3cmd-{uuid.uuid4().hex[:12]}"
    (tmp_path / "a.txt").write_text("hello")
    run(cloud, *command, "mb", f"s3://{bucket}")
    run(cloud, *command, "put", tmp_path / "a.txt", f"s3://{bucket}/a.txt")
    assert run(cloud, *command, "get", f"s3://{bucket}/a.txt", "-") == "hello"


def test_rclone(cloud, tmp_path):
    command = [debian() / "usr" / "bin" / "rclone", "--retries", "1", "--config", tmp_path / "none"]
    remote = (
        f":s3,provider=Other,env_auth=true,force_path_style=true,endpoint='{cloud.url}':rclone-{uuid.uuid4().hex[:12]}"
    )
    (tmp_path / "a.txt").write_text("hello")
    run(cloud, *command, "mkdir", remote)
    run(cloud, *command, "copy", tmp_path / "a.txt", remote)
    assert run(cloud, *command, "cat", f"{remote}/a.txt") == "hello"
