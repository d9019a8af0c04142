"""Pipe mode and augmented manifests: the data in a program's pipes, and training of the built-in classifier."""

from __future__ import annotations

import hashlib
import io
import json

import numpy as np
import pytest
from botocore.exceptions import ClientError
from PIL import Image

CLASSIFIER = "811284229777.dkr.ecr.us-east-1.amazonaws.com/image-classification:1"
READER = """
import hashlib, json, os, sys
base = os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")
seen = [hashlib.sha256(open(f"{base}/input/data/data_{epoch}", "rb").read()).hexdigest() for epoch in range(2)]
open(f"{base}/input/data/data_2", "rb").read(1)
seen.append(sorted(os.listdir(f"{base}/input/data")))
open(f"{base}/output/failure", "w").write(json.dumps(seen))
sys.exit(1)
"""


def channel(name, uri, kind="S3Prefix", attributes=None, **more):
    source = {"S3DataType": kind, "S3Uri": uri, **({"AttributeNames": attributes} if attributes else {})}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, "InputMode": "Pipe", **more}


def framed(content: bytes) -> bytes:
    return b"\x0a\x23\xd7\xce" + len(content).to_bytes(4, "little") + content + bytes(-len(content) % 4)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def seen(bench, wanted) -> list:
    """Run a program that reads two epochs and one byte of a third.

    Return the SHA-256 of each of the two epochs, and the names of the pipes that exist during the third.
    """
    specification = {
        "TrainingImage": CLASSIFIER,
        "TrainingInputMode": "File",
        "ContainerEntrypoint": ["python3", "-c"],
        "ContainerArguments": ["import os; exec(os.environ['READER'])"],
    }
    job = bench.train(AlgorithmSpecification=specification, Environment={"READER": READER}, InputDataConfig=[wanted])
    reason = bench.ended(job)["FailureReason"]
    return json.loads(reason.removeprefix("AlgorithmError: ").removesuffix(", exit code: 1"))


def test_objects_flow_through_a_pipe_for_each_epoch(bench):
    bench.put("parts/a", b"first ")
    uri = bench.put("parts/b", b"second" * 50_000).rsplit("/", 1)[0]
    first, second, left = seen(bench, channel("data", uri))
    assert first == second == digest(b"first " + b"second" * 50_000)
    assert "data_3" in left
    assert not {"data_0", "data_1"} & set(left)


def test_objects_are_wrapped_as_recordio_records(bench):
    bench.put("wrapped/a", b"first ")
    uri = bench.put("wrapped/b", b"").rsplit("/", 1)[0]
    first, _, _ = seen(bench, channel("data", uri, RecordWrapperType="RecordIO"))
    assert first == digest(framed(b"first ") + framed(b""))


def test_the_attributes_of_a_manifest_are_streamed_in_order(bench):
    bodies = [b"one", b"four"]
    lines = [
        {"source-ref": bench.put(f"manifest/{index}", body), "label": label, "label-metadata": {"x": 1}}
        for index, (body, label) in enumerate(zip(bodies, ("1", [0, 2]), strict=True))
    ]
    uri = bench.put("lists/a.manifest", "".join(json.dumps(line) + "\n" for line in lines))
    wanted = channel("data", uri, "AugmentedManifestFile", ["source-ref", "label"], RecordWrapperType="RecordIO")
    first, second, _ = seen(bench, wanted)
    assert first == digest(framed(b"one") + framed(b"1") + framed(b"four") + framed(b"[0, 2]"))
    assert second == first


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"source-ref": "s3://BUCKET/nowhere"}', "has no attribute 'label', although AttributeNames lists it."),
        ("{", "is not JSON."),
        (
            '{"source-ref": "nowhere", "label": "1"}',
            "has 'nowhere' as 'source-ref'; it must be the s3:// URI of an object.",
        ),
        ('{"source-ref": "s3://BUCKET/nowhere", "label": "1"}', "The specified key does not exist."),
    ],
)
def test_an_invalid_manifest_fails_the_job(bench, line, reason):
    uri = bench.put("lists/wrong.manifest", line.replace("BUCKET", bench.bucket))
    wanted = channel("train", uri, "AugmentedManifestFile", ["source-ref", "label"], RecordWrapperType="RecordIO")
    job = bench.train(
        image=CLASSIFIER,
        HyperParameters={"num_classes": "2", "num_training_samples": "1", "image_shape": "3,32,32"},
        InputDataConfig=[wanted],
    )
    ended = bench.ended(job)
    assert ended["TrainingJobStatus"] == "Failed"
    assert ended["FailureReason"].startswith("ClientError: Data download failed: ")
    assert reason in ended["FailureReason"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"InputMode": "File"},
            "AugmentedManifestFile is supported only in Pipe input mode; set that mode for channel 'train'.",
        ),
        ({"CompressionType": "Gzip"}, "The local cloud does not support decompression in Pipe input mode"),
        ({"attributes": None}, "AttributeNames is required with AugmentedManifestFile; set it for channel 'train'."),
    ],
)
def test_missing_settings_of_a_manifest_are_reported(bench, change, message):
    uri = bench.put("lists/any.manifest", "{}")
    wanted = channel("train", uri, "AugmentedManifestFile", **{"attributes": ["source-ref", "label"], **change})
    with pytest.raises(ClientError) as refused:
        bench.train(image=CLASSIFIER, InputDataConfig=[wanted])
    assert message in refused.value.response["Error"]["Message"]


@pytest.mark.slow
def test_the_classifier_learns_from_augmented_manifests(bench):
    """The request follows "Train with Augmented Manifest Image Format" in the Developer Guide."""
    channels = []
    for name, count in (("train", 48), ("validation", 12)):
        lines = []
        for index in range(count):
            pixels = np.random.default_rng(index + count).integers(0, 120, (32, 32, 3), dtype=np.uint8)
            top = 3 + index % 2 * 17
            pixels[top : top + 10, 10:20] += 130
            drawn = io.BytesIO()
            Image.fromarray(pixels).save(drawn, "PNG")
            location = bench.put(f"pictures/{name}/{index}.png", drawn.getvalue())
            lines.append({"source-ref": location, "class": str(index % 2), "class-metadata": {"type": "groundtruth/x"}})
        uri = bench.put(f"lists/{name}.manifest", "".join(json.dumps(line) + "\n" for line in lines))
        more = {"ContentType": "application/x-recordio", "RecordWrapperType": "RecordIO"}
        channels.append(channel(name, uri, "AugmentedManifestFile", ["source-ref", "class"], **more))
    job = bench.train(
        AlgorithmSpecification={"TrainingImage": CLASSIFIER, "TrainingInputMode": "Pipe"},
        InputDataConfig=channels,
        HyperParameters={
            "num_classes": "2",
            "num_training_samples": "48",
            "image_shape": "3,32,32",
            "epochs": "10",
            "mini_batch_size": "6",
        },
    )
    ended = bench.ended(job)
    assert ended["TrainingJobStatus"] == "Completed", ended.get("FailureReason")
    metrics = {metric["MetricName"]: metric["Value"] for metric in ended["FinalMetricDataList"]}
    assert metrics["validation:accuracy"] >= 0.9
    assert "train:accuracy" in metrics
