"""Starting, finding and stopping local clouds."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from scones.cloud.all_services import all_services
from scones.cloud.errors import CloudError
from scones.cloud.process import lifecycle
from scones.cloud.wire.model import service_model


def test_a_started_cloud_is_found_and_stopped(tmp_path):
    running = lifecycle.start(tmp_path, port=0)
    assert lifecycle.find(tmp_path) == running
    assert lifecycle.stop(tmp_path)
    assert lifecycle.find(tmp_path) is None
    assert not psutil.pid_exists(running.pid)


def test_endpoint_variables_of_all_services_are_cleared():
    service_ids = {service_model(service.name).service_id for service in all_services()}
    expected = {f"AWS_ENDPOINT_URL_{service_id.upper().replace(' ', '_')}" for service_id in service_ids}
    assert {name for name in lifecycle.CLEARED_VARIABLES if name.startswith("AWS_ENDPOINT_URL_")} == expected


def test_a_stop_does_not_wait_for_a_parent_that_reaps_nothing(tmp_path):
    program = (
        "import sys, pathlib; from scones.cloud.process import lifecycle; "
        "lifecycle.start(pathlib.Path(sys.argv[1]), port=0); print('started', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout.readline() == "started\n"
        stopped = lifecycle.stop(tmp_path)
        assert psutil.Process(stopped.pid).status() == psutil.STATUS_ZOMBIE
        assert (stopped.responded, stopped.killed) == (True, 0)
        parent.stdin.close()


def test_starting_twice_gives_the_same_cloud(start_cloud):
    cloud = start_cloud()
    assert lifecycle.start(cloud.data_dir) == cloud.running


def test_two_clouds_run_at_the_same_time(start_cloud):
    one, other = start_cloud("one"), start_cloud("other")
    one.client("logs").create_log_group(logGroupName="/mine")
    assert one.url != other.url
    assert other.client("logs").describe_log_groups()["logGroups"] == []


def test_each_data_folder_has_its_own_keys_which_only_its_owner_can_read(start_cloud):
    one, other = start_cloud("one"), start_cloud("other")
    assert one.running.environment()["AWS_SECRET_ACCESS_KEY"] != other.running.environment()["AWS_SECRET_ACCESS_KEY"]
    for path in (one.data_dir, one.data_dir / "credentials.json"):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077


def test_account_and_region_are_served(start_cloud):
    cloud = start_cloud(account="123456789012", region="eu-west-1")
    assert cloud.client("sts").get_caller_identity()["Account"] == "123456789012"
    assert cloud.client("logs").describe_log_groups()["logGroups"] == []


def test_a_data_folder_keeps_its_account(start_cloud):
    lifecycle.stop(start_cloud(account="123456789012").data_dir)
    lifecycle.stop(start_cloud().data_dir)
    with pytest.raises(CloudError, match="belongs to account 123456789012, not 999999999999"):
        start_cloud(account="999999999999")


def test_a_port_in_use_is_reported(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CloudError, match=f"Port {port} is in use"):
            lifecycle.start(tmp_path, port=port)


def test_a_data_folder_in_use_is_reported(cloud):
    command = [sys.executable, "-m", "scones.cloud", "--data-dir", str(cloud.data_dir), "--port", "0"]
    second = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert second.returncode == 1
    assert "is already running" in second.stderr
    assert "Traceback" not in second.stderr


@pytest.mark.parametrize(
    ("end", "how"), [("os.kill(os.getpid(), 9)", "by SIGKILL"), ("os._exit(3)", "with exit status 3")]
)
def test_a_cloud_that_ends_during_its_start_is_reported_at_once(tmp_path, monkeypatch, end, how):
    (tmp_path / "sitecustomize.py").write_text(f"import os, sys\nif 'scones.cloud' in sys.orig_argv: {end}\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(CloudError, match=f"The local cloud exited {how} during start-up; see .*/cloud.log"):
        lifecycle.start(tmp_path / "data", port=0, timeout=600)


def test_acknowledged_writes_survive_kill_9(start_cloud):
    cloud = start_cloud()
    for index in range(20):
        cloud.client("logs").create_log_group(logGroupName=f"/group/{index:02}")
    cloud.kill()
    assert lifecycle.find(cloud.data_dir) is None
    again = start_cloud()
    assert again.running.environment()["AWS_SECRET_ACCESS_KEY"] == cloud.running.environment()["AWS_SECRET_ACCESS_KEY"]
    groups = again.client("logs").describe_log_groups()["logGroups"]
    assert [group["logGroupName"] for group in groups] == [f"/group/{index:02}" for index in range(20)]


def test_a_stale_cloud_json_is_ignored(tmp_path):
    """A cloud.json with the process id of an unrelated process is ignored."""
    described = {
        "data_dir": str(tmp_path),
        "pid": os.getpid(),
        "url": "http://127.0.0.1:1",
        "region": "r",
        "account": "a",
    }
    (tmp_path / "cloud.json").write_text(json.dumps(described))
    assert lifecycle.find(tmp_path) is None
    assert not lifecycle.stop(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_shuts_the_cloud_down_gracefully(start_cloud, number):
    cloud = start_cloud()
    process = psutil.Process(cloud.running.pid)
    process.send_signal(number)
    assert process.wait(timeout=20) in (0, None)
    assert not (cloud.data_dir / "cloud.json").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("seconds", [0.2, 0.5, 0.8])
def test_a_signal_ends_a_cloud_that_is_still_starting(tmp_path, number, seconds):
    command = [sys.executable, "-P", "-m", "scones.cloud", "--data-dir", str(tmp_path / "data"), "--port", "0"]
    # A shell that runs the tests in the background makes its child processes ignore SIGINT.
    defaults = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
    )
    process = subprocess.Popen([sys.executable, "-c", defaults, *command], stderr=subprocess.PIPE, text=True)
    time.sleep(seconds)
    process.send_signal(number)
    try:
        _, output = process.communicate(timeout=60)
        # A signal before the cloud's first line of code ends the interpreter with another exit code and a traceback.
        assert process.returncode in (0, -number) or "scones" not in output
    finally:
        process.kill()


def test_two_starts_at_the_same_moment_give_the_same_cloud(tmp_path):
    with ThreadPoolExecutor() as pool:
        one, other = pool.map(lambda _: lifecycle.start(tmp_path / "data", port=0), range(2))
    assert one == other
    assert lifecycle.stop(tmp_path / "data") is not None


def test_a_stop_ends_a_cloud_that_has_not_locked_its_folder_yet(tmp_path):
    command = lifecycle.server_command(tmp_path, port=0, region=None, account=None, verbose=False)
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    stopped = lifecycle.stop(tmp_path)
    assert stopped is not None
    assert stopped.pid == process.pid
    assert process.wait(timeout=30) is not None
    assert lifecycle.find(tmp_path) is None


def test_a_limit_on_open_files_is_named(tmp_path):
    command = lifecycle.server_command(tmp_path, port=0, region=None, account=None, verbose=False)
    reported = subprocess.run(
        ["sh", "-c", 'ulimit -n 12; exec "$@"', "sh", *command], capture_output=True, text=True, timeout=60
    )
    assert reported.returncode == 1
    assert reported.stderr.strip().splitlines()[-1].startswith("The limit on open files is too low")


def test_a_folder_below_a_file_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CloudError, match="file/below is not a folder"):
        lifecycle.start(tmp_path / "file" / "below")
