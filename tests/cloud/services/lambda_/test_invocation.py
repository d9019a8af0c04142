"""Invocations: what a handler receives, its results and errors, its limits, and its isolation."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from support.function_workbench import ROLE, archive

ECHO = "def handler(event, context):\n    print('got', event)\n    return event"


def test_an_event_comes_back(function):
    answered = function(ECHO).invoke({"picture": [1, 2, "ü"]})
    assert (answered.payload, answered.error) == ({"picture": [1, 2, "ü"]}, None)


def test_the_log_has_aws_lines(function):
    lines = function(ECHO).invoke({"a": 1}).log.splitlines()
    request_id = lines[0].split()[2]
    assert lines[0] == f"START RequestId: {request_id} Version: $LATEST"
    assert lines[1] == "got {'a': 1}"
    assert lines[2] == f"END RequestId: {request_id}"
    assert lines[3].startswith(f"REPORT RequestId: {request_id}\tDuration: ")
    assert "\tMemory Size: 128 MB\tMax Memory Used: " in lines[3]
    assert "\tInit Duration: " in lines[3]


def test_a_warm_sandbox_is_reused(function):
    counter = function("import os\ncount = 0\ndef handler(e, c):\n    global count\n    count += 1\n    return count")
    assert [counter.invoke().payload for _ in range(3)] == [1, 2, 3]


def test_invocations_of_one_function_run_concurrently(function):
    code = """
import socket
def handler(port, context):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        return connection.recv(9).decode()
"""
    meeting = function(code, Timeout=60)
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(4) as pool:
        server.settimeout(50)
        invoked = [pool.submit(meeting.invoke, server.getsockname()[1], LogType="None") for _ in range(4)]
        with contextlib.ExitStack() as connections:  # no handler returns before all four have connected
            for handler in [connections.enter_context(server.accept()[0]) for _ in range(4)]:
                handler.sendall(b"all here")
        assert [each.result().payload for each in invoked] == ["all here"] * 4


def test_the_context_object_describes_the_invocation(function):
    code = """
def handler(event, context):
    return [context.function_name, context.invoked_function_arn, context.memory_limit_in_mb, context.log_group_name,
            context.get_remaining_time_in_millis(), context.aws_request_id]
"""
    made = function(code, MemorySize=256, Timeout=7)
    name, arn, memory, group, remaining, request_id = made.invoke().payload
    assert (name, memory, group) == (made.name, "256", f"/aws/lambda/{made.name}")
    assert arn == f"arn:aws:lambda:us-east-1:111122223333:function:{made.name}"
    assert 0 < remaining <= 7000
    assert len(request_id) == 36


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        ("class Mine(Exception): pass\ndef handler(e, c):\n    raise Mine('no')", "Mine", "no"),
        ("def handler(e, c):\n    raise('NOT MET')", "TypeError", "exceptions must derive from BaseException"),
        ("def handler(e, c):\n    return {1, 2}", "Runtime.MarshalError", "Unable to marshal response: "),
        ("import nowhere", "Runtime.ImportModuleError", "Unable to import module 'code': No module named 'nowhere'"),
        ("x = 1", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'code'"),
        ("def handler(e c): pass", "Runtime.UserCodeSyntaxError", "Syntax error in module 'code': "),
    ],
)
def test_errors_have_the_names_of_their_exceptions(function, code, kind, message):
    answered = function(code).invoke()
    assert answered.error == "Unhandled"
    assert answered.payload["errorType"] == kind
    assert answered.payload["errorMessage"].startswith(message)


def test_an_error_has_its_stack_trace(function):
    answered = function("def inner():\n    return 1 / 0\ndef handler(e, c):\n    return inner()").invoke()
    assert answered.payload["stackTrace"] == [
        '  File "/var/task/code.py", line 4, in handler\n    return inner()\n',
        '  File "/var/task/code.py", line 2, in inner\n    return 1 / 0\n',
    ]
    assert "[ERROR] ZeroDivisionError: division by zero\nTraceback (most recent call last):\n" in answered.log


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import sys\ndef handler(e, c):\n    sys.exit(3)", "Runtime exited with error: exit status 3"),
        ("import os\ndef handler(e, c):\n    os._exit(0)", "Runtime exited without providing a reason"),
        ("import os\ndef handler(e, c):\n    os.kill(os.getpid(), 9)", "Runtime exited with error: signal: killed"),
        (
            "import os\ndef handler(e, c):\n    os.kill(os.getpid(), 15)",
            "Runtime exited with error: signal: terminated",
        ),
    ],
)
def test_a_runtime_that_ends_is_reported_and_replaced(function, code, reason):
    made = function(code)
    for _ in range(2):
        answered = made.invoke()
        assert answered.payload["errorType"] == "Runtime.ExitError"
        assert answered.payload["errorMessage"].endswith(f"Error: {reason}")


def test_an_environment_that_ends_after_its_response_gets_no_further_invocation(function):
    code = """
