"""`scones.testing.LocalCloud`: a cloud for scripts and tests."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import boto3
import psutil
import pytest

from scones.cloud.process import lifecycle
from scones.testing import CloudError, LocalCloud


def test_a_cloud_leaves_no_process_and_no_folder():
    with LocalCloud(region="eu-west-1", account="123456789012") as cloud:
        identity = cloud.client("sts").get_caller_identity()
        assert (cloud.region, cloud.account, identity["Account"]) == ("eu-west-1", "123456789012", "123456789012")
        assert cloud.environment()["AWS_ENDPOINT_URL"] == cloud.url
        pid, data_dir = cloud.running.pid, cloud.data_dir
    assert not psutil.pid_exists(pid)
    assert not data_dir.exists()


def test_a_cloud_ends_when_the_body_raises():
    started = []
    with pytest.raises(ZeroDivisionError), LocalCloud() as cloud:
        started.append(cloud.running) or 1 / 0
    assert not psutil.pid_exists(started[0].pid)
    assert not started[0].data_dir.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_cloud_ends_when_its_program_is_killed(number):
    program = (
        "from scones.testing import LocalCloud\n"
        "with LocalCloud() as cloud: print(cloud.running.pid, cloud.data_dir, flush=True); input()"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        pid, data_dir = process.stdout.readline().split()
        cloud = psutil.Process(int(pid))
        process.send_signal(number)
    deadline = time.monotonic() + 60
    while Path(data_dir).exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(data_dir).exists()
    with contextlib.suppress(psutil.NoSuchProcess):
        assert cloud.status() == psutil.STATUS_ZOMBIE


def test_a_given_data_folder_is_kept_and_used_again(tmp_path):
    with LocalCloud(tmp_path / "kept") as cloud:
        cloud.session().resource("s3").create_bucket(Bucket="kept")
    with LocalCloud(str(tmp_path / "kept")) as cloud:
        assert [bucket["Name"] for bucket in cloud.client("s3").list_buckets()["Buckets"]] == ["kept"]


def test_a_folder_in_use_is_rejected_and_its_cloud_continues(cloud):
    with pytest.raises(CloudError, match="A local cloud already runs on"), LocalCloud(cloud.data_dir):
        pass
    assert cloud.running.healthy()


def test_a_failed_start_is_reported_in_one_sentence_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CloudError, match=f"^Port {port} is in use: [^\n]*[.]$"), LocalCloud(port=port):
            pass
    assert list(tmp_path.iterdir()) == []


def test_a_folder_below_a_file_is_rejected(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CloudError, match="is not a folder"), LocalCloud(tmp_path / "file" / "below"):
        pass


def test_a_cloud_used_outside_its_block_explains_its_use():
    with pytest.raises(CloudError, match=r"with LocalCloud\(\) as cloud:"):
        LocalCloud().client("s3")


def test_clients_ignore_the_users_environment(cloud, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "missing")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    assert cloud.local.client("sts").get_caller_identity()["Account"] == cloud.local.account


def test_activation_points_code_at_the_cloud_and_restores_the_environment(cloud, monkeypatch):
    misleading = {
        "AWS_PROFILE": "missing",
        "AWS_SESSION_TOKEN": "token",
        "AWS_SECURITY_TOKEN": "token",
        "AWS_CREDENTIAL_EXPIRATION": "2020-01-01T00:00:00Z",
        "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:1",
        "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": "http://127.0.0.1:1",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    }
    for name, value in misleading.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    with cloud.local.activated() as variables:
        assert boto3.client("sts").get_caller_identity()["Account"] == cloud.local.account
        assert boto3.client("sagemaker-runtime").meta.endpoint_url == cloud.url
        assert variables.items() <= os.environ.items()
    assert dict(os.environ) == before


def test_activation_of_a_second_cloud_uses_its_credentials(cloud, start_cloud):
    other = start_cloud(account="123456789012")
    for each in (cloud, other):
        with each.local.activated():
            assert boto3.client("sts").get_caller_identity()["Account"] == each.local.account


def test_the_module_imports_no_cloud_server_and_no_machine_learning():
    heavy = "scones.cloud.cloud", "torch", "onnxruntime", "numpy", "uvicorn"
    program = f"import sys, scones.testing; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "[]\n"


def test_two_clouds_run_at_the_same_time():
    with LocalCloud() as one, LocalCloud() as other:
        one.client("logs").create_log_group(logGroupName="/mine")
        assert other.client("logs").describe_log_groups()["logGroups"] == []
        assert lifecycle.find(one.data_dir) != lifecycle.find(other.data_dir)
