"""A cloud whose data folder is deleted or moved: it acknowledges no further request and ends."""

from __future__ import annotations

import shutil

import psutil
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from scones.cloud.process import lifecycle


@pytest.mark.parametrize("how", ["deleted", "moved"])
def test_nothing_is_acknowledged_after_the_folder_is_gone(start_cloud, tmp_path, how):
    cloud = start_cloud()
    process = psutil.Process(cloud.running.pid)
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="kept")
    s3.put_object(Bucket="kept", Key="0", Body=b"0")
    if how == "deleted":
        shutil.rmtree(cloud.data_dir)
    else:
        cloud.data_dir.rename(tmp_path / "elsewhere")
    for key in range(1, 4):
        with pytest.raises((BotoCoreError, ClientError)):
            s3.put_object(Bucket="kept", Key=str(key), Body=b"1")
    assert process.wait(timeout=30) in (1, None)
    assert lifecycle.find(cloud.data_dir) is None
    if how == "moved":
        log = (tmp_path / "elsewhere" / "cloud.log").read_text()
        assert (
            f"The data folder {cloud.data_dir} was deleted or moved while its cloud was running; the cloud has stopped."
            in log
        )


def test_a_new_cloud_in_the_place_of_a_deleted_folder_has_its_own_state(start_cloud):
    first = start_cloud()
    first.client("s3").create_bucket(Bucket="old")
    process = psutil.Process(first.running.pid)
    shutil.rmtree(first.data_dir)
    second = start_cloud()
    assert second.client("s3").list_buckets()["Buckets"] == []
    assert process.wait(timeout=30) in (1, None)
    assert lifecycle.find(second.data_dir) == second.running
