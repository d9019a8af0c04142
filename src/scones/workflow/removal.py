"""Deletes the resources that the workflow created, and no others: they are found by the names that it gives."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from scones.settings import Settings
from scones.workflow.provision import FUNCTIONS, state_machine_arn
from scones.workflow.target import Target
from scones.workflow.training import LOG_GROUP, OnMessage

if TYPE_CHECKING:  # stubs are not installed at run time
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_stepfunctions import SFNClient

SERVICES = ("sagemaker", "lambda", "states")
"""Services that have a role."""
ABSENT = ("Could not find", "NoSuch", "ResourceNotFound", "StateMachineDoesNotExist")
"""Parts of errors that mean that a resource does not exist."""


def remove(target: Target, settings: Settings, on_message: OnMessage) -> int:
    """Delete the resources of all runs, the most expensive first; report each, and return their number.

    Training jobs and past executions remain: AWS keeps their records, which cost nothing.
    """
    return sum(_deleted(what, delete, on_message) for what, delete in _resources(target, settings))


def _deleted(what: str, delete: Callable[[], object], on_message: OnMessage) -> bool:
    """Delete a resource and report it; return False if it does not exist."""
    try:
        delete()
    except ClientError as error:
        if any(part in str(error) for part in ABSENT):
            return False
        raise
    on_message(what)
    return True


def _resources(target: Target, settings: Settings) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield the name of each resource that may exist, and the function that deletes it."""
    sagemaker, functions = target.client("sagemaker"), target.client("lambda")
    endpoint = settings.endpoint_name
    yield f"endpoint {endpoint}", partial(_delete_endpoint, sagemaker, endpoint)
    for name in _configurations(sagemaker, settings):
        yield f"endpoint configuration {name}", partial(sagemaker.delete_endpoint_config, EndpointConfigName=name)
    for name in _models(sagemaker, settings):
        yield f"model {name}", partial(sagemaker.delete_model, ModelName=name)
    machine = state_machine_arn(target, settings)
    states = target.client("stepfunctions")
    yield f"state machine {settings.state_machine_name}", partial(_delete_state_machine, states, machine)
    for function in map(settings.function_name, FUNCTIONS):
        yield f"function {function}", partial(functions.delete_function, FunctionName=function)
    yield from _logs(target, settings)
    for role in map(settings.role_name, SERVICES):
        yield f"role {role}", partial(_delete_role, target, role)
    bucket = settings.bucket(target.account, target.region)
    yield f"bucket {bucket}", partial(_delete_bucket, target, bucket)


def _configurations(sagemaker: SageMakerClient, settings: Settings) -> list[str]:
    """Return the names of the workflow's endpoint configurations."""
    pages = sagemaker.get_paginator("list_endpoint_configs").paginate(NameContains=f"{settings.name}-")
    names = [found["EndpointConfigName"] for page in pages for found in page["EndpointConfigs"]]
    return [name for name in names if _is_generated(name, settings)]


def _models(sagemaker: SageMakerClient, settings: Settings) -> list[str]:
    """Return the names of the workflow's models."""
    pages = sagemaker.get_paginator("list_models").paginate(NameContains=f"{settings.name}-")
    names = [found["ModelName"] for page in pages for found in page["Models"]]
    return [name for name in names if _is_generated(name, settings)]


def _is_generated(name: str, settings: Settings) -> bool:
    """Return True if the workflow gives such names, which end with a digest.

    The name of a model begins with that of its training job, which may be cut.
    """
    pattern = rf"{re.escape(settings.name)}(-[0-9a-f]{{16}}-[0-9]{{8,17}})?-[0-9a-f]{{12}}"
    return re.fullmatch(pattern, name) is not None


def _logs(target: Target, settings: Settings) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield the log groups of the functions and of the endpoint, and the streams of the training jobs."""
    logs = target.client("logs")
    groups = [f"/aws/lambda/{settings.function_name(module)}" for module in FUNCTIONS]
    for group in (*groups, f"/aws/sagemaker/Endpoints/{settings.endpoint_name}"):
        yield f"log group {group}", partial(logs.delete_log_group, logGroupName=group)
    job = re.compile(rf"{re.escape(settings.name)}-[0-9a-f]{{16}}-[0-9]{{17}}/.*")
    for stream in _streams(logs, f"{settings.name}-"):
        if job.fullmatch(stream):
            yield (
                f"log stream {stream}",
                partial(logs.delete_log_stream, logGroupName=LOG_GROUP, logStreamName=stream),
            )


def _streams(logs: CloudWatchLogsClient, prefix: str) -> list[str]:
    pages = logs.get_paginator("describe_log_streams").paginate(logGroupName=LOG_GROUP, logStreamNamePrefix=prefix)
    try:
        return [stream["logStreamName"] for page in pages for stream in page["logStreams"]]
    except logs.exceptions.ResourceNotFoundException:
        return []


def _delete_endpoint(sagemaker: SageMakerClient, name: str) -> None:
    """Delete an endpoint, and wait until it is gone: until then it may write captures and logs."""
    sagemaker.delete_endpoint(EndpointName=name)
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 900})


def _delete_state_machine(states: SFNClient, arn: str) -> None:
    """Delete a state machine; raise StateMachineDoesNotExist, which DeleteStateMachine does not raise."""
    states.describe_state_machine(stateMachineArn=arn)
    states.delete_state_machine(stateMachineArn=arn)


def _delete_role(target: Target, role: str) -> None:
    iam = target.client("iam")
    for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        iam.delete_role_policy(RoleName=role, PolicyName=policy)
    iam.delete_role(RoleName=role)


def _delete_bucket(target: Target, bucket: str) -> None:
    s3 = target.client("s3")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        keys: list[ObjectIdentifierTypeDef] = [{"Key": found["Key"]} for found in page.get("Contents", [])]
        if keys:
            s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
    s3.delete_bucket(Bucket=bucket)
