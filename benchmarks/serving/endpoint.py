"""The endpoint on our cloud: a model of the built-in algorithm, with data capture of all requests."""

from __future__ import annotations

import io
import tarfile
import time
from pathlib import Path
from typing import Any

from benchmarks.clouds import Cloud
from benchmarks.serving.images import draw_image

NAME = "benchmark"
BUCKET = "benchmark-endpoint"
ROLE = "arn:aws:iam::111122223333:role/benchmark"
IMAGE = "811284229777.dkr.ecr.us-east-1.amazonaws.com/image-classification:1"


def deploy(cloud: Cloud, folder: Path) -> Path:
    """Train on a few images and deploy with capture. Returns a container's folder with the same model.

    A few images are enough: the model's size, and thus its speed, is that of the real one.
    """
    artifact = _train(cloud)
    _deploy(cloud.client("sagemaker"), artifact)
    bucket, _, key = artifact.removeprefix("s3://").partition("/")
    content = cloud.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        archive.extractall(folder / "model", filter="data")
    return folder


def _train(cloud: Cloud) -> str:
    s3, sagemaker = cloud.client("s3"), cloud.client("sagemaker")
    s3.create_bucket(Bucket=BUCKET)
    for channel in ("train", "validation"):
        names = [(index, index % 2, f"{channel}-{index}.png") for index in range(64)]
        for index, label, name in names:
            s3.put_object(Bucket=BUCKET, Key=f"{channel}/{name}", Body=draw_image(label, index))
        lines = "".join(f"{index}\t{label}\t{name}\n" for index, label, name in names)
        s3.put_object(Bucket=BUCKET, Key=f"{channel}_lst/{channel}.lst", Body=lines.encode())
    sagemaker.create_training_job(
        TrainingJobName="benchmark",
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        RoleArn=ROLE,
        HyperParameters={"num_classes": "2", "num_training_samples": "64", "image_shape": "3,32,32", "epochs": "1"},
        InputDataConfig=[_channel(name) for name in ("train", "validation", "train_lst", "validation_lst")],
        OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/models"},
        ResourceConfig={"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
    )
    while True:
        job = sagemaker.describe_training_job(TrainingJobName="benchmark")
        if job["TrainingJobStatus"] == "Completed":
            artifact: str = job["ModelArtifacts"]["S3ModelArtifacts"]
            return artifact
        assert job["TrainingJobStatus"] == "InProgress", job.get("FailureReason")
        time.sleep(0.2)


def _channel(name: str) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/{name}/", "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, "ContentType": "application/x-image"}


def _deploy(sagemaker: Any, artifact: str) -> None:
    sagemaker.create_model(
        ModelName="benchmark", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": IMAGE, "ModelDataUrl": artifact}
    )
    sagemaker.create_endpoint_config(
        EndpointConfigName="benchmark",
        ProductionVariants=[
            {
                "VariantName": "AllTraffic",
                "ModelName": "benchmark",
                "InstanceType": "ml.m5.xlarge",
                "InitialInstanceCount": 1,
            }
        ],
        DataCaptureConfig={
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": f"s3://{BUCKET}/captured",
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        },
    )
    sagemaker.create_endpoint(EndpointName=NAME, EndpointConfigName="benchmark")
    while (status := sagemaker.describe_endpoint(EndpointName=NAME)["EndpointStatus"]) != "InService":
        assert status == "Creating", status
        time.sleep(0.05)
