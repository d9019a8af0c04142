"""Data capture: the format, sampling and delivery of capture records."""

from __future__ import annotations

import base64
import json
import re
import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from support.sagemaker_workbench import Workbench, until

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
PNG = b"\x89PNG picture"


def captured(bench: Workbench, endpoint: str) -> list[bytes]:
    """Delete an endpoint, which flushes its capture records; return the records' lines."""
    bench.delete(endpoint)
    return [line for body in bench.objects("captures/").values() for line in body.splitlines(keepends=True)]


def test_a_capture_record_equals_one_of_aws_to_the_byte(bench: Workbench) -> None:
    endpoint = bench.endpoint(bench.config(bench.model(), capture=bench.capture()))
    before = datetime.now(UTC).replace(microsecond=0)
    bench.invoke(endpoint, PNG, "image/png")
    after = datetime.now(UTC)
    (line,) = captured(bench, endpoint)
    record = json.loads(line)
    metadata = record["eventMetadata"]
    assert line.decode() == (
        '{"captureData":{"endpointInput":{"observedContentType":"image/png","mode":"INPUT","data":"'
        + base64.b64encode(PNG).decode()
        + '","encoding":"BASE64"},"endpointOutput":{"observedContentType":"application/json","mode":"OUTPUT",'
        '"data":"[0.9, 0.1]","encoding":"JSON"}},"eventMetadata":{"eventId":"'
        + metadata["eventId"]
        + '","inferenceTime":"'
        + metadata["inferenceTime"]
        + '"},"eventVersion":"0"}\n'
    )
    assert re.fullmatch(UUID, metadata["eventId"])
    moment = datetime.strptime(metadata["inferenceTime"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert before <= moment <= after

    (key,) = bench.objects("captures/")
    hour, second = moment.strftime("%Y/%m/%d/%H"), moment.strftime("%M-%S")
    assert re.fullmatch(rf"captures/{endpoint}/AllTraffic/{hour}/{second}-\d{{3}}-{UUID}\.jsonl", key)


@pytest.mark.parametrize(
    ("kind", "headers", "encoding"),
    [
        ("text/csv; charset=utf-8", {"CsvContentTypes": ["text/csv"]}, "CSV"),
        ("application/json", {"JsonContentTypes": ["application/json"]}, "JSON"),
        ("application/json", {"CsvContentTypes": ["text/csv"]}, "BASE64"),
        ("text/plain", {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]}, "BASE64"),
        ("text/csv", None, "BASE64"),
    ],
)
def test_the_content_type_decides_the_encoding(
    bench: Workbench, kind: str, headers: dict[str, Any] | None, encoding: str
) -> None:
    capture = bench.capture(CaptureOptions=[{"CaptureMode": "Input"}], CaptureContentTypeHeader=headers)
    if headers is None:
        del capture["CaptureContentTypeHeader"]
    endpoint = bench.endpoint(bench.config(bench.model(), capture=capture))
    body = 'é,"2"\n'
    bench.invoke(endpoint, body.encode(), kind, InferenceId="mine")
    (line,) = captured(bench, endpoint)
    record = json.loads(line)
    data = base64.b64encode(body.encode()).decode() if encoding == "BASE64" else body
    assert record["captureData"] == {
        "endpointInput": {"observedContentType": kind, "mode": "INPUT", "data": data, "encoding": encoding}
    }
    assert record["eventMetadata"]["inferenceId"] == "mine"


def test_every_response_is_captured_once_and_failures_are_not(bench: Workbench) -> None:
    endpoint = bench.endpoint(bench.config(bench.model(), capture=bench.capture()))
    numbers = [str(number) for number in range(60)]

    def ask(part: list[str]) -> None:
        for number in part:
            bench.invoke(endpoint, number, "application/json")

    threads = [threading.Thread(target=ask, args=(numbers[start::4],)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for _ in range(3):
        with pytest.raises(bench.runtime.exceptions.ModelError):
            bench.invoke(endpoint, b"no image", "image/png")
    records = [json.loads(line) for line in captured(bench, endpoint)]
    assert sorted(record["captureData"]["endpointInput"]["data"] for record in records) == sorted(numbers)
    assert len({record["eventMetadata"]["eventId"] for record in records}) == len(numbers)


def test_a_sampling_percentage_of_zero_captures_nothing(bench: Workbench) -> None:
    capture = bench.capture(InitialSamplingPercentage=0)
    endpoint = bench.endpoint(bench.config(bench.model(), capture=capture))
    summary = bench.sagemaker.describe_endpoint(EndpointName=endpoint)["DataCaptureConfig"]
    assert summary == {
        "EnableCapture": True,
        "CaptureStatus": "Started",
        "CurrentSamplingPercentage": 0,
        "DestinationS3Uri": f"s3://{bench.bucket}/captures",
        "KmsKeyId": "",
    }
    for _ in range(5):
        bench.invoke(endpoint, PNG, "image/png")
    assert captured(bench, endpoint) == []


def test_captures_appear_while_the_endpoint_serves(bench: Workbench) -> None:
    endpoint = bench.endpoint(bench.config(bench.model(), capture=bench.capture()))
    bench.invoke(endpoint, PNG, "image/png")
    (body,) = until(lambda: bench.objects(f"captures/{endpoint}/")).values()
    assert body.count(b"\n") == 1


def test_records_wait_for_a_missing_bucket(bench: Workbench) -> None:
    missing = f"{bench.bucket}-late"
    capture = bench.capture(DestinationS3Uri=f"s3://{missing}/captures")
    endpoint = bench.endpoint(bench.config(bench.model(), capture=capture))
    bench.invoke(endpoint, PNG, "image/png")
    spools = bench.cloud.data_dir / "sagemaker" / "capture"
    until(lambda: any(missing.encode() in path.read_bytes() for path in spools.iterdir()))
    bench.s3.create_bucket(Bucket=missing)
    bench.bucket = missing
    assert len(captured(bench, endpoint)) == 1
