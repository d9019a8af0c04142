"""Jobs that try to make the cloud disclose its own keys, or read more data than its memory can hold."""

from __future__ import annotations

import bz2
import gzip
import time
from typing import Any

import psutil
import pytest
from benchmarks.prober import probing

from scones.cloud.process.sandbox import isolation
from scones.cloud.services.sagemaker.transform import transform_run as transform
from support.sagemaker_workbench import IMAGE, ROLE, Workbench, archive, until

pytestmark = pytest.mark.skipif(isolation() is not None, reason="without namespaces a job can read the keys itself")

KEYS = "SecretAccessKey"
"""A name that a data folder's credentials.json contains."""


def program(bench: Workbench, code: str) -> dict[str, list[str]]:
    """Return an entry point and arguments that run Python code, one line per argument, as arguments must be short."""
    lines = code.replace("DATA", str(bench.cloud.data_dir)).strip().split("\n")
    run = "import sys; exec('\\n'.join(sys.argv[1:]))"
    return {"ContainerEntrypoint": ["python", "-c", run], "ContainerArguments": lines}


def train(bench: Workbench, code: str, **request: Any) -> dict[str, Any]:
    algorithm = {"TrainingImage": IMAGE, "TrainingInputMode": "File", **program(bench, code)}
    return bench.ended(bench.train(AlgorithmSpecification=algorithm, **request))


def stored(bench: Workbench) -> dict[str, bytes]:
    found = bench.objects("")
    assert not any(KEYS.encode() in body for body in found.values())
    return found


@pytest.mark.parametrize("target", ["DATA/credentials.json", "/proc/self/environ", "/etc/passwd"])
def test_a_failure_file_that_is_a_link_shows_nothing(bench: Workbench, target: str) -> None:
    job = train(bench, f"import os, sys; os.symlink('{target}', '/opt/ml/output/failure'); sys.exit(1)")
    assert job["FailureReason"] == "AlgorithmError: , exit code: 1"


def test_a_failure_file_that_is_a_pipe_does_not_block(bench: Workbench) -> None:
    job = train(bench, "import os, sys; os.mkfifo('/opt/ml/output/failure'); sys.exit(1)")
    assert job["FailureReason"] == "AlgorithmError: , exit code: 1"


def test_without_a_failure_file_the_last_exception_is_the_reason(bench: Workbench) -> None:
    job = train(bench, "import json; json.loads('[')")
    assert job["FailureReason"] == (
        "AlgorithmError: json.decoder.JSONDecodeError: Expecting value: line 1 column 2 (char 1), exit code: 1"
    )


def test_a_failure_file_is_read_to_its_first_1024_characters(bench: Workbench) -> None:
    code = """
import sys
with open("/opt/ml/output/failure", "w", encoding="utf-8") as file:
    file.write(chr(0x20AC) * 5000)
    file.truncate(1 << 40)
sys.exit(1)
"""
    assert train(bench, code)["FailureReason"] == f"AlgorithmError: {chr(0x20AC) * 1024}, exit code: 1"


LINKS = """
import os
from pathlib import Path
for folder in ("/opt/ml/model", "/opt/ml/checkpoints", "/opt/ml/output/data"):
    os.makedirs(folder, exist_ok=True)
    os.symlink("DATA/credentials.json", f"{folder}/keys.json")
    os.symlink("DATA", f"{folder}/all")
    os.mkfifo(f"{folder}/pipe")
    Path(folder, "good.txt").write_text("good")
    os.symlink(f"{folder}/good.txt", f"{folder}/same.txt")
"""


@pytest.mark.parametrize("compression", ["NONE", "GZIP"])
def test_links_to_the_keys_are_not_stored(bench: Workbench, compression: str) -> None:
    job = train(
        bench,
        LINKS,
        OutputDataConfig={"S3OutputPath": f"s3://{bench.bucket}/models", "CompressionType": compression},
        CheckpointConfig={"S3Uri": f"s3://{bench.bucket}/checkpoints"},
    )
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    found = stored(bench)
    assert {key: body for key, body in found.items() if key.startswith("checkpoints/")} == {
        "checkpoints/good.txt": b"good",
        "checkpoints/same.txt": b"good",
    }
    if compression == "NONE":
        prefix = f"models/{job['TrainingJobName']}/output/model/"
        assert {key for key in found if key.startswith(prefix)} == {f"{prefix}good.txt", f"{prefix}same.txt"}
    lines = bench.log_lines("/aws/sagemaker/TrainingJobs", job["TrainingJobName"])
    assert "Not stored: /opt/ml/model/keys.json: leads outside /opt/ml." in lines


@pytest.mark.parametrize("folder", ["/opt/ml/model", "/opt/ml/output/data", "/opt/ml/output"])
def test_a_folder_replaced_by_a_link_is_not_stored(bench: Workbench, folder: str) -> None:
    code = f"import os, shutil; shutil.rmtree('{folder}'); os.symlink('DATA', '{folder}')"
    job = train(
        bench, code, OutputDataConfig={"S3OutputPath": f"s3://{bench.bucket}/models", "CompressionType": "NONE"}
    )
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert stored(bench) == {}


