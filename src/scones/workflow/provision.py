"""The workflow's resources: creates or updates a bucket, three roles, three functions and a state machine.

Every function is idempotent: it does not touch resources that are up to date.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, TypedDict, TypeVar, cast

from botocore.exceptions import ClientError

from scones.monitor.state_machine_chart import StateMachineDefinition
from scones.settings import Settings
from scones.workflow.observer import Progress
from scones.workflow.target import Target

if TYPE_CHECKING:  # stubs are not installed at run time
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_lambda.literals import RuntimeType
    from mypy_boto3_lambda.type_defs import EnvironmentTypeDef
    from mypy_boto3_s3.literals import BucketLocationConstraintType

T = TypeVar("T")

FUNCTIONS = ("serialize_image", "classify_image", "filter_inferences")
"""Modules of scones.workflow.functions, in the order of the state machine."""
FUNCTION_SECONDS, FUNCTION_MEGABYTES = 30, 256
ROLE_SETTLE_SECONDS = 60.0
"""Maximum seconds of retries until AWS lets a service assume a new role."""


@dataclass(frozen=True)
class Roles:
    """ARNs of the three roles, one for each service that acts on the workflow's behalf."""

    sagemaker: str
    functions: str
    states: str


class Statement(TypedDict):
    """A statement of an IAM policy."""

    Effect: str
    Action: list[str]
    Resource: list[str]


@dataclass(frozen=True)
class StateMachine:
    """The state machine: its ARN and its definition in the Amazon States Language."""

    arn: str
    definition: StateMachineDefinition


def bucket(target: Target, name: str) -> bool:
    """Create the bucket if it does not exist, and return True if it is new. S3 blocks public access to new buckets."""
    s3 = target.client("s3")
    try:
        s3.head_bucket(Bucket=name, ExpectedBucketOwner=target.account)
        return False
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
    if target.region == "us-east-1":  # S3 rejects a location constraint only for this region
        s3.create_bucket(Bucket=name)
    else:
        region = cast("BucketLocationConstraintType", target.region)  # S3 validates it
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
    return True


def roles(target: Target, settings: Settings, bucket_name: str) -> Roles:
    """Create or update the roles, each with only the permissions that its service needs."""
    documents = policies(target, settings, bucket_name)
    services = {"sagemaker": "sagemaker", "lambda": "lambda", "states": "states"}
    arns = {
        service: _role(target, settings.role_name(service), f"{principal}.amazonaws.com", documents[service])
        for service, principal in services.items()
    }
    return Roles(arns["sagemaker"], arns["lambda"], arns["states"])


def policies(target: Target, settings: Settings, bucket_name: str) -> dict[str, list[Statement]]:
    """Return the policy statements of each role."""
    start = f"arn:{target.partition}"
    region_and_account = f"{target.region}:{target.account}"
    objects = [f"{start}:s3:::{bucket_name}", f"{start}:s3:::{bucket_name}/*"]
    functions = [
        f"{start}:lambda:{region_and_account}:function:{settings.function_name(module)}" for module in FUNCTIONS
    ]
    logs = f"{start}:logs:{region_and_account}:log-group:"
    write_logs = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"]
    pull = [
        "ecr:GetAuthorizationToken",
        "ecr:BatchCheckLayerAvailability",
        "ecr:GetDownloadUrlForLayer",
        "ecr:BatchGetImage",
        "cloudwatch:PutMetricData",
    ]
    endpoint = f"{start}:sagemaker:{region_and_account}:endpoint/{settings.endpoint_name}"
    return {
        "sagemaker": [
            _allow_statement(["s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:GetBucketLocation"], objects),
            _allow_statement(write_logs, [f"{logs}/aws/sagemaker/*"]),
            _allow_statement(pull, ["*"]),  # the algorithm's repository belongs to AWS, and metrics have no ARN
        ],
        "lambda": [
            # With ListBucket, S3 reports a missing object as NoSuchKey; without it, as AccessDenied.
            _allow_statement(["s3:GetObject", "s3:ListBucket"], objects),
            _allow_statement(["sagemaker:InvokeEndpoint"], [endpoint]),
            _allow_statement(write_logs[:3], [f"{logs}/aws/lambda/{settings.name}-*"]),
        ],
        "states": [_allow_statement(["lambda:InvokeFunction"], [*functions, *(f"{arn}:*" for arn in functions)])],
    }


def functions(target: Target, settings: Settings, role: str, *, progress: Progress) -> list[str]:
    """Create the three functions, or update their code and configuration. Returns their ARNs in order."""
    arns = []
    environment: dict[str, dict[str, str]] = {
        "serialize_image": {},
        "classify_image": {"ENDPOINT_NAME": settings.endpoint_name},
        "filter_inferences": {"THRESHOLD": f"{settings.threshold:g}"},
    }
    for done, module in enumerate(FUNCTIONS):
        progress(done, len(FUNCTIONS))
        arns.append(_function(target, settings, module, role, environment[module]))
    progress(len(FUNCTIONS), len(FUNCTIONS))
    return arns


def deployed_threshold(target: Target, settings: Settings) -> float:
    """Return the threshold of the deployed confidence gate, which can differ from the settings."""
    client = target.client("lambda")
    try:
        found = client.get_function_configuration(FunctionName=settings.function_name("filter_inferences"))
    except client.exceptions.ResourceNotFoundException:
        return settings.threshold
    return float(found.get("Environment", {}).get("Variables", {}).get("THRESHOLD", settings.threshold))


