"""The commands that start, show and stop local clouds."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import boto3
import pytest

from scones.cloud.process import sandbox
from support.scones_command import SCONES
from support.zips import zip_of


@pytest.fixture
def up(scones: Any) -> Any:
    started = scones("up", "--detach", "--port", "0")
    assert started.returncode == 0, started.stderr
    assert str(scones.data_dir) in started.stdout
    return scones


def test_up_and_down(up: Any) -> None:
    assert "is already running" in up("up", "--detach").stdout
    assert f"`scones down --data-dir {up.data_dir}`" in up("up", "--detach", "--data-dir", str(up.data_dir)).stdout
    assert up.processes()
    stopped = up("down")
    assert stopped.returncode == 0
    assert "has been stopped" in stopped.stdout
    assert up.processes() == []
    assert "No local cloud is running" in up("down").stdout


@pytest.mark.parametrize("arguments", [["up", "--detach", "--port", "0"], ["status"]])
def test_a_reader_that_stops_reading_does_not_receive_an_error_text(scones: Any, arguments: list[str]) -> None:
    running = scones.start(*arguments)
    running.stdout.close()
    assert running.stderr.read() == ""
    running.wait(60)
    running.stderr.close()


def test_status_describes_the_cloud_and_its_exit_status_shows_if_one_runs(up: Any) -> None:
    text = up("status")
    assert text.returncode == 0
    assert "is running at http://127.0.0.1:" in text.stdout
    reported = json.loads(up("status", "--json").stdout)
    assert reported["running"] is True
    assert reported["endpoints"] == reported["training_jobs"] == reported["running_executions"] == []
    up("down")
    after = up("status", "--json")
    assert after.returncode == 1
    assert json.loads(after.stdout) == {"running": False, "data_dir": str(up.data_dir)}


def test_status_lists_standard_and_express_state_machines(up: Any) -> None:
    machines = boto3.client("stepfunctions", **_keys(json.loads(up("env", "--json").stdout)))
    definition = json.dumps({"StartAt": "Pause", "States": {"Pause": {"Type": "Wait", "Seconds": 600, "End": True}}})
    role = "arn:aws:iam::111122223333:role/r"
    machines.create_state_machine(name="quick", definition=definition, roleArn=role, type="EXPRESS")
    standard = machines.create_state_machine(name="long", definition=definition, roleArn=role)["stateMachineArn"]
    machines.start_execution(stateMachineArn=standard, name="one")
    text = up("status")
    assert text.returncode == 0, text.stderr
    assert "State machine long\nState machine quick\nExecution one of long: RUNNING since " in text.stdout
    reported = json.loads(up("status", "--json").stdout)
    assert reported["state_machines"] == ["long", "quick"]
    assert [(found["name"], found["state_machine"]) for found in reported["running_executions"]] == [("one", "long")]


@pytest.mark.parametrize("path", ["~nonesuch/data", "loop", "x" * 300, "/proc/data"])
def test_a_data_folder_that_cannot_exist_is_refused_in_one_sentence(scones: Any, path: str) -> None:
    (scones.folder / "loop").symlink_to("loop")
    for command in (["up", "--detach"], ["up"], ["run"]):
        refused = scones(*command, SCONES_DATA_DIR=path)
        assert refused.returncode in (1, 2)
        assert "Traceback" not in refused.stderr
        assert len(refused.stderr.splitlines()) <= 2  # `scones up` also prints the data folder
        assert path in refused.stderr


def test_a_full_disk_behind_the_output_is_reported_in_one_sentence(scones: Any) -> None:
    for command in ("--help", "status"):
        with Path("/dev/full").open("w") as full:
            ran = subprocess.run(
                [SCONES, command], stdout=full, stderr=subprocess.PIPE, env=scones.environment, cwd=scones.folder
            )
        assert (ran.returncode, ran.stderr) == (1, b"scones: No space left on device.\n")


def test_env_points_a_shell_at_the_cloud_and_unsets_profiles(up: Any) -> None:
    reported = json.loads(up("env", "--json").stdout)
    script = f'eval "$({Path(sys.executable).with_name("scones")} env)"; echo "$AWS_ENDPOINT_URL ${{AWS_PROFILE-none}}"'
    shell = subprocess.run(
        ["sh", "-c", script], env=up.environment | {"AWS_PROFILE": "other"}, capture_output=True, text=True
    )
    assert shell.stdout.split() == [reported["AWS_ENDPOINT_URL"], "none"]


def test_exec_runs_a_command_in_the_workspace_and_returns_its_exit_status(up: Any) -> None:
    program = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"
    assert up("exec", "--", sys.executable, "-c", program, AWS_PROFILE="other").stdout.strip() == "111122223333"
    assert up("exec", "--", "sh", "-c", "exit 7").returncode == 7


def test_exec_explains_how_to_install_a_missing_command(up: Any, tmp_path: Path) -> None:
    missing = up("exec", "--", "nonesuch")
    assert missing.returncode == 1
    assert missing.stderr == "scones: Command not found: 'nonesuch'; check the spelling and PATH.\n"


@pytest.mark.parametrize("command", [["env"], ["exec", "--", "true"], ["classify", __file__], ["monitor"]])
def test_without_a_cloud_commands_say_how_to_start_one(scones: Any, command: list[str]) -> None:
    refused = scones(*command)
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"scones: No local cloud is running on {scones.data_dir}; start one with")
    assert refused.stdout == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_up_in_the_foreground_ends_with_a_signal_and_leaves_nothing(scones: Any, number: int) -> None:
    process = scones.start("up", "--port", "0")
    deadline = time.monotonic() + 30
    while scones("status").returncode != 0:
        assert time.monotonic() < deadline
    os.kill(process.pid, number)
    process.communicate(timeout=30)
    assert process.returncode == 0, "that is how it is meant to be stopped"
    assert scones.processes() == []


def test_two_clouds_run_at_the_same_time(up: Any, tmp_path: Path) -> None:
    other = str(tmp_path / "other")
    assert up("up", "--detach", "--port", "0", "--data-dir", other, "--region", "eu-west-1").returncode == 0
    try:
        assert json.loads(up("status", "--json", "--data-dir", other).stdout)["region"] == "eu-west-1"
        assert json.loads(up("status", "--json").stdout)["region"] == "us-east-1"
        same = "--data-dir", other + "/../other2/../other", "--detach"
        assert up("up", *same).returncode == up("up", *same, "--region", "eu-west-1").returncode == 0
        for option, has, wanted in (("region", "eu-west-1", "us-west-2"), ("account", "111122223333", "999999999999")):
            changed = up("up", *same, f"--{option}", wanted)
            assert changed.returncode == 1
            assert f"runs with {option} {has}, not {wanted}: leave out --{option}, or give" in changed.stderr
            assert changed.stderr.count("\n") == 1
        run = up("run", "--data-dir", other, "--region", "us-west-2")
        assert (run.returncode, "runs with region eu-west-1, not us-west-2" in run.stderr) == (1, True)
    finally:
        up("down", "--data-dir", other)
    refused = up("up", "--data-dir", other, "--region", "us-west-2", "--port", "0", "--detach")
    assert refused.returncode == 1
    assert "belongs to region eu-west-1" in refused.stderr


def test_a_start_that_fails_fixes_neither_region_nor_account(scones: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for arguments, reported in (
            (["--region", "moon"], "'moon' is not an AWS region, such as us-east-1."),
            (["--account", "12"], "'12' is not an AWS account ID, which has 12 digits."),
            (["--port", str(port), "--region", "eu-west-1"], f"Port {port} is in use: specify another with --port"),
        ):
            refused = scones("up", "--detach", *arguments)
            assert refused.returncode == 1
            assert reported in refused.stderr
            assert refused.stderr.count("\n") == 1
            assert not (scones.data_dir / "identity.json").exists()


@pytest.mark.slow
def test_an_unresponsive_cloud_is_reported_and_stopped(up: Any) -> None:
    reported = json.loads(up("status", "--json").stdout)
    os.kill(reported["pid"], signal.SIGSTOP)
    hung = up("status")
    assert hung.returncode == 3
    assert f"(process {reported['pid']}, started at" in hung.stdout
    assert "has not responded since" in hung.stdout
    described = json.loads(up("status", "--json").stdout)
    assert (described["running"], described["answers"], described["pid"]) == (True, False, reported["pid"])
    for command in (["up"], ["up", "--detach"], ["env"]):
        refused = up(*command)
        assert refused.returncode == 1
        assert "has not responded since" in refused.stderr
        assert "`scones down`" in refused.stderr
    stopped = up("down")
    assert stopped.returncode == 0
    assert f"(process {reported['pid']}) did not respond and has been stopped; processes killed: 1." in stopped.stdout
    assert up.processes() == []
    assert up("status").returncode == 1


@pytest.mark.parametrize("detach", [True, False])
def test_modules_of_the_current_folder_are_not_imported(scones: Any, detach: bool) -> None:
    (scones.folder / "calendar.py").write_text("x = 1\n")
    _leave_traps(scones.folder, "queue", "asyncio", "sqlite3", "uvicorn", "botocore", "json", "psutil")
    if detach:
        started = scones("up", "--detach", "--port", "0")
        assert started.returncode == 0, started.stderr
    else:
        process = scones.start("up", "--port", "0")
        deadline = time.monotonic() + 60
        while scones("status").returncode != 0:
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline
        process.terminate()
        process.communicate(timeout=60)
    assert not (scones.folder / "imported").exists()


@pytest.mark.parametrize("path", [".", ":/nowhere", "/nowhere:"])
def test_entries_of_pythonpath_that_mean_the_current_folder_do_not_reach_the_cloud(scones: Any, path: str) -> None:
    _leave_traps(scones.folder, "uvicorn", "uvloop", "httptools")  # only the cloud imports these
    started = scones("up", "--detach", "--port", "0", PYTHONPATH=path)
    assert started.returncode == 0, started.stderr
    assert not (scones.folder / "imported").exists()


def _leave_traps(folder: Path, *names: str) -> None:
    """Write modules into a folder that create the file `imported` when they are imported."""
    for name in names:
        (folder / f"{name}.py").write_text(f"open({str(folder / 'imported')!r}, 'w').close()\n")


@pytest.mark.skipif(sandbox.isolation() is not None, reason="no namespaces here")
def test_programs_do_not_see_the_folder_that_the_cloud_was_started_in(scones: Any) -> None:
    private = scones.folder / "private.txt"
    private.write_text("mine")
    assert scones("up", "--detach", "--port", "0").returncode == 0
    client = boto3.client("lambda", **_keys(json.loads(scones("env", "--json").stdout)))
    source = f"import os\ndef handler(event, context):\n    return os.path.exists({str(private)!r})"
    client.create_function(
        FunctionName="looks",
        Runtime="python3.11",
        Handler="index.handler",
        Role="arn:aws:iam::111122223333:role/r",
        Code={"ZipFile": zip_of({"index.py": source})},
    )
    client.get_waiter("function_active_v2").wait(FunctionName="looks")
    assert client.invoke(FunctionName="looks")["Payload"].read() == b"false"


def _keys(variables: dict[str, str]) -> dict[str, str]:
    return {
        "endpoint_url": variables["AWS_ENDPOINT_URL"],
        "region_name": variables["AWS_REGION"],
        "aws_access_key_id": variables["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": variables["AWS_SECRET_ACCESS_KEY"],
        "aws_session_token": variables.get("AWS_SESSION_TOKEN", ""),
    }
