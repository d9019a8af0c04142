"""The XGBoost container image: training, inference, and errors that the user can correct."""

from __future__ import annotations

import io
import json
import pickle
import tarfile
from typing import Any

import pytest

from support.sagemaker_workbench import ROLE, Workbench

xgboost = pytest.importorskip("xgboost", reason="the package behind AWS's XGBoost image is not installed")

XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
ROWS = "\n".join(f"{int(i % 2)},{i % 2 + i / 1000},{i % 7}" for i in range(100))


def trained(bench: Workbench, data: str = ROWS, kind: str = "text/csv", **parameters: str) -> dict[str, Any]:
    bench.put("rows/a.data", data)
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bench.bucket}/rows/"}}
    channels = [{"ChannelName": name, "ContentType": kind, "DataSource": source} for name in ("train", "validation")]
    given = {"num_round": "5", "objective": "binary:logistic", **parameters}
    return bench.ended(bench.train(image=XGBOOST, InputDataConfig=channels, HyperParameters=given))


def test_the_algorithm_trains_and_its_model_scores_rows(bench: Workbench) -> None:
    job = trained(bench, eval_metric="auc,accuracy", max_depth="2")
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    lines = bench.log_lines("/aws/sagemaker/TrainingJobs", job["TrainingJobName"])
    assert any(line.startswith("[4]#011train-auc:1.00000#011") and "#011validation-auc:" in line for line in lines)
    final = {metric["MetricName"]: metric["Value"] for metric in job["FinalMetricDataList"]}
    assert final["validation:auc"] == 1

    name = bench.name("model")
    container = {"Image": XGBOOST, "ModelDataUrl": job["ModelArtifacts"]["S3ModelArtifacts"]}
    bench.sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=ROLE)
    endpoint = bench.endpoint(bench.config(name))
    answer = bench.invoke(endpoint, "0.05,3\n1.05,3", "text/csv")
    assert answer["ContentType"] == "text/csv; charset=utf-8"
    low, high = map(float, answer["Body"].read().split())
    assert low < 0.5 < high
    reported = json.loads(bench.invoke(endpoint, "0:1.05 1:3", "text/libsvm", Accept="application/json")["Body"].read())
    assert list(reported["predictions"][0]) == ["score"]


def test_libsvm_is_the_default_content_type_of_a_channel(bench: Workbench) -> None:
    lines = "\n".join(f"{i % 2} 0:{i % 2} 1:{i}" for i in range(50))
    assert trained(bench, lines, "text/libsvm")["TrainingJobStatus"] == "Completed"


@pytest.mark.parametrize(
    ("parameters", "data", "reported"),
    [
        ({"objective": "reg:never"}, ROWS, "XGB train call failed with exception"),
        ({}, "a,b\nc,d", "is not in text/csv format"),
        ({"_kfold": "3"}, ROWS, "_kfold"),
    ],
)
def test_invalid_input_is_a_client_error(
    bench: Workbench, parameters: dict[str, str], data: str, reported: str
) -> None:
    reason = trained(bench, data, **parameters)["FailureReason"]
    assert reason.startswith("ClientError: ")
    assert reported in reason


def test_a_pickled_model_of_a_script_can_be_served(bench: Workbench) -> None:
    rows = xgboost.DMatrix([[0.0], [1.0]], label=[0, 1])
    booster = xgboost.train({"objective": "reg:squarederror", "min_child_weight": 0}, rows, 20)
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as tar:
        body = pickle.dumps(booster)
        member = tarfile.TarInfo("xgboost-model")
        member.size = len(body)
        tar.addfile(member, io.BytesIO(body))
    name = bench.name("model")
    container = {"Image": XGBOOST, "ModelDataUrl": bench.put("pickled/model.tar.gz", written.getvalue())}
    bench.sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=ROLE)
    endpoint = bench.endpoint(bench.config(name))
    assert float(bench.invoke(endpoint, "1", "text/csv")["Body"].read()) == pytest.approx(1, abs=0.1)
