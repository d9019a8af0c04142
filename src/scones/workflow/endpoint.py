"""The endpoint: creates, reuses or updates the model, the configuration with data capture, and the endpoint itself."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from botocore.exceptions import ClientError

from scones.settings import Settings
from scones.workflow.provision import once_role_settles
from scones.workflow.target import Target
from scones.workflow.training import OnMessage, TrainedModel

if TYPE_CHECKING:  # stubs are not installed at run time
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.literals import ProductionVariantInstanceTypeType
    from mypy_boto3_sagemaker.type_defs import (
        ContainerDefinitionTypeDef,
        DataCaptureConfigTypeDef,
        DescribeEndpointOutputTypeDef,
        ProductionVariantTypeDef,
    )

VARIANT = "AllTraffic"
MAX_SECONDS = 1800.0


class EndpointError(Exception):
    """The endpoint is not in service; the message contains SageMaker's reason."""


@dataclass(frozen=True)
class DeployedEndpoint:
    """An endpoint in service: the seconds its deployment took, and whether it already served the same model."""

    endpoint_name: str
    seconds: float
    reused: bool


def deploy(
    target: Target, settings: Settings, trained: TrainedModel, role: str, captures: str, *, on_message: OnMessage
) -> DeployedEndpoint:
    """Deploy a trained model with data capture of all requests to `captures` (s3://…). Raises EndpointError."""
    began = time.monotonic()
    model = _model(target, trained, role)
    config = _config(target, settings, model, captures)
    client, name = target.client("sagemaker"), settings.endpoint_name
    found = _describe(client, name)
    if found and found["EndpointStatus"] not in ("InService", "Failed"):
        _wait(client, name, on_message)
        found = _describe(client, name)
    if found and found["EndpointStatus"] == "Failed":
        on_message(f"{name} had failed; recreating it")
        client.delete_endpoint(EndpointName=name)
        _wait_deleted(client, name)
        found = None
    if found and found["EndpointConfigName"] == config:
        return DeployedEndpoint(name, time.monotonic() - began, reused=True)
    if found:
        client.update_endpoint(EndpointName=name, EndpointConfigName=config)
    else:
        client.create_endpoint(EndpointName=name, EndpointConfigName=config)
    _wait(client, name, on_message)
    if (served := client.describe_endpoint(EndpointName=name)["EndpointConfigName"]) != config:
        raise EndpointError(f"Endpoint {name} rolled back to {served}: the new model could not be deployed.")
    return DeployedEndpoint(name, time.monotonic() - began, reused=False)


def captures_uri(bucket: str, dataset_uri: str) -> str:
    """Return the S3 URI of the captures of models of a dataset, given the dataset's URI.

    Each dataset has a separate prefix, so that predictions for other classes or synthetic images never mix.
    """
    return f"s3://{bucket}/captures/{dataset_uri.rpartition('/')[2]}"


def served_artifact(target: Target, settings: Settings) -> str:
    """Return the S3 URI of the endpoint's model.tar.gz. Raises EndpointError if the endpoint is not in service."""
    client = target.client("sagemaker")
    found = _describe(client, settings.endpoint_name)
    if found is None:
        raise EndpointError(f"Endpoint {settings.endpoint_name} does not exist; run `scones run --keep` first.")
    if found["EndpointStatus"] != "InService":
        raise EndpointError(
            f"Endpoint {settings.endpoint_name} is {found['EndpointStatus']}, not InService; try again later."
        )
    config = client.describe_endpoint_config(EndpointConfigName=found["EndpointConfigName"])
    model = client.describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])
    return model["PrimaryContainer"]["ModelDataUrl"]


def _model(target: Target, trained: TrainedModel, role: str) -> str:
    client = target.client("sagemaker")
    container: ContainerDefinitionTypeDef = {"Image": trained.image, "ModelDataUrl": trained.artifact}
    name = f"{trained.job[:50]}-{_digest(container, role)}"
    try:
        client.describe_model(ModelName=name)
    except client.exceptions.ClientError as error:
        if not _is_not_found(error):
            raise
        once_role_settles(
            lambda: client.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=role)
        )
    return name


def _config(target: Target, settings: Settings, model: str, captures: str) -> str:
    client = target.client("sagemaker")
    variant: ProductionVariantTypeDef = {
        "VariantName": VARIANT,
        "ModelName": model,
        "InitialInstanceCount": 1,
        # SageMaker validates it.
        "InstanceType": cast("ProductionVariantInstanceTypeType", settings.hosting_instance),
        "InitialVariantWeight": 1.0,
    }
    capture: DataCaptureConfigTypeDef = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": captures,
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]},
    }
    name = f"{settings.name}-{_digest({'ProductionVariants': [variant], 'DataCaptureConfig': capture})}"
    try:
        client.describe_endpoint_config(EndpointConfigName=name)
    except client.exceptions.ClientError as error:
        if not _is_not_found(error):
            raise
        client.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant], DataCaptureConfig=capture)
    return name


def _describe(client: SageMakerClient, name: str) -> DescribeEndpointOutputTypeDef | None:
    try:
        return client.describe_endpoint(EndpointName=name)
    except client.exceptions.ClientError as error:
        if not _is_not_found(error):
            raise
        return None


def _is_not_found(error: ClientError) -> bool:
    """Return True if the resource does not exist: SageMaker's ValidationException says so only in its message."""
    return "Could not find" in error.response["Error"]["Message"]


def _wait(client: SageMakerClient, name: str, on_message: OnMessage) -> None:
    """Wait until the endpoint is in service, polling with backoff, from every 0.1 s to every 5 s."""
    pause, status, deadline = 0.1, "", time.monotonic() + MAX_SECONDS
    while True:
        found = client.describe_endpoint(EndpointName=name)
        if found["EndpointStatus"] != status:
            status = found["EndpointStatus"]
            on_message(f"{name} is {status}")
        if status == "InService":
            return
        if status == "Failed":
            raise EndpointError(f"Endpoint {name} failed: {found.get('FailureReason', 'no reason given')}")
        if time.monotonic() > deadline:
            raise EndpointError(f"Endpoint {name} is still {status} after {MAX_SECONDS / 60:.0f} min; check its logs.")
        time.sleep(pause)
        pause = min(pause * 1.2, 5.0)


def _wait_deleted(client: SageMakerClient, name: str) -> None:
    pause = 0.1
    while _describe(client, name) is not None:
        time.sleep(pause)
        pause = min(pause * 1.2, 5.0)


def _digest(*values: object) -> str:  # any JSON values
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]
