"""Transform jobs: a model receives every object, and its responses are stored in S3."""

from __future__ import annotations

import gzip
import json
import uuid
from typing import Any

import pytest

from support.sagemaker_workbench import Workbench, until


def transform(bench: Workbench, model: str, prefix: str, **request: Any) -> str:
    """Start a transform job on the objects of a prefix; return its name."""
    name = bench.name("transform")
    data = {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bench.bucket}/{prefix}"}}}
    bench.sagemaker.create_transform_job(
        TransformJobName=name,
        ModelName=model,
        TransformInput={**data, "ContentType": "text/csv", **request.pop("TransformInput", {})},
        TransformOutput={"S3OutputPath": f"s3://{bench.bucket}/out/{name}", **request.pop("TransformOutput", {})},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
        **request,
    )
    return name


def ended(bench: Workbench, name: str) -> dict[str, Any]:
    def described() -> Any:
        found = bench.sagemaker.describe_transform_job(TransformJobName=name)
        return found if found["TransformJobStatus"] in ("Completed", "Failed", "Stopped") else None

    found: dict[str, Any] = until(described, 60)
    return found


def test_every_object_has_a_prediction(bench):
    prefix = bench.name("data")
    bench.put(f"{prefix}/a.csv", "1,2\n3,4\n")
    bench.put(f"{prefix}/deep/b.csv", "5,6\n")
    name = transform(bench, bench.model("whole"), f"{prefix}/", Environment={"TEST_VARIABLE": "given"})
    reported = ended(bench, name)
    assert reported["TransformJobStatus"] == "Completed"
    assert reported["CreationTime"] <= reported["TransformStartTime"] <= reported["TransformEndTime"]
    assert reported["DataProcessing"] == {"InputFilter": "$", "OutputFilter": "$", "JoinSource": "None"}
    found = {key.removeprefix(f"out/{name}/"): json.loads(body) for key, body in bench.objects(f"out/{name}").items()}
    assert {key: (answer["model"], answer["body"], answer["variable"]) for key, answer in found.items()} == {
        "a.csv.out": ("whole", "1,2\n3,4\n", "given"),
        "deep/b.csv.out": ("whole", "5,6\n", "given"),
    }


@pytest.mark.parametrize(
    ("strategy", "bodies"), [("SingleRecord", ["1\n", "2\n", "3\n"]), ("MultiRecord", ["1\n2\n3\n"])]
)
def test_lines_are_sent_singly_or_in_batches_and_returned_in_order(bench, strategy, bodies):
    prefix = bench.name("data")
    bench.put(f"{prefix}/a.csv", "1\n2\n3\n")
    name = transform(
        bench,
        bench.model("lines"),
        prefix,
        BatchStrategy=strategy,
        MaxConcurrentTransforms=2,
        TransformInput={"SplitType": "Line"},
        TransformOutput={"AssembleWith": "Line", "Accept": "application/json"},
    )
    assert ended(bench, name)["TransformJobStatus"] == "Completed"
    (body,) = bench.objects(f"out/{name}").values()
    answers = [json.loads(line) for line in body.splitlines()]
    assert [answer["body"] for answer in answers] == bodies
    assert {answer["accept"] for answer in answers} == {"application/json"}


def test_an_error_of_the_model_fails_the_job_and_is_in_the_data_log(bench):
    prefix = bench.name("data")
    bench.put(f"{prefix}/a.csv", "fail")
    name = transform(bench, bench.model(), prefix)
    reported = ended(bench, name)
    assert (reported["TransformJobStatus"], reported["FailureReason"]) == (
        "Failed",
        "AlgorithmError: See job logs for more information",
    )
    lines = bench.log_lines("/aws/sagemaker/TransformJobs", f"{name}/")
    texts = [line.partition(f":[sagemaker logs]: {bench.bucket}/{prefix}/a.csv: ")[2] for line in lines]
    assert "AlgorithmError: 500" in texts
    assert texts[-3:] == ["", "Message:", "it failed"]
    assert bench.objects(f"out/{name}") == {}


