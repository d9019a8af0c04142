"""Deletes the resources that the workflow created, and no others: they are found by the names that it gives."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from scones.settings import Settings
from scones.workflow.provision import FUNCTIONS, state_machine_arn
from scones.workflow.target import Target
from scones.workflow.training import LOG_GROUP

SERVICES = ("sagemaker", "lambda", "states")
"""Services that have a role."""
ABSENT = ("Could not find", "NoSuch", "ResourceNotFound", "StateMachineDoesNotExist")
"""Parts of errors that mean that a resource does not exist."""

Say = Callable[[str], None]


def remove(place: Target, settings: Settings, say: Say) -> int:
    """Delete the resources of all runs, the most expensive first; report each, and return their number.

    Training jobs and past executions remain: AWS keeps their records, which cost nothing.
    """
    return sum(_deleted(what, delete, say) for what, delete in _resources(place, settings))


def _deleted(what: str, delete: Callable[[], Any], say: Say) -> bool:
    """Delete a resource and report it; return False if it does not exist."""
    try:
        delete()
    except ClientError as error:
        if any(part in str(error) for part in ABSENT):
            return False
        raise
    say(what)
    return True


def _resources(place: Target, settings: Settings) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield the name of each resource that may exist, and the function that deletes it."""
    sagemaker, functions = place.client("sagemaker"), place.client("lambda")
    endpoint = settings.endpoint_name
    yield f"endpoint {endpoint}", partial(_delete_endpoint, sagemaker, endpoint)
    for name in _names(place, settings, "list_endpoint_configs", "EndpointConfigs", "EndpointConfigName"):
        yield f"endpoint configuration {name}", partial(sagemaker.delete_endpoint_config, EndpointConfigName=name)
    for name in _names(place, settings, "list_models", "Models", "ModelName"):
        yield f"model {name}", partial(sagemaker.delete_model, ModelName=name)
    machine = state_machine_arn(place, settings)
    states = place.client("stepfunctions")
    yield f"state machine {settings.state_machine_name}", partial(_delete_state_machine, states, machine)
    for function in map(settings.function_name, FUNCTIONS):
        yield f"function {function}", partial(functions.delete_function, FunctionName=function)
    yield from _logs(place, settings)
    for role in map(settings.role_name, SERVICES):
        yield f"role {role}", partial(_delete_role, place, role)
    bucket = settings.bucket(place.account, place.region)
    yield f"bucket {bucket}", partial(_delete_bucket, place, bucket)


def _names(place: Target, settings: Settings, operation: str, member: str, key: str) -> Iterator[str]:
    """Return the names of the workflow's models or endpoint configurations, which end with digests.

    The name of a model begins with that of its training job, which may be cut.
    """
    ours = re.compile(rf"{re.escape(settings.name)}(-[0-9a-f]{{16}}-[0-9]{{8,17}})?-[0-9a-f]{{12}}")
    pages = place.client("sagemaker").get_paginator(operation).paginate(NameContains=f"{settings.name}-")
    found = [each[key] for page in pages for each in page[member]]
    return (name for name in found if ours.fullmatch(name))


def _logs(place: Target, settings: Settings) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield the log groups of the functions and of the endpoint, and the streams of the training jobs."""
    logs = place.client("logs")
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


def _streams(logs: Any, prefix: str) -> list[str]:
    pages = logs.get_paginator("describe_log_streams").paginate(logGroupName=LOG_GROUP, logStreamNamePrefix=prefix)
    try:
        return [stream["logStreamName"] for page in pages for stream in page["logStreams"]]
    except logs.exceptions.ResourceNotFoundException:
        return []


def _delete_endpoint(sagemaker: Any, name: str) -> None:
    """Delete an endpoint, and wait until it is gone: until then it may write captures and logs."""
    sagemaker.delete_endpoint(EndpointName=name)
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 900})


def _delete_state_machine(states: Any, arn: str) -> None:
    """Delete a state machine; raise StateMachineDoesNotExist, which DeleteStateMachine does not raise."""
    states.describe_state_machine(stateMachineArn=arn)
    states.delete_state_machine(stateMachineArn=arn)


def _delete_role(place: Target, role: str) -> None:
    iam = place.client("iam")
    for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        iam.delete_role_policy(RoleName=role, PolicyName=policy)
    iam.delete_role(RoleName=role)


def _delete_bucket(place: Target, bucket: str) -> None:
    s3 = place.client("s3")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        keys = [{"Key": found["Key"]} for found in page.get("Contents", [])]
        if keys:
            s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
    s3.delete_bucket(Bucket=bucket)
