"""Processing jobs: scripts that process data from S3, their outputs, and how jobs end."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from scones.cloud.process.sandbox import isolation
from support.sagemaker_workbench import IMAGE, ROLE, Workbench, until

several = pytest.mark.skipif(isolation() is not None, reason="several instances need namespaces of their own")

SCRIPT = """
import json, os, pathlib, sys, time
base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])
processing = base / "processing"
print("Processing", sys.argv[1:], os.environ.get("GREETING"), flush=True)
seen = {path.name: path.read_text() for path in sorted((processing / "input/data").rglob("*")) if path.is_file()}
about = {
    "seen": seen,
    "hosts": json.loads((base / "config/resourceconfig.json").read_text()),
    "job": json.loads((base / "config/processingjobconfig.json").read_text())["ProcessingJobName"],
}
(processing / "output/deep").mkdir(parents=True, exist_ok=True)
(processing / "output/deep/about.json").write_text(json.dumps(about))
(base / "output/message").write_text("two files")
if "wait" in sys.argv:
    time.sleep(600)
sys.exit(3 if "fail" in sys.argv else 0)
"""


MEET = """
import json, pathlib, socket, sys, time
base = pathlib.Path("/opt/ml")
hosts = json.loads((base / "config/resourceconfig.json").read_text())
me, names = hosts["current_host"], hosts["hosts"]
if me == names[0]:
    with socket.create_server((me, 4321)) as server:
        connection, _ = server.accept()
        reported = connection.makefile().readline()
else:
    for _ in range(200):
        try:
            socket.create_connection((names[0], 4321)).sendall(f"from {me}\\n".encode())
            break
        except OSError:
            time.sleep(0.05)
    reported = "nothing"
files = sorted(path.name for path in (base / "processing/input/data").rglob("*.txt"))
(base / f"processing/output/{me}.json").write_text(json.dumps([socket.gethostname(), reported.strip(), files]))
if "fail" in sys.argv:
    sys.exit(5) if me == "algo-2" else time.sleep(600)
