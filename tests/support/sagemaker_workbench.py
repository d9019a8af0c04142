"""Shortcuts for the SageMaker tests: training data, models and endpoints of the tests' container image."""

from __future__ import annotations

import contextlib
import io
import tarfile
import time
import uuid
from collections.abc import Callable
from typing import Any

IMAGE = "111122223333.dkr.ecr.us-east-1.amazonaws.com/test-image:1"
ROLE = "arn:aws:iam::111122223333:role/SageMakerTest"
QUICK = {"Delay": 0.05, "MaxAttempts": 600}


def archive(**files: str) -> bytes:
    """Return a model.tar.gz; an underscore in a file's name becomes a dot."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name.replace("_", "."))
            member.size = len(content.encode())
            tar.addfile(member, io.BytesIO(content.encode()))
    return written.getvalue()


def until(condition: Callable[[], Any], seconds: float = 30) -> Any:
    """Poll until a condition returns a true value; return that value."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)
    return found


class Workbench:
    """A cloud with a new bucket, and shortcuts for what most tests need."""

    def __init__(self, cloud: Any) -> None:
        self.cloud = cloud
        self.sagemaker = cloud.client("sagemaker")
        self.runtime = cloud.client("sagemaker-runtime")
        self.s3 = cloud.client("s3")
        self.logs = cloud.client("logs")
        self.bucket = f"bucket-{uuid.uuid4().hex}"
        self.s3.create_bucket(Bucket=self.bucket)
        self._endpoints: list[str] = []

    def name(self, what: str) -> str:
        return f"{what}-{uuid.uuid4().hex[:12]}"

    def put(self, key: str, body: bytes | str) -> str:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)
        return f"s3://{self.bucket}/{key}"

    def objects(self, prefix: str) -> dict[str, bytes]:
        listed = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        keys = [item["Key"] for page in listed for item in page.get("Contents", [])]
        return {key: self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read() for key in keys}

    def train(self, channels: dict[str, Any] | None = None, image: str = IMAGE, **request: Any) -> str:
        wanted: dict[str, Any] = {
            "TrainingJobName": self.name("job"),
            "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": "File"},
            "RoleArn": ROLE,
            "OutputDataConfig": {"S3OutputPath": f"s3://{self.bucket}/models"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 300},
            **request,
        }
        if channels:
            wanted["InputDataConfig"] = [
                {"ChannelName": channel, "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", **source}}}
                for channel, source in channels.items()
            ]
        self.sagemaker.create_training_job(**wanted)
        return str(wanted["TrainingJobName"])

    def ended(self, job: str) -> dict[str, Any]:
        def described() -> Any:
            found = self.sagemaker.describe_training_job(TrainingJobName=job)
            return found if found["TrainingJobStatus"] in ("Completed", "Failed", "Stopped") else None

        found: dict[str, Any] = until(described, 60)
        return found

    def log_lines(self, group: str, prefix: str) -> list[str]:
        pages = self.logs.get_paginator("filter_log_events").paginate(logGroupName=group, logStreamNamePrefix=prefix)
        return [event["message"] for page in pages for event in page["events"]]

    def model(self, answer: str = "a", environment: dict[str, str] | None = None) -> str:
        name = self.name("model")
        data = self.put(f"data/{name}/model.tar.gz", archive(answer_txt=answer))
        container = {"Image": IMAGE, "ModelDataUrl": data, "Environment": environment or {}}
        self.sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=ROLE)
        return name

    def config(self, *models: str, weights: tuple[float, ...] = (), capture: dict[str, Any] | None = None) -> str:
        name = self.name("config")
        variants = [
            {
                "VariantName": "AllTraffic" if len(models) == 1 else f"Variant-{index}",
                "ModelName": model,
                "InitialInstanceCount": 1,
                "InstanceType": "ml.m5.large",
                "InitialVariantWeight": weights[index] if weights else 1.0,
            }
            for index, model in enumerate(models)
        ]
        more = {"DataCaptureConfig": capture} if capture else {}
        self.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants, **more)
        return name

    def capture(self, **options: Any) -> dict[str, Any]:
        return {
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": f"s3://{self.bucket}/captures",
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
            "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]},
            **options,
        }

    def endpoint(self, config: str | None = None, wait: bool = True) -> str:
        name = self.name("endpoint")
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config or self.config(self.model()))
        self._endpoints.append(name)
        if wait:
            self.in_service(name)
        return name

    def in_service(self, endpoint: str) -> None:
        self.sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=endpoint, WaiterConfig=QUICK)

    def invoke(self, endpoint: str, body: bytes | str = b"{}", kind: str = "application/json", **more: Any) -> Any:
        return self.runtime.invoke_endpoint(EndpointName=endpoint, Body=body, ContentType=kind, **more)

    def delete(self, endpoint: str) -> None:
        self.sagemaker.delete_endpoint(EndpointName=endpoint)
        self.sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=endpoint, WaiterConfig=QUICK)

    def close(self) -> None:
        for endpoint in self._endpoints:
            with contextlib.suppress(self.sagemaker.exceptions.ClientError):  # the test may have deleted it
                self.sagemaker.delete_endpoint(EndpointName=endpoint)
