"""Provisioning: the bucket, roles, functions and state machine are created once and updated if they differ."""

from __future__ import annotations

import io
import uuid
import zipfile
from dataclasses import replace
from typing import Any

import pytest

from scones.settings import Settings
from scones.workflow import provision
from scones.workflow.observer import silent
from scones.workflow.target import Target


@pytest.fixture
def local_target(cloud: Any) -> Target:
    return Target(cloud.session(), cloud.url)


@pytest.fixture
def settings() -> Settings:
    return Settings(name=f"test-{uuid.uuid4().hex[:12]}")


def test_the_bucket_is_created_once(local_target: Target, settings: Settings) -> None:
    name = settings.bucket(local_target.account, local_target.region)
    assert provision.bucket(local_target, name) is True
    assert provision.bucket(local_target, name) is False


def test_each_role_trusts_its_service_and_changed_policies_are_updated(
    local_target: Target, settings: Settings
) -> None:
    roles = provision.roles(local_target, settings, "one-bucket")
    iam = local_target.client("iam")
    name = settings.role_name("lambda")
    trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    assert trust["Statement"][0]["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert provision.roles(local_target, settings, "other-bucket") == roles
    policy = iam.get_role_policy(RoleName=name, PolicyName="workflow")["PolicyDocument"]
    assert "arn:aws:s3:::other-bucket/*" in policy["Statement"][0]["Resource"]


def test_policies_name_their_actions_and_resources(local_target: Target, settings: Settings) -> None:
    statements = [each for role in provision.policies(local_target, settings, "bucket").values() for each in role]
    assert len(statements) == 7
    assert {each["Effect"] for each in statements} == {"Allow"}
    assert not [action for each in statements for action in each["Action"] if "*" in action]
    on_all_resources = {action for each in statements if "*" in each["Resource"] for action in each["Action"]}
    assert on_all_resources == {  # AWS owns the repository of the container image, and a metric has no ARN
        "ecr:GetAuthorizationToken",
        "ecr:BatchCheckLayerAvailability",
        "ecr:GetDownloadUrlForLayer",
        "ecr:BatchGetImage",
        "cloudwatch:PutMetricData",
    }
    named = [arn for each in statements for arn in each["Resource"] if arn != "*"]
    assert named
    assert not [arn for arn in named if arn.split(":", 5)[5] in ("*", "function:*", "endpoint/*", "log-group:*")]


def test_a_package_does_not_depend_on_the_time_or_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    first = provision.package("serialize_image")
    monkeypatch.setattr("time.time", lambda: 1_000_000_000)
    monkeypatch.setattr("sys.platform", "win32")  # zipfile then sets another `create_system`
    assert provision.package("serialize_image") == first
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert [(file.filename, file.date_time) for file in archive.infolist()] == [
            ("serialize_image.py", (1980, 1, 1, 0, 0, 0))
        ]


def test_functions_are_updated_only_if_something_differs(local_target: Target, settings: Settings) -> None:
    role = provision.roles(local_target, settings, "bucket").functions
    client = local_target.client("lambda")

    def revisions() -> list[str]:
        arns = provision.functions(local_target, settings, role, progress=silent)
        return [client.get_function_configuration(FunctionName=arn)["RevisionId"] for arn in arns]

    first = revisions()
    assert revisions() == first
    name = settings.function_name("filter_inferences")
    client.update_function_code(FunctionName=name, ZipFile=provision.package("serialize_image"))
    settings = replace(settings, threshold=0.5)
    repaired = revisions()
    assert repaired[:2] == first[:2]
    found = client.get_function_configuration(FunctionName=name)
    assert found["Environment"]["Variables"] == {"THRESHOLD": "0.5"}
    assert (
        found["CodeSha256"]
        != client.get_function_configuration(FunctionName=settings.function_name("serialize_image"))["CodeSha256"]
    )


def test_the_state_machine_is_updated_where_its_definition_differs(local_target: Target, settings: Settings) -> None:
    role = provision.roles(local_target, settings, "bucket").states
    arns = provision.functions(local_target, settings, role, progress=silent)
    definition = provision.definition(arns)
    assert definition["States"]["ClassifyImage"]["Parameters"]["FunctionName"] == arns[1]
    client = local_target.client("stepfunctions")
    arn = provision.state_machine(local_target, settings, role, definition)
    provision.state_machine(local_target, settings, role, definition | {"Comment": "changed"})
    assert '"changed"' in client.describe_state_machine(stateMachineArn=arn)["definition"]
