"""Data folders: private to their owner; broken, foreign or replaced files in one are repaired or reported."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from scones.cloud.core.data_folder import STATE_FILES, identify
from scones.cloud.core.durable_files import make_private, open_file, write_durably
from scones.cloud.errors import CloudError
from scones.cloud.process import lifecycle

ROLE = "arn:aws:iam::123456789012:role/data-folder"
PASS = '{"StartAt": "Only", "States": {"Only": {"Type": "Pass", "End": true}}}'


def open_to_others(folder: Path) -> list[str]:
    entries = [folder, *folder.rglob("*")]
    modes = {path: path.lstat().st_mode for path in entries}
    return [str(path) for path, mode in modes.items() if not stat.S_ISLNK(mode) and mode & 0o077]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"region": "moon", "account": None}, "'moon' is not an AWS region, such as us-east-1."),
        ({"region": None, "account": "12"}, "'12' is not an AWS account ID, which has 12 digits."),
    ],
)
def test_a_region_and_an_account_must_be_possible_on_aws(tmp_path, given, message):
    with pytest.raises(CloudError) as caught:
        identify(tmp_path, **given)
    assert str(caught.value) == message
    assert list(tmp_path.iterdir()) == []


def test_everything_in_a_data_folder_is_private(start_cloud):
    before = os.umask(0o022)
    try:
        cloud = start_cloud()
    finally:
        os.umask(before)
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="private")
    s3.put_object(Bucket="private", Key="large", Body=b"x" * 200_000)
    cloud.client("stepfunctions").create_state_machine(name="private", roleArn=ROLE, definition=PASS)
    assert open_to_others(cloud.data_dir) == []


def test_the_permissions_of_a_data_folder_are_repaired_and_logged_at_the_start(start_cloud):
    cloud = start_cloud()
    cloud.client("s3").create_bucket(Bucket="mended")
    cloud.client("s3").put_object(Bucket="mended", Key="large", Body=b"x" * 200_000)
    lifecycle.stop(cloud.data_dir)
    for path in (cloud.data_dir, *cloud.data_dir.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    again = start_cloud()
    assert open_to_others(again.data_dir) == []
    assert (again.data_dir / "cloud.log").read_text().count("restricted to the owner") == 1
    assert again.client("s3").get_object(Bucket="mended", Key="large")["Body"].read() == b"x" * 200_000


def test_programs_stay_executable_and_other_files_keep_their_mode(tmp_path):
    program, shared, folder = tmp_path / "program", tmp_path / "outside", tmp_path / "data"
    folder.mkdir()
    program.write_text("#!/bin/sh\n")
    program.rename(folder / "program")
    shared.write_text("shared")
    for path in (folder, folder / "program", shared):
        path.chmod(0o755)
    (folder / "link").symlink_to(shared)
    (folder / "hard").hardlink_to(shared)
    assert make_private(folder) == 2
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "program", shared)]
    assert modes == [0o700, 0o700, 0o755]


@pytest.mark.parametrize("content", [b"", b"\0" * 40, b"{", b"[]", b'{"pid": 1}', b"\xff\xfe"])
def test_a_broken_cloud_json_is_replaced(start_cloud, content):
    cloud = start_cloud()
    cloud.kill()
    (cloud.data_dir / "cloud.json").write_bytes(content)
    assert lifecycle.find(cloud.data_dir) is None
    assert start_cloud().running.healthy()


@pytest.mark.parametrize("content", [b"", b'{"account": "123456789012"}'])
def test_a_broken_identity_is_rebuilt_from_the_arns(start_cloud, content):
    cloud = start_cloud(account="123456789012", region="eu-west-1")
    arn = cloud.client("stepfunctions").create_state_machine(name="kept", roleArn=ROLE, definition=PASS)
    cloud.kill()
    (cloud.data_dir / "identity.json").write_bytes(content)
    again = start_cloud()
    assert (again.running.account, again.running.region) == ("123456789012", "eu-west-1")
    machines = again.client("stepfunctions").list_state_machines()["stateMachines"]
    assert [machine["stateMachineArn"] for machine in machines] == [arn["stateMachineArn"]]


@pytest.mark.parametrize("content", [b"", b"{}", b"nonsense"])
def test_damaged_credentials_are_reported_with_the_loss_and_advice(start_cloud, content):
    cloud = start_cloud()
    lifecycle.stop(cloud.data_dir)
    path = cloud.data_dir / "credentials.json"
    path.write_bytes(content)
    with pytest.raises(CloudError, match=r"credentials\.json .*move it away; the next start creates new keys"):
        start_cloud()
    path.rename(path.with_suffix(".broken"))
    assert start_cloud().client("sts").get_caller_identity()["Account"] == "111122223333"


def test_a_small_file_is_replaced_atomically(tmp_path):
    path = tmp_path / "state.json"
    write_durably(path, "{}")
    with pytest.raises(UnicodeEncodeError):
        write_durably(path, "\ud800")
    assert path.read_text() == "{}"
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.json"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
@pytest.mark.parametrize("planted", [".", "credentials.json"])
def test_files_of_another_user_are_rejected(start_cloud, tmp_path, planted):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "credentials.json").write_text('{"AccessKeyId": "AKIAPLANTED", "SecretAccessKey": "planted"}')
    os.chown(folder / planted, 65534, -1)
    for command in (start_cloud, lambda: lifecycle.find(folder)):
        with pytest.raises(CloudError, match=rf"data(/{planted})? belongs to another user \(.+\): "):
            command()
    reported = subprocess.run(
        [sys.executable, "-m", "scones.cloud", "--data-dir", folder, "--port", "0"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert reported.returncode == 1
    assert reported.stderr.count("\n") == 1
    assert "belongs to another user" in reported.stderr
    assert sorted(entry.name for entry in folder.iterdir()) == ["credentials.json"]
    os.chown(folder / planted, 0, -1)


@pytest.mark.parametrize("name", ["cloud.log", "cloud.json", "stuck"])
def test_a_running_cloud_with_a_link_in_place_of_a_file_is_reported_and_stopped(start_cloud, name):
    cloud = start_cloud()
    (cloud.data_dir / name).unlink(missing_ok=True)
    (cloud.data_dir / name).symlink_to("/dev/null")
    if name != "cloud.json":
        assert lifecycle.find(cloud.data_dir) == cloud.running
    assert lifecycle.stop(cloud.data_dir) is not None
    assert lifecycle.stop(cloud.data_dir) is None
    (cloud.data_dir / name).unlink(missing_ok=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can stop another user's process")
def test_root_stops_the_cloud_of_another_user(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    program = (
        "import os, sys, time; from pathlib import Path; from scones.cloud.process.folder_lock import FolderLock\n"
        "lock = FolderLock(Path(sys.argv[1]))\nlock.acquire()\nos.setuid(65534)\nprint(flush=True)\ntime.sleep(60)"
    )
    for owner in (65533, 65534):
        os.chown(folder, owner, -1)
        holder = subprocess.Popen([sys.executable, "-c", program, folder], stdout=subprocess.PIPE)
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"\n"
        holding = threading.Thread(target=holder.wait)
        holding.start()
        if owner == 65534:
            assert lifecycle.stop(folder) is not None
        else:
            with pytest.raises(CloudError, match="belongs to a user who does not own the folder"):
                lifecycle.stop(folder)
            holder.kill()
        holding.join(30)
        holder.stdout.close()
        assert not holding.is_alive()


@pytest.mark.parametrize("name", sorted(STATE_FILES))
@pytest.mark.parametrize("kind", ["folder", "link", "pipe"])
def test_a_folder_in_place_of_a_state_file_is_reported(start_cloud, tmp_path, name, kind):
    folder, precious = tmp_path / "data", tmp_path / "precious"
    folder.mkdir(mode=0o700)
    precious.write_text("precious")
    location = folder / name
    {"folder": location.mkdir, "link": lambda: location.symlink_to(precious), "pipe": lambda: os.mkfifo(location)}[
        kind
    ]()
    with pytest.raises(CloudError, match=f"{name} is not a regular file"):
        start_cloud()
    with pytest.raises(CloudError, match=f"{name} is not a regular file"):
        open_file(location, os.O_RDWR | os.O_CREAT)
    assert precious.read_text() == "precious"
    location.rmdir() if kind == "folder" else location.unlink()


def test_a_data_folder_may_be_a_symbolic_link_that_its_owner_created(start_cloud, tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "data").symlink_to(tmp_path / "disk")
    assert start_cloud().client("s3").list_buckets()["Buckets"] == []
    assert lifecycle.find(tmp_path / "disk") is not None
