"""Functions that are forked from a process with boto3 loaded: the only difference is a faster cold start."""

from __future__ import annotations

import contextlib
import time

import psutil
import pytest

from scones.cloud.process import sandbox
from support.function_workbench import archive
from support.zips import zip_of

pytestmark = pytest.mark.skipif(sandbox.isolation() is not None, reason=f"no namespaces here: {sandbox.isolation()}")


def parents(cloud):
    """Return the warm parents of a cloud: its child processes that run the program warm_parent_process.py."""
    found = []
    for child in psutil.Process(cloud.running.pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):  # it has ended since
            if any(part.endswith("warm_parent_process.py") for part in child.cmdline()):
                found.append(child)
    return found


@pytest.fixture
def warmed(cloud, function):
    """The fixture `function`, once the cloud forks functions from a warm parent: they find boto3 already imported."""
    code = "import sys\ndef handler(e, c):\n    return 'boto3' in sys.modules"
    deadline = time.monotonic() + 60
    while not function(code).invoke().payload:
        assert time.monotonic() < deadline, "no function was forked from a warm parent"
        time.sleep(0.2)
    return function


def test_functions_find_boto3_loaded(warmed):
    assert warmed("import boto3\ndef handler(e, c):\n    return boto3.__name__").invoke().payload == "boto3"


def test_functions_with_their_own_boto3_use_it(warmed):
    code = "import boto3\ndef handler(e, c):\n    return boto3.mine"
    mine = {"Code": {"ZipFile": archive(code=code, boto3="mine = 1")}}
    assert warmed("", **mine).invoke().payload == 1


def test_functions_with_a_vendored_folder_use_its_packages(warmed):
    code = """
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "vendor"))
import botocore
def handler(event, context):
    return botocore.mine
"""
    files = {"vendor/botocore/__init__.py": "mine = 2", "code.py": code}
    assert warmed("", Code={"ZipFile": zip_of(files)}).invoke().payload == 2


def test_layers_may_provide_boto3(warmed, cloud):
    client = cloud.client("lambda")
    layer = client.publish_layer_version(
        LayerName="own-boto3", Content={"ZipFile": zip_of({"python/boto3/__init__.py": "mine = 3"})}
    )
    code = "import boto3\ndef handler(e, c):\n    return boto3.mine"
    assert warmed(code, Layers=[layer["LayerVersionArn"]]).invoke().payload == 3


def test_modules_of_a_function_may_have_names_of_the_standard_library(warmed):
    code = "import queue\ndef handler(e, c):\n    return queue.mine"
    assert warmed("", Code={"ZipFile": archive(code=code, queue="mine = 4")}).invoke().payload == 4


def test_each_environment_has_its_own_random_numbers(warmed):
    code = "import random, uuid\ndef handler(e, c):\n    return [random.random(), str(uuid.uuid4())]"
    first, second = (warmed(code).invoke().payload for _ in range(2))
    assert first[0] != second[0]
    assert first[1] != second[1]


def test_environments_hold_no_descriptor_of_the_warm_parents(warmed):
    code = """
import os

def handler(event, context):
    kinds = []
    for number in os.listdir("/proc/self/fd"):
        try:
            kinds.append(os.readlink(f"/proc/self/fd/{number}").split(":")[0])
        except OSError:
            pass
    return sorted(kinds)
"""
    assert warmed(code).invoke().payload.count("pipe") == 2  # only standard output and standard error


def test_an_exit_is_reported_with_its_status(warmed):
    answered = warmed("import os\ndef handler(e, c):\n    os._exit(3)").invoke()
    assert answered.payload["errorType"] == "Runtime.ExitError"
    assert answered.payload["errorMessage"].endswith("Runtime exited with error: exit status 3")


def test_variables_that_configure_the_interpreter_have_an_effect(warmed):
    code = "import sys\ndef handler(e, c):\n    return sys.flags.optimize"
    assert warmed(code, Environment={"Variables": {"PYTHONOPTIMIZE": "1"}}).invoke().payload == 1


def test_functions_run_after_the_warm_parent_was_killed(start_cloud):
    cloud = start_cloud()
    client = cloud.client("lambda")
    options = {"Runtime": "python3.11", "Role": "arn:aws:iam::111122223333:role/any", "Handler": "code.handler"}
    code = {"ZipFile": archive(code="def handler(e, c):\n    return 5")}
    client.create_function(FunctionName="first", Code=code, **options)
    deadline = time.monotonic() + 30
    while not parents(cloud):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    doomed = parents(cloud)
    for parent in doomed:
        parent.kill()
    psutil.wait_procs(doomed, timeout=10)
    client.create_function(FunctionName="second", Code=code, **options)
    assert client.invoke(FunctionName="second")["Payload"].read() == b"5"
