"""The BlazingText container image: training, inference, and errors that the user can correct."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.sagemaker_workbench import ROLE, Workbench

pytest.importorskip("floret", reason="the package that trains in BlazingText's place is not installed")

BLAZINGTEXT = "811284229777.dkr.ecr.us-east-1.amazonaws.com/blazingtext:1"
REVIEWS = "\n".join(
    f"__label__{label} this scone was {reported} on day {day % 9}"
    for day in range(100)
    for label, reported in (("good", "warm and lovely"), ("bad", "cold and stale"))
)


def trained(bench: Workbench, data: str = REVIEWS, **parameters: str) -> dict[str, Any]:
    bench.put("reviews/a.txt", data)
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bench.bucket}/reviews/"}}
    channels = [{"ChannelName": name, "DataSource": source} for name in ("train", "validation")]
    given = {"mode": "supervised", "vector_dim": "10", "learning_rate": "0.5", **parameters}
    return bench.ended(bench.train(image=BLAZINGTEXT, InputDataConfig=channels, HyperParameters=given))


def test_a_text_classifier_trains_and_predicts(bench: Workbench) -> None:
    job = trained(bench, epochs="7", min_epochs="6", patience="1", early_stopping="True")
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    lines = bench.log_lines("/aws/sagemaker/TrainingJobs", job["TrainingJobName"])
    assert any("training uses floret, a fork of fastText, instead" in line for line in lines)
    assert "Number of train examples: 200" in lines
    final = {metric["MetricName"]: metric["Value"] for metric in job["FinalMetricDataList"]}
    assert final["train:accuracy"] == final["validation:accuracy"] == 1

    name = bench.name("model")
    container = {"Image": BLAZINGTEXT, "ModelDataUrl": job["ModelArtifacts"]["S3ModelArtifacts"]}
    bench.sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=ROLE)
    endpoint = bench.endpoint(bench.config(name))
    body = json.dumps({"instances": ["warm and lovely", "cold and stale"], "configuration": {"k": 2}})
    good, bad = json.loads(bench.invoke(endpoint, body)["Body"].read())
    assert good["label"] == ["__label__good", "__label__bad"]
    assert bad["label"][0] == "__label__bad"
    assert sum(good["prob"]) == pytest.approx(1, abs=0.01)
    two = '{"source": "warm and lovely"}\n{"source": "cold and stale", "k": 2}\n'
    reported = bench.invoke(endpoint, two, "application/jsonlines")["Body"].read().splitlines()
    assert [len(json.loads(line)["label"]) for line in reported] == [1, 2]
    with pytest.raises(bench.runtime.exceptions.ModelError, match="list of texts") as refused:
        bench.invoke(endpoint, '{"texts": []}')
    assert refused.value.response["OriginalStatusCode"] == 400


@pytest.mark.parametrize(
    ("parameters", "data", "reported"),
    [
        ({"epochs": "none"}, REVIEWS, "epochs is 'none'; it must be an integer greater than 0"),
        ({"mode": "skipgram"}, REVIEWS, "does not support mode skipgram"),
        ({}, "no label here", "has no label"),
    ],
)
def test_invalid_input_is_a_client_error(
    bench: Workbench, parameters: dict[str, str], data: str, reported: str
) -> None:
    reason = trained(bench, data, **parameters)["FailureReason"]
    assert reason.startswith("ClientError: ")
    assert reported in reason
