"""What handlers get, what they answer, how they fail, and what they cannot see."""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

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


def test_a_warm_sandbox_is_used_again(function):
    counter = function("import os\ncount = 0\ndef handler(e, c):\n    global count\n    count += 1\n    return count")
    assert [counter.invoke().payload for _ in range(3)] == [1, 2, 3]


def test_several_run_at_once(function):
    slow = function(
        "import os, time\ndef handler(e, c):\n    time.sleep(.5)\n    return open('/proc/self/stat').read()[:4]"
    )
    began = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: slow.invoke(LogType="None"), range(4)))
    assert all(answer.error is None for answer in answers)
    assert time.monotonic() - began < 4 * 0.5 + 20


def test_the_context_tells_who_runs(function):
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
def test_errors_carry_their_own_names(function, code, kind, message):
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
    ],
)
def test_a_runtime_that_ends_is_told_and_replaced(function, code, reason):
    made = function(code)
    for _ in range(2):
        answered = made.invoke()
        assert answered.payload["errorType"] == "Runtime.ExitError"
        assert answered.payload["errorMessage"].endswith(f"Error: {reason}")


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


def test_the_hosts_processes_and_keys_are_out_of_sight(function, cloud):
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
    assert not any(keys["SecretAccessKey"] in text or "PYTEST" in text for text in seen)


def test_code_cannot_be_changed(function):
    answered = function("def handler(e, c):\n    open('/var/task/code.py', 'w')").invoke()
    assert answered.payload["errorMessage"] == "[Errno 30] Read-only file system: '/var/task/code.py'"


def test_a_handler_calls_the_cloud_as_its_role(function):
    code = "import boto3\ndef handler(e, c):\n    return boto3.client('sts').get_caller_identity()['Arn']"
    made = function(code, Timeout=30, MemorySize=512)
    assert made.invoke().payload == f"arn:aws:sts::111122223333:assumed-role/functions/{made.name}"


def test_an_event_is_processed_later(function, cloud):
    made = function(ECHO)
    answer = made.client.invoke(FunctionName=made.name, InvocationType="Event", Payload=b'{"n": 7}')
    assert answer["StatusCode"] == 202
    logs = cloud.client("logs")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        groups = logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{made.name}")["logGroups"]
        if groups and logs.filter_log_events(logGroupName=groups[0]["logGroupName"], filterPattern="got")["events"]:
            return
        time.sleep(0.05)
    pytest.fail("the event was not processed within 20 s")


def test_a_dry_run_runs_nothing(function):
    made = function("raise RuntimeError")
    assert made.client.invoke(FunctionName=made.name, InvocationType="DryRun")["StatusCode"] == 204


def test_a_payload_must_be_json(function):
    made = function(ECHO)
    with pytest.raises(made.client.exceptions.InvalidRequestContentException, match="Could not parse request body"):
        made.client.invoke(FunctionName=made.name, Payload=b"{x}")


def test_a_payload_has_its_limit(function):
    made = function(ECHO)
    with pytest.raises(made.client.exceptions.RequestTooLargeException):
        made.client.invoke(FunctionName=made.name, Payload=b'"' + b"x" * 6_291_456 + b'"')


def test_a_response_has_its_limit(function):
    answered = function("def handler(e, c):\n    return 'x' * 6_300_000", Timeout=10, MemorySize=512).invoke()
    assert answered.payload["errorType"] == "Function.ResponseSizeTooLarge"


def test_reserved_concurrency_throttles(function):
    made = function(ECHO)
    made.client.put_function_concurrency(FunctionName=made.name, ReservedConcurrentExecutions=0)
    with pytest.raises(made.client.exceptions.TooManyRequestsException) as error:
        made.invoke()
    assert error.value.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    made.client.delete_function_concurrency(FunctionName=made.name)
    assert made.invoke(1).payload == 1


def test_a_missing_function_is_told(cloud):
    client = cloud.client("lambda")
    with pytest.raises(ClientError, match="Function not found: arn:aws:lambda:us-east-1:111122223333:function:nobody"):
        client.invoke(FunctionName="nobody")