def test_a_missing_model_is_rejected(bench):
    with pytest.raises(bench.sagemaker.exceptions.ClientError, match="Could not find model"):
        transform(bench, "none", "data")
    with pytest.raises(bench.sagemaker.exceptions.ClientError, match="TFRecord"):
        transform(bench, bench.model(), "data", TransformInput={"SplitType": "TFRecord"})


@pytest.mark.slow
def test_running_jobs_fail_after_a_crash(start_cloud):
    cloud = start_cloud()
    bench = Workbench(cloud)
    bench.put("data/a.csv", "1")
    name = transform(bench, bench.model(environment={"TEST_SECONDS_TO_LOAD": "60"}), "data")
    until(lambda: "TransformStartTime" in bench.sagemaker.describe_transform_job(TransformJobName=name))
    cloud.kill()
    bench = Workbench(start_cloud())
    reported = bench.sagemaker.describe_transform_job(TransformJobName=name)
    assert reported["TransformJobStatus"] == "Failed"
    assert reported["FailureReason"].startswith("InternalServerError: the local cloud was stopped")


def stored(bench: Workbench, name: str) -> str:
    assert ended(bench, name)["TransformJobStatus"] == "Completed"
    (body,) = bench.objects(f"out/{name}").values()
    return body.decode()


@pytest.mark.parametrize("strategy", ["SingleRecord", "MultiRecord"])
def test_filtered_columns_are_joined_to_the_predictions(bench, strategy):
    prefix = bench.name("data")
    bench.put(f"{prefix}/a.csv", 'one,1,2\n"two, too",3,4\n')
    name = transform(
        bench,
        bench.model("echo"),
        prefix,
        BatchStrategy=strategy,
        TransformInput={"SplitType": "Line"},
        TransformOutput={"AssembleWith": "Line", "Accept": "text/csv"},
        DataProcessing={"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,3,4]"},
    )
    assert stored(bench, name) == 'one,1,2\n"two, too",3,4\n'


def test_json_lines_are_filtered_and_joined_by_name(bench):
    prefix = bench.name("data")
    bench.put(f"{prefix}/a.jsonl", '{"id": 1, "features": [1, 2], "rest": 0}\n{"id": 2, "features": [3], "rest": 0}\n')
    request: dict[str, Any] = {
        "TransformInput": {"SplitType": "Line", "ContentType": "application/jsonlines"},
        "TransformOutput": {"AssembleWith": "Line", "Accept": "application/jsonlines"},
    }
    processing = {"InputFilter": "$.features", "JoinSource": "Input", "OutputFilter": "$['id','SageMakerOutput']"}
    name = transform(bench, bench.model("echo"), prefix, DataProcessing=processing, **request)
    assert [json.loads(line) for line in stored(bench, name).splitlines()] == [
        {"id": 1, "SageMakerOutput": [1, 2]},
        {"id": 2, "SageMakerOutput": [3]},
    ]


def test_a_manifest_names_compressed_objects_and_the_capture_names_input_and_output(bench):
    prefix = bench.name("data")
    for name in ("a.csv.gz", "b.csv.gz"):
        bench.put(f"{prefix}/{name}", gzip.compress(b"1,2\n3,4\n"))
    bench.put(f"{prefix}/left-out.csv.gz", b"no gzip")
    manifest = bench.put(f"{prefix}.manifest", json.dumps([{"prefix": f"s3://{bench.bucket}/{prefix}/"}, "a.csv.gz"]))
    source = {"DataSource": {"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": manifest}}}
    capture = bench.name("capture")
    name = transform(
        bench,
        bench.model("echo"),
        prefix,
        TransformInput={**source, "SplitType": "Line", "CompressionType": "Gzip"},
        TransformOutput={"AssembleWith": "Line", "Accept": "text/csv"},
        DataCaptureConfig={"DestinationS3Uri": f"s3://{bench.bucket}/{capture}", "GenerateInferenceId": True},
    )
    rows = [line.split(",") for line in stored(bench, name).splitlines()]
    assert [row[:2] for row in rows] == [["1", "2"], ["3", "4"]]
    assert len({uuid.UUID(row[2]) for row in rows}) == 2
    (begun,) = {row[3] for row in rows}
    hour = begun[:13].replace("-", "/").replace("T", "/")
    found = {key.rpartition("/")[0]: json.loads(body) for key, body in bench.objects(f"{capture}/").items()}
    assert found == {
        f"{capture}/input/{hour}": [{"prefix": f"s3://{bench.bucket}/{prefix}/"}, "a.csv.gz"],
        f"{capture}/output/{hour}": [{"prefix": f"s3://{bench.bucket}/out/{name}/"}, "a.csv.gz.out"],
    }


