"""The unmodified AWS CLI against a local cloud: functions, state machines, logs and objects."""

from __future__ import annotations

import json
import time

import pytest

from support.zips import zip_of

ROLE = "arn:aws:iam::111122223333:role/command-line"


@pytest.fixture
def aws(cloud):
    """Run the AWS CLI and return its output, parsed from JSON."""

    def run(*arguments: str, fails: str | None = None):
        done = cloud.run("aws", *arguments, "--output", "json")
        if fails is not None:
            assert done.returncode != 0
            assert fails in done.stderr
            return None
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    return run


@pytest.mark.slow
def test_a_function_in_a_state_machine(aws, tmp_path):
    archive = tmp_path / "code.zip"
    code = "def handler(event, context):\n    print('seen', event)\n    return event['n'] * 2\n"
    archive.write_bytes(zip_of({"code.py": code}))
    made = aws(
        "lambda",
        "create-function",
        "--function-name",
        "double",
        "--runtime",
        "python3.11",
        "--role",
        ROLE,
        "--handler",
        "code.handler",
        "--zip-file",
        f"fileb://{archive}",
    )
    aws("lambda", "wait", "function-active-v2", "--function-name", "double")
    answer = tmp_path / "answer.json"
    aws(
        "lambda",
        "invoke",
        "--function-name",
        "double",
        "--payload",
        '{"n": 21}',
        str(answer),
    )
    assert json.loads(answer.read_text()) == 42

    definition = {
        "StartAt": "Double",
        "States": {
            "Double": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Parameters": {"FunctionName": made["FunctionArn"], "Payload.$": "$"},
                "OutputPath": "$.Payload",
                "End": True,
            }
        },
    }
    machine = aws(
        "stepfunctions",
        "create-state-machine",
        "--name",
        "doubling",
        "--role-arn",
        ROLE,
        "--definition",
        json.dumps(definition),
    )["stateMachineArn"]
    execution = aws("stepfunctions", "start-execution", "--state-machine-arn", machine, "--input", '{"n": 4}')
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        described = aws("stepfunctions", "describe-execution", "--execution-arn", execution["executionArn"])
        if described["status"] != "RUNNING":
            break
    assert (described["status"], described["output"]) == ("SUCCEEDED", "8")
    events = aws("stepfunctions", "get-execution-history", "--execution-arn", execution["executionArn"])["events"]
    assert [event["type"] for event in events] == [
        "ExecutionStarted",
        "TaskStateEntered",
        "TaskScheduled",
        "TaskStarted",
        "TaskSucceeded",
        "TaskStateExited",
        "ExecutionSucceeded",
    ]
    seen = aws("logs", "filter-log-events", "--log-group-name", "/aws/lambda/double", "--filter-pattern", "seen")
    assert sorted(event["message"] for event in seen["events"]) == ["seen {'n': 21}\n", "seen {'n': 4}\n"]


@pytest.mark.slow
def test_errors_have_the_messages_of_aws(aws):
    aws("lambda", "get-function", "--function-name", "nobody", fails="ResourceNotFoundException")
    aws("sagemaker", "describe-endpoint", "--endpoint-name", "nobody", fails="Could not find endpoint")
    aws("s3api", "head-object", "--bucket", "nobody-has-this", "--key", "x", fails="404")
    aws(
        "stepfunctions",
        "create-state-machine",
        "--name",
        "broken",
        "--role-arn",
        ROLE,
        "--definition",
        "{}",
        fails="InvalidDefinition",
    )
    aws("dynamodb", "list-tables", fails="NotImplemented")
