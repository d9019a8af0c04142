"""A function that exceeds its memory limit returns no result, even if it answers before it is killed."""

from __future__ import annotations

import asyncio
import json
import re
import sys

import pytest

from scones.cloud.process.sandbox import Program, Sandbox, spawn
from scones.cloud.services.lambda_.runtime.execution_environment import MB, EnvironmentSettings, ExecutionEnvironment
from scones.cloud.services.lambda_.runtime.platform_log import LogSettings

RUNTIME = """
import sys, time, urllib.request
path = f"http://{sys.argv[1]}/2018-06-01/runtime/invocation/"
time.sleep(float(sys.argv[2]))
with urllib.request.urlopen(path + "next") as event:
    request_id = event.headers["Lambda-Runtime-Aws-Request-Id"]
time.sleep(float(sys.argv[3]))
urllib.request.urlopen(path + request_id + "/response", b'"answered"')
time.sleep(60)
"""
"""Program of a runtime that sleeps before it is ready and again before it answers."""


class Hungry(Sandbox):
    """Sandbox that exceeds its memory limit at one measurement only, and ends 0.3 s after `kill`."""

    looks_before = 0

    def memory(self) -> int:
        self.looks_before -= 1
        return 129 * MB if self.looks_before == -1 else 0

    def memory_shared_once(self) -> int:
        return 129 * MB

    def kill(self) -> None:
        asyncio.get_running_loop().call_later(0.3, super().kill)


@pytest.mark.parametrize(
    ("before_ready", "before_answer", "looks_before"), [(0.0, 0.0, 0), (0.1, 0.0, 0), (0.0, 0.1, 1)]
)
async def test_responses_before_the_kill_do_not_count(tmp_path, before_ready, before_answer, looks_before):
    async def begin(program, on_output):
        sandbox = await spawn(program, on_output)
        hungry = Hungry(sandbox._process, sandbox._output)
        hungry.looks_before = looks_before
        return hungry

    def program(address, stream, scratch):
        return Program(argv=[sys.executable, "-c", RUNTIME, address, str(before_ready), str(before_answer)], env={})

    log = LogSettings(version="1", memory_mb=128, runtime="python3.11", runtime_arn="an-arn")
    setup = EnvironmentSettings(log=log, timeout=20, allowed_mb=128, program=program, spawn=begin, scratch=tmp_path)
    environment = ExecutionEnvironment(setup, lambda stream, events: None)
    try:
        await environment.start()
        outcome = await environment.invoke(b"{}", "a-request", "an-arn")
        assert json.loads(outcome.payload)["errorType"] == "Runtime.OutOfMemory"
        assert not environment.usable
    finally:
        await environment.closed()


def test_memory_that_forked_processes_share_counts_once(function):
    made = function(FORKS, MemorySize=256)
    answer = made.invoke()
    assert answer.payload == 20
    assert int(re.search(r"Max Memory Used: ([0-9]+) MB", answer.log)[1]) < 256


FORKS = """
import os, time
held = b'x' * (60 << 20)
def handler(event, context):
    children = []
    for _ in range(20):
        if not (child := os.fork()):
            time.sleep(60)
            os._exit(0)
        children.append(child)
    time.sleep(1)
    for child in children:
        os.kill(child, 9)
        os.waitpid(child, 0)
    return len(children)
"""


def test_a_function_has_no_shared_memory_file_system(function):
    made = function("import os\ndef handler(e, c):\n    return os.path.exists('/dev/shm')")
    assert made.invoke().payload is False