def test_an_impossible_join_fails_the_job_and_invalid_paths_are_rejected(bench):
    prefix = bench.name("data")
    bench.put(f"{prefix}/a.csv", "1,2\n3,4\n")
    request: dict[str, Any] = {
        "TransformInput": {"SplitType": "Line"},
        "TransformOutput": {"AssembleWith": "Line", "Accept": "text/csv"},
    }
    model = bench.model("echo")
    name = transform(bench, model, prefix, DataProcessing={"OutputFilter": "$[7]"}, **request)
    assert ended(bench, name)["TransformJobStatus"] == "Failed"
    lines = bench.log_lines("/aws/sagemaker/TransformJobs", f"{name}/")
    assert any("refers to column 7 of a record with 2 columns" in line for line in lines)
    with pytest.raises(bench.sagemaker.exceptions.ClientError, match="is invalid"):
        transform(bench, model, prefix, DataProcessing={"InputFilter": "$[1:"}, **request)
    with pytest.raises(bench.sagemaker.exceptions.ClientError, match="SplitType Line"):
        transform(bench, model, prefix, DataProcessing={"InputFilter": "$[1:]"})


@pytest.mark.parametrize(("path", "part"), [("$[0:1,1:]", "[0:1,1:]"), ("$[0,1:]", "[0,1:]")])
def test_a_filter_with_several_ranges_fails_the_job_with_the_message_of_aws(bench, path, part):
    prefix = bench.name("data")
    bench.put(f"{prefix}/a.csv", "1,2\n3,4\n")
    name = transform(
        bench,
        bench.model("echo"),
        prefix,
        DataProcessing={"OutputFilter": path},
        TransformInput={"SplitType": "Line"},
        TransformOutput={"AssembleWith": "Line", "Accept": "text/csv"},
    )
    reported = ended(bench, name)
    message = (
        f"Invalid JsonPath: {path}: only single range filters of format (eg: [1:5]) are supported. "
        f"Format {part} is not supported"
    )
    assert reported["TransformJobStatus"] == "Failed"
    assert reported["FailureReason"] == "ClientError: See job logs for more information"
    lines = bench.log_lines("/aws/sagemaker/TransformJobs", f"{name}/")
    assert any(line.endswith(f":[sagemaker logs]: {bench.bucket}/{prefix}/a.csv: {message}") for line in lines)


def test_a_filter_with_a_character_that_aws_does_not_support_is_rejected(bench):
    with pytest.raises(bench.sagemaker.exceptions.ClientError) as refused:
        transform(
            bench,
            bench.model(),
            "data",
            DataProcessing={"JoinSource": "Input", "OutputFilter": "$['account_id','SageMakerOutput']"},
            TransformInput={"SplitType": "Line", "ContentType": "application/jsonlines"},
        )
    assert refused.value.response["Error"] == {
        "Code": "ValidationException",
        "Message": (
            "Invalid OutputFilter: \"$['account_id','SageMakerOutput']\". Unexpected \"_\" in JsonPath. Supported "
            "operators for \"application/jsonlines\" are ['$', '[', ']', '*', '.', ' ', ',', ':', '-', ''']"
        ),
    }
