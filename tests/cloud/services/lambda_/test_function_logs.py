"""Function logs: text, JSON, and the log of a failed initialisation."""

from __future__ import annotations

import json
import time

import psutil
import pytest
from benchmarks.prober import probing

LOGGING = """
import logging
log = logging.getLogger('mine')
def handler(event, context):
    log.debug('low'), log.info('middle')
    if event:
        raise ValueError('no')
"""


def documents(log):
    return [json.loads(line) for line in log.splitlines()]


def test_a_log_in_json_has_the_platforms_events_and_the_handlers_records(function):
    made = function(LOGGING, LoggingConfig={"LogFormat": "JSON"})
    described = made.client.get_function_configuration(FunctionName=made.name)["LoggingConfig"]
    assert (described["ApplicationLogLevel"], described["SystemLogLevel"]) == ("INFO", "INFO")
    start, record, report = documents(made.invoke().log)
    assert (start["type"], start["record"]["version"]) == ("platform.start", "$LATEST")
    assert (record["level"], record["message"], record["requestId"]) == ("INFO", "middle", start["record"]["requestId"])
    assert (report["type"], report["record"]["status"]) == ("platform.report", "success")
    assert report["record"]["metrics"].keys() >= {"durationMs", "billedDurationMs", "maxMemoryUsedMB", "initDurationMs"}


def test_log_levels_filter_a_json_log(function):
    loud = {"LogFormat": "JSON", "ApplicationLogLevel": "DEBUG", "SystemLogLevel": "DEBUG"}
    made = function(LOGGING, LoggingConfig=loud)
    assert [line.get("type", line.get("message")) for line in documents(made.invoke().log)] == [
        "platform.start",
        "low",
        "middle",
        "platform.runtimeDone",
        "platform.report",
    ]
    quiet = {"ApplicationLogLevel": "ERROR", "SystemLogLevel": "WARN"}
    made.client.update_function_configuration(FunctionName=made.name, LoggingConfig=quiet)
    assert made.invoke().log == ""
    error, done, _ = documents(made.invoke(1).log)
    assert (error["errorType"], done["record"]["status"]) == ("ValueError", "error")


def test_a_text_log_has_no_levels(function):
    made = function(LOGGING, LoggingConfig={"LogFormat": "JSON"})
    change = {"LogFormat": "Text", "SystemLogLevel": "WARN"}
    with pytest.raises(made.client.exceptions.InvalidParameterValueException, match="LogLevel is not supported when"):
        made.client.update_function_configuration(FunctionName=made.name, LoggingConfig=change)
    made.client.update_function_configuration(FunctionName=made.name, LoggingConfig={"LogFormat": "Text"})
    described = made.client.get_function_configuration(FunctionName=made.name)["LoggingConfig"]
    assert described == {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{made.name}"}


def test_a_failed_initialisation_is_reported_before_the_invocation(function):
    lines = function("print('loading')\nimport os\nos._exit(3)").invoke().log.splitlines()
    assert lines[0] == "loading"
    assert lines[1].startswith("INIT_REPORT Init Duration: ")
    assert lines[1].endswith(" ms\tPhase: init\tStatus: error\tError Type: Runtime.ExitError")
    assert [line.split()[0] for line in lines[2:]] == ["START", "RequestId:", "Runtime.ExitError", "END", "REPORT"]
    assert "Init Duration" not in lines[-1]


def test_a_log_stream_begins_with_the_runtime_version(function, cloud):
    made = function("def handler(e, c):\n    return c.log_stream_name")
    stream = made.invoke().payload
    logs, group, deadline = cloud.client("logs"), f"/aws/lambda/{made.name}", time.monotonic() + 10
    while not (events := logs.get_log_events(logGroupName=group, logStreamName=stream)["events"]):
        assert time.monotonic() < deadline
    assert events[0]["message"].startswith("INIT_START Runtime Version: python:3.11.v1\tRuntime Version ARN: arn:aws:")
    assert events[1]["message"].startswith("START RequestId: ")
    assert all(event["message"].endswith("\n") for event in events)


def logged(cloud, made, stream, count):
    """Return the messages of a log stream as soon as there are `count` of them."""
    logs, group, deadline = cloud.client("logs"), f"/aws/lambda/{made.name}", time.monotonic() + 10
    while len(events := logs.get_log_events(logGroupName=group, logStreamName=stream)["events"]) < count:
        assert time.monotonic() < deadline
    return [event["message"] for event in events]


def test_lines_keep_their_breaks(function, cloud):
    made = function(
        "def handler(e, c):\n    print('one\\ntwo')\n    print('end', end='')\n    return c.log_stream_name"
    )
    messages = logged(cloud, made, made.invoke().payload, 7)
    assert messages[2:5] == ["one\n", "two\n", "end"]


def test_the_log_of_a_replaced_environment_has_no_traceback(function, cloud):
    made = function("def handler(e, c):\n    return c.log_stream_name")
    streams = []
    for timeout in range(4, 8):
        streams.append(made.invoke().payload)
        made.client.update_function_configuration(FunctionName=made.name, Timeout=timeout)
    made.invoke()
    time.sleep(0.5)  # a traceback would come a moment later
    kinds = {message.split()[0] for stream in streams for message in logged(cloud, made, stream, 4)}
    assert kinds == {"INIT_START", "START", "END", "REPORT"}


FLOOD = """
import os
def handler(event, context):
    piece = b'x\\n' * (1 << 19) if event == 'lines' else b'\\xff' * (1 << 20)
    for _ in range(300):
        os.write(1, piece)
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["lines", "bytes"])
def test_a_function_that_floods_its_log_waits_and_does_not_delay_requests(function, cloud, kind):
    made = function(FLOOD, Timeout=5)
    process = psutil.Process(cloud.running.pid)
    before = process.memory_info().rss
    with probing(cloud.url, cloud.environment) as prober:
        assert made.invoke(kind, LogType="None").payload["errorType"] == "Sandbox.Timedout"
    assert prober.percentile(99) < 3
    assert process.memory_info().rss - before < 100 << 20


def test_a_burst_of_lines_is_in_the_log_before_the_report(function, cloud):
    made = function("def handler(e, c):\n    print('\\n'.join(map(str, range(25_000))))\n    return c.log_stream_name")
    stream = made.invoke().payload
    logs, group = cloud.client("logs"), f"/aws/lambda/{made.name}"
    found, token, deadline = [], {}, time.monotonic() + 20
    while not (found and found[-1].startswith("REPORT")):
        assert time.monotonic() < deadline
        page = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True, **token)
        found += [event["message"] for event in page["events"]]
        token = {"nextToken": page["nextForwardToken"]}
    assert found[2:-2] == [f"{number}\n" for number in range(25_000)]


def test_a_long_line_is_cut(function, cloud):
    made = function("def handler(e, c):\n    print('é' * 200_000)\n    return c.log_stream_name")
    stream = made.invoke(LogType="None").payload  # the 4 KB tail may start within a character
    logs, group, deadline = cloud.client("logs"), f"/aws/lambda/{made.name}", time.monotonic() + 20
    while not (events := logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)["events"]):
        assert time.monotonic() < deadline
    assert [len(event["message"].encode()) for event in events[2:4]] == [262_118, 400_000 - 262_118 + 1]
