"""A cloud that holds its data folder but does not respond: it is reported and ended."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from pathlib import Path

import boto3
import psutil
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from scones.cloud.process import lifecycle
from scones.cloud.process.folder_lock import FolderLock, holder
from scones.cloud.process.watchdog import stuck_since

STUCK_CLOUD = Path(__file__).parents[2] / "support" / "stuck_cloud.py"


@pytest.fixture
def stuck_cloud(tmp_path):
    """A cloud whose event loop is stuck in C code that holds the interpreter lock."""
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    with (data_dir / "cloud.log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, STUCK_CLOUD, "--data-dir", data_dir, "--port", "0"], stdout=log, stderr=log
        )
    deadline = time.monotonic() + 60
    while (running := lifecycle.find(data_dir)) is None:
        assert process.poll() is None, (data_dir / "cloud.log").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    keys = running.environment()
    client = boto3.client(
        "sts",
        endpoint_url=running.url,
        region_name=running.region,
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        config=Config(read_timeout=1, retries={"total_max_attempts": 1}),
    )
    with contextlib.suppress(BotoCoreError):
        client.get_caller_identity()
    yield running
    process.kill()
    process.wait()


def test_sigterm_ends_a_cloud_whose_loop_is_stuck_in_c_code(stuck_cloud):
    process = psutil.Process(stuck_cloud.pid)
    tree = [process, *process.children(recursive=True)]
    process.send_signal(signal.SIGTERM)
    _, left = psutil.wait_procs(tree, timeout=30)
    assert left == []
    assert holder(stuck_cloud.data_dir) is None
    assert "The event loop is stuck while the cloud is stopping" in (stuck_cloud.data_dir / "cloud.log").read_text()


@pytest.mark.slow
def test_the_log_and_the_status_say_where_and_since_when_a_loop_is_stuck(stuck_cloud):
    deadline = time.monotonic() + 60
    while stuck_since(stuck_cloud.data_dir) is None:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(0.5)  # the cloud's process writes the stack a moment later
    log = (stuck_cloud.data_dir / "cloud.log").read_text()
    assert "The event loop has been stuck for" in log
    assert "in get_caller_identity" in log
    with pytest.raises(lifecycle.UnresponsiveError, match=f"process {stuck_cloud.pid}") as hung:
        lifecycle.find(stuck_cloud.data_dir)
    assert hung.value.since == stuck_since(stuck_cloud.data_dir)
    stopped = lifecycle.stop(stuck_cloud.data_dir)
    assert stopped is not None
    assert not stopped.responded
    assert lifecycle.find(stuck_cloud.data_dir) is None


@pytest.mark.slow
def test_a_loop_that_continues_is_no_longer_reported(start_cloud):
    cloud = start_cloud()
    process = psutil.Process(cloud.running.pid)
    process.suspend()
    deadline = time.monotonic() + 60
    while stuck_since(cloud.data_dir) is None:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.resume()
    while stuck_since(cloud.data_dir) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert lifecycle.find(cloud.data_dir) == cloud.running
    assert "The event loop is running again; it was stuck for" in (cloud.data_dir / "cloud.log").read_text()


def test_a_cloud_without_its_cloud_json_is_stopped(start_cloud):
    cloud = start_cloud()
    (cloud.data_dir / "cloud.json").unlink()
    stopped = lifecycle.stop(cloud.data_dir)
    assert stopped is not None
    assert stopped.pid == cloud.running.pid
    assert not psutil.pid_exists(cloud.running.pid)


def test_reading_a_folders_holder_never_blocks_a_process_that_locks_it(tmp_path):
    ask = (
        "from pathlib import Path; from scones.cloud.process.folder_lock import holder\nwhile True: holder(Path({!r}))"
    )
    pollers = [subprocess.Popen([sys.executable, "-c", ask.format(str(tmp_path))]) for _ in range(2)]
    try:
        (tmp_path / "lock").touch()
        time.sleep(1)
        refused = 0
        for _ in range(20_000):
            lock = FolderLock(tmp_path)
            refused += not lock.acquire()
            lock.release()
        assert [poller.poll() for poller in pollers] == [None, None]
        assert refused == 0
    finally:
        for poller in pollers:
            poller.kill()
            poller.wait()


def test_the_holder_of_a_folder_is_the_process_that_took_it(start_cloud, tmp_path):
    cloud = start_cloud()
    assert holder(cloud.data_dir) == cloud.running.pid
    cloud.kill()
    assert holder(cloud.data_dir) is None
    assert holder(tmp_path / "nothing") is None
