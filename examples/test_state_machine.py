"""Test a state machine that retries a Lambda function, with the pytest plugin of Scones.

    pip install --editable '.[testing]'
    pytest examples/test_state_machine.py

prints `2 passed`. The fixture `scones_environment` starts a local cloud and sets the AWS_* variables, so that any
boto3 client uses it.
"""

import io
import json
import zipfile

import boto3
import pytest

ROLE = "arn:aws:iam::111122223333:role/example"
CODE = """
class Busy(Exception):
    pass

calls = 0

def handler(event, context):
    global calls
    calls += 1
    if calls <= event["failures"]:
        raise Busy("try again")
    return {"calls": calls}
"""


@pytest.fixture
def machine_arn(scones_environment: dict[str, str], request: pytest.FixtureRequest) -> str:
    """Create a function and a state machine that retries it twice; return the state machine's ARN."""
    name = request.node.name  # tests share the session's cloud, so each uses its own names
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("main.py", CODE)
    functions, states = boto3.client("lambda"), boto3.client("stepfunctions")
    function = functions.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Handler="main.handler",
        Role=ROLE,
        Code={"ZipFile": archive.getvalue()},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=name)
    task = {
        "Type": "Task",
        "Resource": function["FunctionArn"],
        "Retry": [{"ErrorEquals": ["Busy"], "MaxAttempts": 2, "IntervalSeconds": 1, "MaxDelaySeconds": 2}],
        "End": True,
    }
    definition = json.dumps({"StartAt": "Call", "States": {"Call": task}})
    machine = states.create_state_machine(name=name, definition=definition, roleArn=ROLE, type="EXPRESS")
    arn: str = machine["stateMachineArn"]
    return arn


def test_a_busy_function_is_retried(machine_arn: str) -> None:
    """The second call succeeds."""
    states = boto3.client("stepfunctions")
    execution = states.start_sync_execution(stateMachineArn=machine_arn, input='{"failures": 1}')
    assert execution["status"] == "SUCCEEDED", execution.get("cause")
    assert json.loads(execution["output"]) == {"calls": 2}


def test_the_execution_fails_after_two_retries(machine_arn: str) -> None:
    """The error is the one of the function."""
    states = boto3.client("stepfunctions")
    execution = states.start_sync_execution(stateMachineArn=machine_arn, input='{"failures": 9}')
    assert (execution["status"], execution["error"]) == ("FAILED", "Busy")
