"""Training jobs: container contract, artifacts, logs, metrics, limits and errors."""

from __future__ import annotations

import io
import json
import tarfile
import time
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.sagemaker_workbench import IMAGE, QUICK, ROLE, Workbench, until

GROUP = "/aws/sagemaker/TrainingJobs"


def artifact(bench: Workbench, job: str) -> dict[str, str]:
    """Return the files of a job's model.tar.gz."""
    body = bench.objects(f"models/{job}/output/model.tar.gz")[f"models/{job}/output/model.tar.gz"]
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        return {member.name: tar.extractfile(member).read().decode() for member in tar if member.isfile()}  # type: ignore[union-attr]


def seen(bench: Workbench, job: str) -> dict[str, Any]:
    """Return the input files and environment variables that the job's program found."""
    reported: dict[str, Any] = json.loads(artifact(bench, job)["seen.json"])
    return reported


def test_a_job_trains_and_leaves_its_artifact(bench: Workbench) -> None:
    bench.put("data/train/a.txt", "A")
    job = bench.train(
        {"train": {"S3Uri": f"s3://{bench.bucket}/data/train/", "S3DataDistributionType": "FullyReplicated"}},
        HyperParameters={"answer": "42"},
        Environment={"GIVEN": "yes"},
    )
    waiter = bench.sagemaker.get_waiter("training_job_completed_or_stopped")
    waiter.wait(TrainingJobName=job, WaiterConfig=QUICK)

    described = bench.sagemaker.describe_training_job(TrainingJobName=job)
    assert described["TrainingJobStatus"] == described["SecondaryStatus"] == "Completed"
    assert described["ModelArtifacts"] == {"S3ModelArtifacts": f"s3://{bench.bucket}/models/{job}/output/model.tar.gz"}
    assert described["TrainingStartTime"] <= described["TrainingEndTime"]
    assert described["TrainingTimeInSeconds"] == described["BillableTimeInSeconds"] >= 1
    steps = described["SecondaryStatusTransitions"]
    assert [(step["Status"], step["StatusMessage"]) for step in steps if step["Status"] != "Pending"] == [
        ("Starting", "Starting the training job"),
        ("Downloading", "Downloading input data"),
        ("Training", "Training image download completed. Training in progress."),
        ("Uploading", "Uploading generated training model"),
        ("Completed", "Training job completed"),
    ]
    assert all(step["EndTime"] == following["StartTime"] for step, following in pairwise(steps))
    assert artifact(bench, job)["answer.txt"] == "42"