import time
from awslambdaric import bootstrap
def handler(event, context):
    post = bootstrap.LambdaRuntimeClient.post_invocation_result
    def last(*arguments):
        post(*arguments)
        time.sleep(.2)
        raise SystemExit(7)
    bootstrap.LambdaRuntimeClient.post_invocation_result = last
    return 'answered'
"""
    made = function(code)
    assert [(made.invoke().payload, made.invoke().error) for _ in range(2)] == [("answered", None)] * 2


def test_the_time_limit_ends_a_handler(function):
    made = function("import time\ndef handler(e, c):\n    time.sleep(e or 0)\n    return 'done'", Timeout=1)
    answered = made.invoke(60)
    assert answered.payload["errorType"] == "Sandbox.Timedout"
    assert answered.payload["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
    assert made.invoke(0).payload == "done"


def test_the_memory_limit_ends_a_handler(function):
    code = "import time\ndef handler(e, c):\n    x = bytearray(e * 1048576)\n    time.sleep(.5)\n    return len(x)"
    made = function(code, MemorySize=128, Timeout=20)
    answered = made.invoke(400)
    assert answered.payload["errorType"] == "Runtime.OutOfMemory"
    assert answered.payload["errorMessage"].endswith("Error: Runtime exited with error: signal: killed")
    assert made.invoke(1).payload == 1048576


def test_bytes_become_text(function):
    assert function("def handler(e, c):\n    return {'image_data': b'abc'}").invoke().payload == {"image_data": "abc"}


def test_output_cannot_forge_a_result(function):
    code = "import json\ndef handler(e, c):\n    print(json.dumps({'forged': True}))\n    return 'real'"
    assert function(code).invoke().payload == "real"


def test_each_function_has_its_own_tmp(function):
    write = function("def handler(e, c):\n    open('/tmp/image.png', 'w').write('mine')")
    look = function("import os\ndef handler(e, c):\n    return os.listdir('/tmp')")
    write.invoke()
    listed = look.invoke().payload
    assert "image.png" not in listed
    assert not Path("/tmp/image.png").exists()


def test_sandboxes_of_one_function_share_no_tmp(function):
    code = """
import os, time
def handler(event, context):
    seen = sorted(os.listdir('/tmp'))
    open(f'/tmp/{event}', 'w').close()
    time.sleep(.4)
    return [name for name in seen if name.isdigit()]
"""
    made = function(code)
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(lambda number: made.invoke(number).payload, range(3))) == [[], [], []]


def test_the_environment_is_clean(function):
    made = function(
        "import os\ndef handler(e, c):\n    return dict(os.environ)", Environment={"Variables": {"KEY": "b"}}
    )
    seen = made.invoke().payload
    assert seen["KEY"] == "b"
    assert seen["AWS_LAMBDA_FUNCTION_NAME"] == made.name
    assert seen["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    leaked = {name: value for name, value in seen.items() if os.environ.get(name) == value}
    assert leaked.keys() <= {"LANG", "TZ", "PYTHONDONTWRITEBYTECODE", "LC_CTYPE"}


def test_processes_and_keys_of_the_host_are_not_visible(function, cloud):
    code = """
import glob
def handler(event, context):
    found = []
    for path in [*glob.glob('/proc/[0-9]*/environ'), event]:
        try:
            found.append(open(path, 'rb').read().decode(errors='replace'))
        except OSError:
            pass
    return found