"""


def cluster(instances: int) -> dict[str, Any]:
    return {"ClusterConfig": {"InstanceCount": instances, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}}


def process(bench: Workbench, *arguments: str, mode: str = "EndOfJob", **request: Any) -> str:
    """Start a processing job with `SCRIPT` and two input files; return its name."""
    name = bench.name("processing")
    bench.put(f"{name}/data/a.txt", "A")
    bench.put(f"{name}/data/sub/b.txt", "B")
    inputs = {"data": f"s3://{bench.bucket}/{name}/data", "code": bench.put(f"{name}/code/work.py", SCRIPT)}
    entry = ["python3", "/opt/ml/processing/input/code/work.py"]
    bench.sagemaker.create_processing_job(
        **{
            "ProcessingJobName": name,
            "ProcessingInputs": [
                {
                    "InputName": key,
                    "S3Input": {
                        "S3Uri": uri,
                        "LocalPath": f"/opt/ml/processing/input/{key}",
                        "S3DataType": "S3Prefix",
                        "S3InputMode": "File",
                    },
                }
                for key, uri in inputs.items()
            ],
            "ProcessingOutputConfig": {
                "Outputs": [
                    {
                        "OutputName": "result",
                        "S3Output": {
                            "S3Uri": f"s3://{bench.bucket}/{name}/result",
                            "LocalPath": "/opt/ml/processing/output",
                            "S3UploadMode": mode,
                        },
                    }
                ]
            },
            "ProcessingResources": cluster(1),
            "AppSpecification": {
                "ImageUri": IMAGE,
                "ContainerEntrypoint": entry,
                **({"ContainerArguments": list(arguments)} if arguments else {}),
            },
            "Environment": {"GREETING": "hello"},
            "RoleArn": ROLE,
            **request,
        }
    )
    return name


def ended(bench: Workbench, name: str) -> dict[str, Any]:
    def described() -> Any:
        found = bench.sagemaker.describe_processing_job(ProcessingJobName=name)
        return found if found["ProcessingJobStatus"] in ("Completed", "Failed", "Stopped") else None

    found: dict[str, Any] = until(described, 60)
    return found


def test_a_script_reads_its_inputs_and_its_outputs_are_in_s3(bench):
    name = process(bench, "--share", "1")
    reported = ended(bench, name)
    assert reported["ProcessingJobStatus"] == "Completed"
    assert reported["ExitMessage"] == "two files"
    assert reported["CreationTime"] <= reported["ProcessingStartTime"] <= reported["ProcessingEndTime"]
    assert reported["ProcessingResources"]["ClusterConfig"]["InstanceCount"] == 1
    (key, body), *others = bench.objects(f"{name}/result").items()
    assert (key, others) == (f"{name}/result/deep/about.json", [])
    about = json.loads(body)
    assert about == {
        "seen": {"a.txt": "A", "b.txt": "B"},
        "hosts": {"current_host": "algo-1", "hosts": ["algo-1"]},
        "job": name,
    }
    assert "Processing ['--share', '1'] hello" in bench.log_lines("/aws/sagemaker/ProcessingJobs", f"{name}/")
    listed = bench.sagemaker.list_processing_jobs(NameContains=name)["ProcessingJobSummaries"]
    assert [(each["ProcessingJobName"], each["ProcessingJobStatus"]) for each in listed] == [(name, "Completed")]


def test_a_script_that_fails_fails_the_job(bench):
    reported = ended(bench, process(bench, "fail"))
    assert reported["ProcessingJobStatus"] == "Failed"
    assert "exit code: 3" in reported["FailureReason"]


def test_missing_data_fails_the_job_and_names_it(bench):
    missing = [
        {
            "InputName": "data",
            "S3Input": {
                "S3Uri": f"s3://{bench.bucket}/none",
                "LocalPath": "/opt/ml/processing/input/data",
                "S3DataType": "S3Prefix",
                "S3InputMode": "File",
            },
        }
    ]
    reported = ended(bench, process(bench, ProcessingInputs=missing))
    assert reported["ProcessingJobStatus"] == "Failed"
    assert f"s3://{bench.bucket}/none" in reported["FailureReason"]


def on_two_instances(bench: Workbench, *arguments: str) -> str:
    location = bench.name("shards")
    for file in ("a.txt", "b.txt", "c.txt"):
        bench.put(f"{location}/{file}", file)
    sources = {
        "data": (f"s3://{bench.bucket}/{location}/", "ShardedByS3Key"),
        "code": (bench.put(f"{location}-code/work.py", MEET), "FullyReplicated"),
    }
    inputs = [
        {
            "InputName": name,
            "S3Input": {
                "S3Uri": uri,
                "LocalPath": f"/opt/ml/processing/input/{name}",
                "S3DataType": "S3Prefix",
                "S3InputMode": "File",
                "S3DataDistributionType": share,
            },
        }
        for name, (uri, share) in sources.items()
    ]
    return process(bench, *arguments, ProcessingInputs=inputs, ProcessingResources=cluster(2))


@several
def test_two_instances_divide_the_input_reach_each_other_by_name_and_store_outputs(bench):
    name = on_two_instances(bench)
    assert ended(bench, name)["ProcessingJobStatus"] == "Completed"
    found = {key.rpartition("/")[2]: json.loads(body) for key, body in bench.objects(f"{name}/result").items()}
    assert found == {
        "algo-1.json": ["algo-1", "from algo-2", ["a.txt", "c.txt"]],
        "algo-2.json": ["algo-2", "nothing", ["b.txt"]],
    }


@several
def test_a_failing_instance_stops_the_other(bench):
    reported = ended(bench, on_two_instances(bench, "fail"))
    assert reported["ProcessingJobStatus"] == "Failed"
    assert "exit code: 5" in reported["FailureReason"]


@pytest.mark.slow
def test_a_continuous_output_is_uploaded_until_the_job_stops(bench):
    name = process(bench, "wait", mode="Continuous")
    until(lambda: bench.objects(f"{name}/result"))
    assert bench.sagemaker.describe_processing_job(ProcessingJobName=name)["ProcessingJobStatus"] == "InProgress"
    bench.sagemaker.stop_processing_job(ProcessingJobName=name)
    assert ended(bench, name)["ProcessingJobStatus"] == "Stopped"
    with pytest.raises(bench.sagemaker.exceptions.ClientError, match="in status Stopped"):
        bench.sagemaker.stop_processing_job(ProcessingJobName=name)


def test_invalid_processing_requests_are_rejected(bench):
    with pytest.raises(bench.sagemaker.exceptions.ClientError, match="at most 32 instances"):
        process(bench, ProcessingResources=cluster(33))
    piped = {"S3Uri": "s3://any/data", "S3DataType": "S3Prefix", "S3InputMode": "Pipe"}
    with pytest.raises(bench.sagemaker.exceptions.ClientError, match="'data'"):
        process(bench, ProcessingInputs=[{"InputName": "data", "S3Input": piped}])
    name = process(bench)
    with pytest.raises(bench.sagemaker.exceptions.ResourceInUse):
        process(bench, ProcessingJobName=name)
    with pytest.raises(bench.sagemaker.exceptions.ClientError, match="Could not find requested job"):
        bench.sagemaker.describe_processing_job(ProcessingJobName="none")
    ended(bench, name)


def test_requests_that_aws_refuses_are_rejected_in_its_words(bench):
    def error(**request: Any) -> tuple[str, str]:
        with pytest.raises(ClientError) as refused:
            process(bench, **request)
        found = refused.value.response["Error"]
        return found["Code"], found["Message"]

    entry = ["python3", "/opt/ml/processing/input/code/work.py"]
    either = "ContainerArguments and ContainerEntrypoint may not contain null or empty strings."
    application = {"ImageUri": IMAGE, "ContainerEntrypoint": entry, "ContainerArguments": ["--name", ""]}
    assert error(AppSpecification=application) == (
        "ValidationException",
        f"Found null or empty string in ContainerArguments at index 1. {either}",
    )
    application = {"ImageUri": IMAGE, "ContainerEntrypoint": ["", *entry]}
    assert error(AppSpecification=application) == (
        "ValidationException",
        f"Found null or empty string in ContainerEntrypoint at index 0. {either}",
    )

    def source(name: str, folder: str) -> dict[str, Any]:
        at = {"S3Uri": "s3://any/data", "LocalPath": f"/opt/ml/processing/{folder}"}
        return {"InputName": name, "S3Input": {**at, "S3DataType": "S3Prefix", "S3InputMode": "File"}}

    assert error(ProcessingInputs=[source("result", "a")]) == (
        "ValidationException",
        "Input and Output names must be globally unique: [result]",
    )
    assert error(ProcessingInputs=[source("a", "in"), source("b", "in/")]) == (
        "ValidationException",  # AWS's message is empty
        "The LocalPath of each input must be unique: [/opt/ml/processing/in]",
    )


def test_images_that_cannot_run_are_rejected_by_name(bench):
    spark = "173754725891.dkr.ecr.us-east-1.amazonaws.com/sagemaker-spark-processing:3.3-cpu"
    with pytest.raises(
        ClientError, match="does not support Apache Spark, which the container image .*spark"
    ) as refused:
        process(bench, AppSpecification={"ImageUri": spark, "ContainerEntrypoint": ["smspark-submit", "work.py"]})
    assert refused.value.response["Error"]["Code"] == "NotImplemented"
    monitor = "156813124566.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer"
    with pytest.raises(ClientError, match="has no program for the container image .*model-monitor"):
        process(bench, AppSpecification={"ImageUri": monitor})


def test_an_exception_is_in_the_failure_reason(bench):
    entry = ["python3", "-c", "print('begun'); import no_such_package"]
    reported = ended(bench, process(bench, AppSpecification={"ImageUri": IMAGE, "ContainerEntrypoint": entry}))
    assert reported["FailureReason"] == (
        "AlgorithmError: See job logs for more information: ModuleNotFoundError: No module named 'no_such_package', "
        "exit code: 1"
    )


@pytest.mark.parametrize("member", ["InstanceCount", "InstanceType"])
def test_a_cluster_without_instances_is_rejected(bench, member):
    config = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
    del config[member]
    at = f"processingResources.clusterConfig.{member[0].lower()}{member[1:]}"
    with pytest.raises(ClientError, match=f"Value null at '{at}' failed to satisfy constraint"):
        bench.cloud.client("sagemaker").create_processing_job(
            ProcessingJobName="without-instances",
            RoleArn="arn:aws:iam::111122223333:role/processing",
            AppSpecification={"ImageUri": "test-image"},
            ProcessingResources={"ClusterConfig": config},
        )