def test_the_container_finds_awss_files_and_variables(bench: Workbench) -> None:
    bench.put("data/train/a.txt", "A")
    bench.put("data/train/sub/b.txt", "B")
    bench.put("lists/train.lst", "1\t0\ta.txt")
    job = bench.train(
        {
            "train": {"S3Uri": f"s3://{bench.bucket}/data/train"},
            "train_lst": {"S3Uri": f"s3://{bench.bucket}/lists/train.lst", "S3DataDistributionType": "ShardedByS3Key"},
        },
        HyperParameters={"epochs": "3"},
        Environment={"GIVEN": "yes"},
    )
    assert bench.ended(job)["TrainingJobStatus"] == "Completed"

    reported = seen(bench, job)
    files = reported["files"]
    assert {name: text for name, text in files.items() if name.startswith("data/")} == {
        "data/train/a.txt": "A",
        "data/train/sub/b.txt": "B",
        "data/train_lst/train.lst": "1\t0\ta.txt",
    }
    assert json.loads(files["config/hyperparameters.json"]) == {"epochs": "3"}
    assert json.loads(files["config/inputdataconfig.json"]) == {
        "train": {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None"},
        "train_lst": {"TrainingInputMode": "File", "S3DistributionType": "ShardedByS3Key", "RecordWrapperType": "None"},
    }
    resources = json.loads(files["config/resourceconfig.json"])
    assert (resources["current_host"], resources["hosts"]) == ("algo-1", ["algo-1"])
    environment = reported["environment"]
    assert environment["TRAINING_JOB_NAME"] == job
    assert environment["TRAINING_JOB_ARN"] == f"arn:aws:sagemaker:us-east-1:111122223333:training-job/{job}"
    assert environment["AWS_ENDPOINT_URL"] == bench.cloud.url
    assert environment["GIVEN"] == "yes"
    assert "SCONES_IMAGES" not in environment


def test_a_manifest_names_the_files_of_a_channel(bench: Workbench) -> None:
    bench.put("data/a.txt", "A")
    bench.put("data/deep/b.txt", "B")
    bench.put("data/c.txt", "C")
    manifest = [{"prefix": f"s3://{bench.bucket}/data/"}, "a.txt", "deep/b.txt"]
    uri = bench.put("list.manifest", json.dumps(manifest))
    job = bench.train({"train": {"S3DataType": "ManifestFile", "S3Uri": uri}})
    assert bench.ended(job)["TrainingJobStatus"] == "Completed"
    found = [name for name in seen(bench, job)["files"] if name.startswith("data/")]
    assert found == ["data/train/a.txt", "data/train/deep/b.txt"]


def test_logs_and_metrics_are_read_line_by_line(bench: Workbench) -> None:
    definitions = [
        {"Name": "train:accuracy", "Regex": r"Train-accuracy=(\S+)"},
        {"Name": "absent", "Regex": r"Nothing=(\S+)"},
    ]
    job = bench.train(
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File", "MetricDefinitions": definitions},
        HyperParameters={"accuracies": "0.5 0.75"},
    )
    described = bench.ended(job)
    metrics = {item["MetricName"]: item["Value"] for item in described["FinalMetricDataList"]}
    assert metrics == {"train:accuracy": 0.75}
    assert described["AlgorithmSpecification"]["MetricDefinitions"] == definitions
    assert bench.log_lines(GROUP, f"{job}/algo-1-") == [
        "Training begins",
        "Epoch[0] Train-accuracy=0.5",
        "Epoch[0] Validation-accuracy=0.250000",
        "Epoch[1] Train-accuracy=0.75",
        "Epoch[1] Validation-accuracy=0.375000",
    ]


def test_output_data_is_uploaded_with_the_model(bench: Workbench) -> None:
    job = bench.train(HyperParameters={"output": "chart"})
    bench.ended(job)
    body = bench.objects(f"models/{job}/")[f"models/{job}/output/output.tar.gz"]
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        assert tar.getnames() == ["result.txt"]


def test_an_uncompressed_model_is_uploaded_file_by_file(bench: Workbench) -> None:
    output = {"S3OutputPath": f"s3://{bench.bucket}/models", "CompressionType": "NONE"}
    job = bench.train(OutputDataConfig=output, HyperParameters={"answer": "plain"})
    described = bench.ended(job)
    location = f"models/{job}/output/model/"
    assert described["ModelArtifacts"]["S3ModelArtifacts"] == f"s3://{bench.bucket}/{location}"
    assert bench.objects(location)[location + "answer.txt"] == b"plain"


@pytest.mark.parametrize(("code", "kind"), [("2", "ClientError"), ("1", "AlgorithmError")])
def test_a_failure_carries_the_programs_reason(bench: Workbench, code: str, kind: str) -> None:
    message = "Invalid lst file in the train channel. " + "x" * 2000
    job = bench.train(HyperParameters={"failure": message, "code": code})
    described = bench.ended(job)
    assert described["TrainingJobStatus"] == described["SecondaryStatus"] == "Failed"
    assert described["FailureReason"] == f"{kind}: {message[:1024]}, exit code: {code}"
    assert described["SecondaryStatusTransitions"][-1]["StatusMessage"] == "Training job failed"
    assert bench.objects(f"models/{job}/") == {}


def test_a_stopped_job_keeps_its_saved_files(bench: Workbench) -> None:
    job = bench.train(HyperParameters={"wait": "yes", "answer": "half"})
    until(lambda: "Waiting" in lines_so_far(bench, job))
    bench.sagemaker.stop_training_job(TrainingJobName=job)
    described = bench.ended(job)
    assert described["TrainingJobStatus"] == described["SecondaryStatus"] == "Stopped"
    passed = [step["Status"] for step in described["SecondaryStatusTransitions"]]
    assert passed[-3:] == ["Stopping", "Uploading", "Stopped"]
    assert artifact(bench, job)["answer.txt"] == "half"
    with pytest.raises(ClientError, match="rejected because the training job is in status Stopped"):
        bench.sagemaker.stop_training_job(TrainingJobName=job)


def lines_so_far(bench: Workbench, job: str) -> list[str]:
    try:
        return bench.log_lines(GROUP, job)
    except bench.logs.exceptions.ResourceNotFoundException:
        return []


def test_a_job_ends_at_its_time_limit(bench: Workbench) -> None:
    job = bench.train(HyperParameters={"wait": "yes"}, StoppingCondition={"MaxRuntimeInSeconds": 4})
    described = bench.ended(job)
    assert (described["TrainingJobStatus"], described["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert "answer.txt" in artifact(bench, job)


def test_jobs_wait_for_capacity_in_order(bench: Workbench) -> None:
    first = [bench.train(HyperParameters={"wait": "yes"}) for _ in range(2)]
    waiting = bench.train()
    described = until(lambda: pending(bench, waiting))
    assert described["TrainingJobStatus"] == "InProgress"
    assert described["SecondaryStatusTransitions"][-1]["StatusMessage"] == "Training job waiting for capacity"
    never = bench.train()
    until(lambda: pending(bench, never))
    bench.sagemaker.stop_training_job(TrainingJobName=never)
    assert bench.ended(never)["SecondaryStatus"] == "Stopped"
    for job in first:
        bench.sagemaker.stop_training_job(TrainingJobName=job)
    assert bench.ended(waiting)["TrainingJobStatus"] == "Completed"


def pending(bench: Workbench, job: str) -> dict[str, Any] | None:
    described: dict[str, Any] = bench.sagemaker.describe_training_job(TrainingJobName=job)
    return described if described["SecondaryStatus"] == "Pending" else None


def test_checkpoints_are_copied_to_s3_and_restored(bench: Workbench) -> None:
    checkpoints = {"S3Uri": f"s3://{bench.bucket}/checkpoints"}
    bench.ended(bench.train(CheckpointConfig=checkpoints))
    assert bench.objects("checkpoints/") == {"checkpoints/epoch-0.txt": b""}
    bench.ended(bench.train(CheckpointConfig=checkpoints))
    assert bench.objects("checkpoints/")["checkpoints/epoch-1.txt"] == b"epoch-0.txt"


def test_a_channel_without_objects_is_rejected_with_the_message_of_aws(bench: Workbench) -> None:
    uri = f"s3://{bench.bucket}/nothing/"
    with pytest.raises(ClientError) as refused:
        bench.train({"train": {"S3Uri": uri}})
    assert refused.value.response["Error"] == {
        "Code": "ValidationException",
        "Message": (
            f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the bucket '
            "exists in the selected region (us-east-1), that objects exist under that S3 prefix, and that the role "
            f'"{ROLE}" has "s3:ListBucket" permissions on bucket "{bench.bucket}".'
        ),
    }


def test_an_unknown_container_image_is_rejected_with_the_available_ones(bench: Workbench) -> None:
    with pytest.raises(ClientError, match=r"no program for the container image.*Available: .*test-image") as refused:
        bench.train(image="111122223333.dkr.ecr.us-east-1.amazonaws.com/never-heard-of:1")
    assert refused.value.response["Error"]["Code"] == "ValidationException"


@pytest.mark.parametrize(
    ("repository", "reported"),
    [
        ("kmeans", "K-Means is a proprietary AWS algorithm.*KMeans on the sagemaker-scikit-learn image"),
        ("factorization-machines", "Factorization Machines is a proprietary AWS algorithm.*pytorch-training image"),
    ],
)
def test_a_closed_source_algorithm_is_rejected_with_an_alternative(
    bench: Workbench, repository: str, reported: str
) -> None:
    with pytest.raises(ClientError, match=reported) as refused:
        bench.train(image=f"811284229777.dkr.ecr.us-east-1.amazonaws.com/{repository}:1")
    assert refused.value.response["Error"]["Code"] == "ValidationException"


@pytest.mark.parametrize(
    "request_",
    [
        {
            "ResourceConfig": {
                "InstanceGroups": [{"InstanceType": "ml.m5.large", "InstanceCount": 1, "InstanceGroupName": "a"}],
                "VolumeSizeInGB": 1,
            }
        },
        {"AlgorithmSpecification": {"TrainingInputMode": "File", "AlgorithmName": "mine"}},
    ],
)
def test_unsupported_features_are_rejected_by_name(bench: Workbench, request_: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match="The local cloud does not support") as refused:
        bench.train(**request_)
    assert refused.value.response["Error"]["Code"] == "NotImplemented"


def test_names_are_unique_and_missing_jobs_are_reported(bench: Workbench) -> None:
    job = bench.train()
    with pytest.raises(ClientError, match="training job with this name already exists") as refused:
        bench.train(TrainingJobName=job)
    assert refused.value.response["Error"]["Code"] == "ResourceInUse"
    with pytest.raises(ClientError, match=r"Requested resource not found\.") as missing:
        bench.sagemaker.describe_training_job(TrainingJobName="missing")
    assert missing.value.response["Error"]["Code"] == "ValidationException"
    bench.ended(job)
    bench.sagemaker.delete_training_job(TrainingJobName=job)
    with pytest.raises(ClientError, match="not found"):
        bench.sagemaker.describe_training_job(TrainingJobName=job)


def test_jobs_are_listed_in_pages_by_name_and_status(bench: Workbench) -> None:
    prefix = bench.name("listed")
    names = [f"{prefix}-{letter}" for letter in "abc"]
    for name in names:
        bench.ended(bench.train(TrainingJobName=name)) if name != names[1] else bench.train(
            TrainingJobName=name, HyperParameters={"failure": "no", "code": "1"}
        )
    for name in names:
        until(lambda name=name: "TrainingEndTime" in bench.sagemaker.describe_training_job(TrainingJobName=name))  # type: ignore[misc]

    def listed(**query: Any) -> list[str]:
        pages = bench.sagemaker.get_paginator("list_training_jobs").paginate(
            NameContains=prefix.upper(), PaginationConfig={"PageSize": 1}, **query
        )
        return [item["TrainingJobName"] for page in pages for item in page["TrainingJobSummaries"]]

    assert listed() == names
    assert listed(SortBy="Name", SortOrder="Descending") == names[::-1]
    assert listed(SortBy="Status") == [names[0], names[2], names[1]]
    assert listed(StatusEquals="Failed") == [names[1]]
    assert listed(CreationTimeAfter=time.time() + 3600) == []
    with pytest.raises(ClientError, match="pagination token is invalid"):
        bench.sagemaker.list_training_jobs(NextToken="nonsense")


def test_every_value_of_a_metric_is_in_cloudwatch(bench):
    specification = {
        "TrainingImage": IMAGE,
        "TrainingInputMode": "File",
        "MetricDefinitions": [{"Name": "accuracy", "Regex": r"Train-accuracy=([0-9.]+)"}],
    }
    job = bench.train(AlgorithmSpecification=specification, HyperParameters={"accuracies": "0.25 0.5 0.75"})
    reported = bench.ended(job)
    (point,) = bench.cloud.client("cloudwatch").get_metric_statistics(
        Namespace="/aws/sagemaker/TrainingJobs",
        MetricName="accuracy",
        Dimensions=[{"Name": "TrainingJobName", "Value": job}],
        StartTime=reported["TrainingStartTime"],
        EndTime=reported["TrainingEndTime"] + timedelta(minutes=1),
        Period=3600,
        Statistics=["SampleCount", "Minimum", "Maximum"],
    )["Datapoints"]
    assert (point["SampleCount"], point["Minimum"], point["Maximum"]) == (3, 0.25, 0.75)


def test_a_job_without_resources_is_rejected(bench: Workbench) -> None:
    sagemaker = bench.cloud.client("sagemaker")
    request = {
        "TrainingJobName": "without-resources",
        "RoleArn": ROLE,
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "OutputDataConfig": {"S3OutputPath": "s3://none/"},
        "StoppingCondition": {"MaxRuntimeInSeconds": 5},
    }
    with pytest.raises(ClientError, match="Value null at 'resourceConfig' failed to satisfy constraint"):
        sagemaker.create_training_job(**request)
    for count in (0, 2**31 - 1):  # refused before host names are generated
        resources = {"InstanceType": "ml.m5.large", "InstanceCount": count, "VolumeSizeInGB": 1}
        with pytest.raises(ClientError, match=r"ResourceConfig\.InstanceCount"):
            sagemaker.create_training_job(**request, ResourceConfig=resources)