def test_data_larger_than_the_volume_fails_the_job(bench: Workbench) -> None:
    job = train(bench, "open('/opt/ml/model/sparse', 'w').truncate(1 << 40)")
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"] == (
        "ClientError: /opt/ml/model has 1099511627776 bytes of files; the limit is 1073741824 bytes"
    )


def test_a_very_deep_folder_fails_the_job_and_leaves_nothing(bench: Workbench) -> None:
    code = "import os\nos.chdir('/opt/ml/model')\nfor _ in range(1500): os.mkdir('d'); os.chdir('d')"
    job = train(bench, code)
    assert job["FailureReason"].startswith("ClientError: /opt/ml/model has folders nested more than 64 levels deep")
    assert not (bench.cloud.data_dir / "sagemaker" / "jobs" / job["TrainingJobName"]).exists()


PROCESS = """
import os, shutil, sys
from pathlib import Path
output = Path("/opt/ml/processing/output")
os.symlink("DATA/credentials.json", output / "keys.json")
os.symlink("DATA/credentials.json", "/opt/ml/output/message")
(output / "good.txt").write_text("good")
shutil.rmtree("/opt/ml/processing/other")
os.symlink("DATA", "/opt/ml/processing/other")
"""


@pytest.mark.parametrize("mode", ["EndOfJob", "Continuous"])
def test_a_processing_job_cannot_store_the_keys(bench: Workbench, mode: str) -> None:
    name = bench.name("processing")
    outputs = [
        {
            "OutputName": each,
            "S3Output": {
                "S3Uri": f"s3://{bench.bucket}/{each}",
                "LocalPath": f"/opt/ml/processing/{each}",
                "S3UploadMode": mode,
            },
        }
        for each in ("output", "other")
    ]
    wait = "import time; time.sleep(5)" if mode == "Continuous" else ""
    bench.sagemaker.create_processing_job(
        ProcessingJobName=name,
        RoleArn=ROLE,
        AppSpecification={"ImageUri": IMAGE, **program(bench, PROCESS + wait)},
        ProcessingOutputConfig={"Outputs": outputs},
        ProcessingResources={"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}},
    )

    def ended() -> Any:
        found = bench.sagemaker.describe_processing_job(ProcessingJobName=name)
        return found if found["ProcessingJobStatus"] not in ("InProgress", "Stopping") else None

    job = until(ended, 60)
    assert job["ProcessingJobStatus"] == "Completed", job
    assert KEYS not in job.get("ExitMessage", "")
    assert stored(bench) == {"output/good.txt": b"good"}


def test_a_zip_bomb_fails_its_endpoint_quickly(bench: Workbench) -> None:
    name = bench.name("model")
    data = bench.put(f"data/{name}/model.tar.gz", archive(answer_txt="0" * (300 << 20)))
    bench.sagemaker.create_model(
        ModelName=name, PrimaryContainer={"Image": IMAGE, "ModelDataUrl": data}, ExecutionRoleArn=ROLE
    )
    begun = time.monotonic()
    endpoint = bench.endpoint(bench.config(name), wait=False)

    def failed() -> Any:
        found = bench.sagemaker.describe_endpoint(EndpointName=endpoint)
        return found if found["EndpointStatus"] == "Failed" else None

    described = until(failed, 60)
    assert "Failed to extract model data archive" in described["FailureReason"]
    assert "unpacked size exceeds 268435456 bytes" in described["FailureReason"]
    assert time.monotonic() - begun < 60


@pytest.mark.parametrize("kind", ["Gzip", "Bzip2"])
def test_an_input_that_is_a_decompression_bomb_is_rejected(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transform, "ALWAYS_ALLOWED", 1 << 20)
    compress = gzip.compress if kind == "Gzip" else bz2.compress
    with pytest.raises(OSError, match="the decompressed size exceeds"):
        transform._decompressed(compress(bytes(8 << 20)), {"CompressionType": kind})
    assert transform._decompressed(compress(b"data"), {"CompressionType": kind}) == b"data"


FLOOD = """
import os
while True: os.write(1, b"loss=1" + bytes([10]) * (1 << 19))
"""


@pytest.mark.slow
def test_a_job_that_floods_its_log_waits_and_does_not_delay_requests(bench: Workbench) -> None:
    definitions = [{"Name": f"m{number}", "Regex": "loss=([0-9]+)"} for number in range(4)]
    algorithm = {"TrainingImage": IMAGE, "TrainingInputMode": "File", **program(bench, FLOOD)}
    process = psutil.Process(bench.cloud.running.pid)
    before = process.memory_info().rss
    name = bench.train(AlgorithmSpecification={**algorithm, "MetricDefinitions": definitions})
    until(lambda: bench.sagemaker.describe_training_job(TrainingJobName=name)["SecondaryStatus"] == "Training")
    with probing(bench.cloud.url, bench.cloud.environment) as prober:
        time.sleep(5)
    assert prober.percentile(99) < 3
    assert process.memory_info().rss - before < 200 << 20
    bench.sagemaker.stop_training_job(TrainingJobName=name)
    assert bench.ended(name)["TrainingJobStatus"] == "Stopped"
