"""Functions on a machine without namespaces, such as a container or a distribution that forbids them."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

import pytest

from support.function_workbench import ROLE, archive

WITHOUT = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
"""Shell command that runs its arguments without the right to create namespaces; needs root in a user namespace."""

USER = """
    import json, pathlib, sys
    from concurrent.futures import ThreadPoolExecutor
    import boto3
    from scones.cloud.process import lifecycle

    data_dir, functions, events, role = json.loads(sys.argv[1])
    running = lifecycle.start(pathlib.Path(data_dir), port=0, timeout=60)
    try:
        keys = running.environment()
        client = boto3.client("lambda", endpoint_url=running.url, region_name=running.region,
            aws_access_key_id=keys["AWS_ACCESS_KEY_ID"], aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"])
        for name, archive in functions.items():
            client.create_function(FunctionName=name, Runtime="python3.11", Role=role, Handler="code.handler",
                Timeout=60, MemorySize=512, Code={"ZipFile": bytes.fromhex(archive)})
        def invoke(event):
            answer = client.invoke(FunctionName=event[0], Payload=json.dumps(event[1]))
            return json.loads(answer["Payload"].read())
        with ThreadPoolExecutor() as pool:
            print(json.dumps(list(pool.map(invoke, events))))
    finally:
        lifecycle.stop(pathlib.Path(data_dir))
"""


def allowed():
    probe = ["unshare", "--user", "--map-root-user", "sh", "-c", WITHOUT, "-", "true"]
    try:
        return subprocess.run(probe, capture_output=True, timeout=20).returncode == 0
    except FileNotFoundError:
        return False


pytestmark = pytest.mark.skipif(not allowed(), reason="this machine cannot take namespaces away from a program")


@pytest.fixture
def answers(tmp_path):
    """A function that starts a cloud, creates functions, sends events concurrently, and returns the results."""

    def run(functions, events):
        archives = {name: archive(code=textwrap.dedent(code)).hex() for name, code in functions.items()}
        task = json.dumps([str(tmp_path / "data"), archives, events, ROLE])
        command = ["unshare", "--user", "--map-root-user", "sh", "-c", WITHOUT, "-"]
        user = [sys.executable, "-c", textwrap.dedent(USER), task]
        done = subprocess.run([*command, *user], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        log = (tmp_path / "data" / "cloud.log").read_text()
        assert "Traceback" not in log
        assert log.count("Programs are not isolated") == 1
        return json.loads(done.stdout)

    return run


def test_handlers_never_see_each_others_files(answers, tmp_path):
    shared = tmp_path / "image.png"
    code = """
        import os, time
        def handler(event, context):
            with open(event, "w") as file:
                file.write(context.function_name)
            time.sleep(.2)
            with open(event) as file:
                return file.read()
    """
    names = ["one", "other", "third"]
    assert answers(dict.fromkeys(names, code), [[name, str(shared)] for name in names]) == names


def test_handlers_have_a_temporary_folder_and_an_environment_of_their_own(answers, tmp_path, monkeypatch):
    monkeypatch.setenv("HOST_SECRET", "leaked")
    code = """
        import os, tempfile
        def handler(event, context):
            return [tempfile.gettempdir(), os.environ.get("HOST_SECRET"), os.environ["LAMBDA_TASK_ROOT"] == os.getcwd()]
    """
    (first, secret, at_home), (second, *_) = answers({"one": code, "other": code}, [["one", None], ["other", None]])
    assert first != second
    assert {secret, at_home} == {None, True}
    assert first.startswith(str(tmp_path / "data"))


def test_a_function_that_calls_another_does_not_deadlock(answers):
    code = """
        import boto3, json
        def handler(event, context):
            if event == "leaf":
                return "called"
            return json.load(boto3.client("lambda").invoke(FunctionName="one", Payload=b'"leaf"')["Payload"])
    """
    assert answers({"one": code}, [["one", "root"]]) == ["called"]