def definition(function_arns: Sequence[str]) -> StateMachineDefinition:
    """Return the state machine's definition with the functions' ARNs filled in."""
    text = (resources.files("scones.workflow") / "state_machines/classify.asl.json").read_text(encoding="utf-8")
    for module, arn in zip(FUNCTIONS, function_arns, strict=True):
        name = "".join(part.title() for part in module.split("_"))
        text = text.replace(f"${{{name}Arn}}", arn)
    made: StateMachineDefinition = json.loads(text)
    return made


def state_machine(target: Target, settings: Settings, role: str, definition: StateMachineDefinition) -> str:
    """Create the state machine, or update it if its definition or role differs. Returns its ARN."""
    client = target.client("stepfunctions")
    name = settings.state_machine_name
    arn = state_machine_arn(target, settings)
    try:
        found = client.describe_state_machine(stateMachineArn=arn)
    except client.exceptions.StateMachineDoesNotExist:
        created = once_role_settles(
            lambda: client.create_state_machine(name=name, definition=json.dumps(definition, indent=2), roleArn=role)
        )
        return created["stateMachineArn"]
    if json.loads(found["definition"]) != definition or found["roleArn"] != role:
        client.update_state_machine(stateMachineArn=arn, definition=json.dumps(definition, indent=2), roleArn=role)
    return arn


def deployed_state_machine(target: Target, settings: Settings) -> StateMachine:
    """Return the state machine that the target has."""
    arn = state_machine_arn(target, settings)
    found = target.client("stepfunctions").describe_state_machine(stateMachineArn=arn)
    return StateMachine(arn, json.loads(found["definition"]))


def state_machine_arn(target: Target, settings: Settings) -> str:
    """Return the state machine's ARN, computed from its name."""
    return f"arn:{target.partition}:states:{target.region}:{target.account}:stateMachine:{settings.state_machine_name}"


def package(module: str) -> bytes:
    """Build a function's reproducible zip, so that its SHA-256 changes only with the source."""
    source = (resources.files("scones.workflow.functions") / f"{module}.py").read_bytes()
    member = zipfile.ZipInfo(f"{module}.py", date_time=(1980, 1, 1, 0, 0, 0))
    member.external_attr = 0o644 << 16  # Lambda's user must be able to read it
    member.create_system = 3  # "created on Unix"; the default depends on the machine
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as file:
        file.writestr(member, source)
    return written.getvalue()


def _allow_statement(actions: list[str], arns: list[str]) -> Statement:
    return {"Effect": "Allow", "Action": actions, "Resource": arns}


def _role(target: Target, name: str, principal: str, statements: list[Statement]) -> str:
    iam = target.client("iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": principal}, "Action": "sts:AssumeRole"}],
    }
    try:
        role = iam.get_role(RoleName=name)["Role"]
        if role["AssumeRolePolicyDocument"] != trust:
            iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))
    except iam.exceptions.NoSuchEntityException:
        described = f"Permissions of {principal} for the workflow {name.rpartition('-')[0]}."
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust), Description=described)["Role"]
    policy = {"Version": "2012-10-17", "Statement": statements}
    try:
        there = iam.get_role_policy(RoleName=name, PolicyName="workflow")["PolicyDocument"]
    except iam.exceptions.NoSuchEntityException:
        there = None
    if there != policy:
        iam.put_role_policy(RoleName=name, PolicyName="workflow", PolicyDocument=json.dumps(policy))
    return role["Arn"]


class _FunctionConfiguration(TypedDict):
    """Parameters that CreateFunction and UpdateFunctionConfiguration have in common."""

    Runtime: RuntimeType
    Role: str
    Handler: str
    Timeout: int
    MemorySize: int
    Environment: EnvironmentTypeDef


def _function(target: Target, settings: Settings, module: str, role: str, environment: dict[str, str]) -> str:
    client = target.client("lambda")
    name, code = settings.function_name(module), package(module)
    desired: _FunctionConfiguration = {
        "Runtime": cast("RuntimeType", settings.runtime),  # Lambda validates it
        "Role": role,
        "Handler": f"{module}.lambda_handler",
        "Timeout": FUNCTION_SECONDS,
        "MemorySize": FUNCTION_MEGABYTES,
        "Environment": {"Variables": environment},
    }
    try:
        found = client.get_function_configuration(FunctionName=name)
    except client.exceptions.ResourceNotFoundException:
        made = once_role_settles(lambda: client.create_function(FunctionName=name, Code={"ZipFile": code}, **desired))
        _wait_until_active(client, name)
        return made["FunctionArn"]
    if found["CodeSha256"] != base64.b64encode(hashlib.sha256(code).digest()).decode():
        client.update_function_code(FunctionName=name, ZipFile=code)
        _wait_until_updated(client, name)
    current = {**found, "Environment": {"Variables": found.get("Environment", {}).get("Variables", {})}}
    if any(current.get(key) != value for key, value in desired.items()):
        client.update_function_configuration(FunctionName=name, **desired)
        _wait_until_updated(client, name)
    return found["FunctionArn"]


def _wait_until_active(client: LambdaClient, name: str) -> None:
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 120})


def _wait_until_updated(client: LambdaClient, name: str) -> None:
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 120})


def once_role_settles(call: Callable[[], T]) -> T:
    """Call, and retry while AWS reports that a new role cannot be assumed: IAM takes seconds to reach every service."""
    deadline = time.monotonic() + ROLE_SETTLE_SECONDS
    while True:
        try:
            return call()
        except ClientError as error:
            if "assume" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(2)
