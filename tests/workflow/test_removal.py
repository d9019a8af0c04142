"""Removal: everything that the workflow created is deleted and reported, and nothing else."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from scones.settings import Settings
from scones.workflow import provision
from scones.workflow.observer import silent
from scones.workflow.removal import remove
from scones.workflow.target import Target
from scones.workflow.training import LOG_GROUP, image_uri


def test_all_resources_of_a_workflow_are_deleted_and_reported(cloud: Any) -> None:
    local_target, settings = Target(cloud.session(), cloud.url), Settings(name=f"t-{uuid.uuid4().hex[:12]}")
    bucket = settings.bucket(local_target.account, local_target.region)
    provision.bucket(local_target, bucket)
    local_target.client("s3").put_object(Bucket=bucket, Key="a", Body=b"a")
    roles = provision.roles(local_target, settings, bucket)
    arns = provision.functions(local_target, settings, roles.functions, progress=silent)
    provision.state_machine(local_target, settings, roles.states, provision.definition(arns))
    container = {"Image": image_uri(local_target.region)}
    job = f"{settings.name}-{'0' * 16}-{'1' * 17}"
    model, config, other = f"{job}-{'a' * 12}", f"{settings.name}-{'b' * 12}", f"{settings.name}-mine"
    for name in (model, other):
        local_target.client("sagemaker").create_model(
            ModelName=name, PrimaryContainer=container, ExecutionRoleArn=roles.sagemaker
        )
    variant = {
        "VariantName": "v",
        "ModelName": model,
        "InitialInstanceCount": 1,
        "InstanceType": "ml.m5.large",
        "InitialVariantWeight": 1.0,
    }
    local_target.client("sagemaker").create_endpoint_config(EndpointConfigName=config, ProductionVariants=[variant])
    logs, group = local_target.client("logs"), f"/aws/lambda/{settings.function_name('classify_image')}"
    logs.create_log_group(logGroupName=group)
    if not logs.describe_log_groups(logGroupNamePrefix=LOG_GROUP)["logGroups"]:
        logs.create_log_group(logGroupName=LOG_GROUP)
    logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName=f"{job}/algo-1")

    removed: list[str] = []
    assert remove(local_target, settings, removed.append) == len(removed)
    assert removed == [
        f"endpoint configuration {config}",
        f"model {model}",
        f"state machine {settings.state_machine_name}",
        *(f"function {settings.function_name(module)}" for module in provision.FUNCTIONS),
        f"log group {group}",
        f"log stream {job}/algo-1",
        *(f"role {settings.role_name(service)}" for service in ("sagemaker", "lambda", "states")),
        f"bucket {bucket}",
    ]
    assert remove(local_target, settings, removed.append) == 0
    assert local_target.client("sagemaker").describe_model(ModelName=other)["ModelName"] == other
    for call, request in (
        (local_target.client("sagemaker").describe_model, {"ModelName": model}),
        (local_target.client("iam").get_role, {"RoleName": settings.role_name("states")}),
        (local_target.client("s3").head_bucket, {"Bucket": bucket}),
    ):
        with pytest.raises(ClientError):
            call(**request)