"""
    keys = json.loads((cloud.data_dir / "credentials.json").read_text())
    seen = function(code).invoke(str(cloud.data_dir / "credentials.json")).payload
    assert seen  # of its own process, or of its warm parent if it was forked from one
    assert not [text for text in seen if keys["SecretAccessKey"] in text or "PYTEST" in text]


def test_code_cannot_be_changed(function):
    answered = function("def handler(e, c):\n    open('/var/task/code.py', 'w')").invoke()
    assert answered.payload["errorMessage"] == "[Errno 30] Read-only file system: '/var/task/code.py'"


def test_a_handler_calls_the_cloud_as_its_role(function):
    code = "import boto3\ndef handler(e, c):\n    return boto3.client('sts').get_caller_identity()['Arn']"
    made = function(code, Timeout=30, MemorySize=512)
    assert made.invoke().payload == f"arn:aws:sts::111122223333:assumed-role/functions/{made.name}"


def test_an_asynchronous_event_is_processed_later(function, cloud):
    made = function(ECHO)
    answer = made.client.invoke(FunctionName=made.name, InvocationType="Event", Payload=b'{"n": 7}')
    assert answer["StatusCode"] == 202
    wait_for_log(cloud, made.name, "got")


def test_a_dry_run_runs_nothing(function):
    made = function("raise RuntimeError")
    assert made.client.invoke(FunctionName=made.name, InvocationType="DryRun")["StatusCode"] == 204


def test_a_payload_must_be_json(function):
    made = function(ECHO)
    message = "Could not parse request body into json: Could not parse payload into json: Unrecognized token 'hello': "
    with pytest.raises(made.client.exceptions.InvalidRequestContentException, match=message):
        made.client.invoke(FunctionName=made.name, Payload=b"hello")


def test_a_payload_is_limited(function):
    made = function(ECHO)
    with pytest.raises(ClientError, match="RequestEntityTooLargeException"):
        made.client.invoke(FunctionName=made.name, Payload=b'"' + b"x" * 6_291_456 + b'"')


def test_a_response_is_limited(function):
    answered = function("def handler(e, c):\n    return 'x' * 6_300_000", Timeout=10, MemorySize=512).invoke()
    assert answered.payload == {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
    }


def test_reserved_concurrency_throttles(function):
    made = function(ECHO)
    made.client.put_function_concurrency(FunctionName=made.name, ReservedConcurrentExecutions=0)
    with pytest.raises(made.client.exceptions.TooManyRequestsException) as error:
        made.invoke()
    assert error.value.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    made.client.delete_function_concurrency(FunctionName=made.name)
    assert made.invoke(1).payload == 1


def test_a_missing_function_is_reported(cloud):
    client = cloud.client("lambda")
    with pytest.raises(ClientError, match="Function not found: arn:aws:lambda:us-east-1:111122223333:function:nobody"):
        client.invoke(FunctionName="nobody")


def context(document):
    return base64.b64encode(json.dumps(document, indent=2, ensure_ascii=False).encode()).decode()


def test_the_client_context_arrives(function):
    made = function("def handler(e, c):\n    return c.client_context.custom")
    assert made.invoke(ClientContext=context({"custom": {"shop": "Zürich"}})).payload == {"shop": "Zürich"}


@pytest.mark.parametrize("given", ["no base64!", base64.b64encode(b"no json").decode()])
def test_a_client_context_must_be_json_in_base64(function, given):
    made = function(ECHO)
    with pytest.raises(made.client.exceptions.InvalidRequestContentException, match="Client context must be a valid"):
        made.invoke(ClientContext=given)


def test_each_invocation_knows_the_invoked_arn(function):
    made = function("def handler(e, c):\n    return c.invoked_function_arn.split(':', 6)[6]")
    made.client.publish_version(FunctionName=made.name)
    made.client.create_alias(FunctionName=made.name, Name="live", FunctionVersion="1")
    asked = ["live", "1", "live", "$LATEST"]
    assert [made.invoke(Qualifier=name).payload for name in asked] == [f"{made.name}:{name}" for name in asked]
    assert made.invoke().payload == made.name


def test_an_init_error_has_no_request_id(function):
    # as recorded on AWS: the runtime fails before it receives an invocation
    answered = function("raise Exception('startup fails')").invoke()
    assert (answered.payload["errorMessage"], answered.payload["requestId"]) == ("startup fails", "")


def test_a_functions_modules_do_not_break_its_runtime(function):
    code = "import helper\ndef handler(e, c):\n    return helper.GREETING"
    files = {"code": code, "helper": "GREETING = 'hello'", "json": "x = 1", "logging": "x = 1", "decimal": "x = 1"}
    assert function(code, Code={"ZipFile": archive(**files)}).invoke().payload == "hello"


def test_a_wrapper_starts_the_runtime(function):
    made = function(
        "import os\ndef handler(e, c):\n    return os.environ['WRAPPED']",
        Environment={"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/wrapper.sh"}},
        Code={
            "ZipFile": archive(
                code="import os\ndef handler(e, c):\n    return os.environ['WRAPPED']",
                scripts={"wrapper.sh": '#!/bin/sh\nexport WRAPPED=yes\nexec "$@"\n'},
            )
        },
    )
    assert made.invoke().payload == "yes"


def test_a_missing_wrapper_ends_the_runtime(function):
    made = function(ECHO, Environment={"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/not/there.sh"}})
    answered = made.invoke()
    assert answered.payload["errorType"] == "Runtime.ExitError"
    assert answered.payload["errorMessage"].endswith("Error: Runtime exited with error: exit status 127")


def test_a_handler_continues_after_its_state_has_timed_out(function, cloud):
    made = function("import time\ndef handler(e, c):\n    time.sleep(e['seconds'])\n    return 'done'", Timeout=20)
    assert made.invoke({"seconds": 0}).payload == "done"
    task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "TimeoutSeconds": 1, "End": True}
    task["Parameters"] = {"FunctionName": made.name, "Payload": {"seconds": 3}}
    states = cloud.client("stepfunctions")
    machine = states.create_state_machine(
        name=made.name, roleArn=ROLE, definition=json.dumps({"StartAt": "A", "States": {"A": task}})
    )["stateMachineArn"]
    execution = states.start_execution(stateMachineArn=machine)["executionArn"]
    deadline = time.monotonic() + 20
    while (described := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert described["error"] == "States.Timeout"
    assert [made.invoke({"seconds": 0}).payload for _ in range(3)] == ["done"] * 3


def test_output_can_be_read_while_the_handler_runs(function, cloud):
    made = function(
        "import time\ndef handler(e, c):\n    print('early')\n    time.sleep(20)\n    return 'late'",
        Timeout=30,
    )
    made.client.invoke(FunctionName=made.name, InvocationType="Event")
    wait_for_log(cloud, made.name, "early")
    assert not logged(cloud, made.name, "REPORT")


def test_output_before_the_handler_comes_before_start(function):
    lines = function("print('loading')\ndef handler(e, c):\n    pass").invoke().log.splitlines()
    assert lines[0] == "loading"
    assert lines[1].startswith("START RequestId: ")


def test_the_report_line_shows_how_an_environment_ended(function):
    ended = function("import os\ndef handler(e, c):\n    os._exit(1)").invoke().log.splitlines()[-1]
    late = function("import time\ndef handler(e, c):\n    time.sleep(9)", Timeout=1).invoke().log.splitlines()[-1]
    assert "\tStatus: error\tError Type: Runtime.ExitError\t" in ended
    assert "\tStatus: timeout\t" in late


def test_an_event_waits_for_a_throttled_function(function, cloud):
    made = function(
        "import time\ndef handler(event, context):\n    print('got', event, flush=True)\n"
        "    time.sleep(8 if event == 'long' else 0)",
        Timeout=20,
    )
    made.client.put_function_concurrency(FunctionName=made.name, ReservedConcurrentExecutions=1)
    made.client.invoke(FunctionName=made.name, InvocationType="Event", Payload=b'"long"')
    wait_for_log(cloud, made.name, '"got long"')
    for number in range(2):
        made.client.invoke(FunctionName=made.name, InvocationType="Event", Payload=json.dumps(number))
    with pytest.raises(made.client.exceptions.TooManyRequestsException):
        made.invoke()
    for number in range(2):
        wait_for_log(cloud, made.name, f'"got {number}"')


def test_the_retries_of_events_can_be_configured(function):
    made = function(ECHO)
    client, name = made.client, made.name
    client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=1, MaximumEventAgeInSeconds=60)
    client.update_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    config = client.get_function_event_invoke_config(FunctionName=name)
    assert (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]) == (0, 60)
    assert config["FunctionArn"].endswith(f":function:{name}:$LATEST")
    assert len(client.list_function_event_invoke_configs(FunctionName=name)["FunctionEventInvokeConfigs"]) == 1
    client.delete_function_event_invoke_config(FunctionName=name)
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="doesn't have an EventInvokeConfig"):
        client.get_function_event_invoke_config(FunctionName=name)


def logged(cloud, name, pattern):
    logs = cloud.client("logs")
    if not logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"]:
        return []
    return logs.filter_log_events(logGroupName=f"/aws/lambda/{name}", filterPattern=pattern)["events"]


def wait_for_log(cloud, name, pattern):
    deadline = time.monotonic() + 20
    while not logged(cloud, name, pattern):
        assert time.monotonic() < deadline, f"{pattern} was not logged within 20 s"
        time.sleep(0.05)


def test_a_function_starts_a_synchronous_execution(cloud, function):
    code = "import boto3\ndef handler(event, context):\n"
    code += "    return boto3.client('stepfunctions').start_sync_execution(stateMachineArn=event)['status']"
    machine = cloud.client("stepfunctions").create_state_machine(
        name="synchronous",
        type="EXPRESS",
        roleArn=ROLE,
        definition='{"StartAt": "S", "States": {"S": {"Type": "Succeed"}}}',
    )["stateMachineArn"]
    assert function(code, Timeout=60).invoke(machine).payload == "SUCCEEDED"
