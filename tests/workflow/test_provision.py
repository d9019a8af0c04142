"""Provisioning: the bucket, roles, functions and state machine are created once and updated if they differ."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import replace
from typing import Any

import pytest

from scones.settings import Settings
from scones.workflow import provision
from scones.workflow.dataset.dataset import silent
from scones.workflow.place import Place


@pytest.fixture
def place(cloud: Any) -> Place:
    return Place(cloud.session(), cloud.url)


@pytest.fixture
def settings() -> Settings:
    return Settings(name=f"test-{uuid.uuid4().hex[:12]}")


def test_the_bucket_is_made_once(place: Place, settings: Settings) -> None:
    name = settings.bucket(place.account, place.region)
    assert provision.bucket(place, name) is True
    assert provision.bucket(place, name) is False


def test_roles_are_made_for_their_services_and_get_changed_policies(place: Place, settings: Settings) -> None:
    roles = provision.roles(place, settings, "one-bucket")
    iam = place.client("iam")
    name = settings.role_name("lambda")
    trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    assert trust["Statement"][0]["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert provision.roles(place, settings, "other-bucket") == roles
    policy = iam.get_role_policy(RoleName=name, PolicyName="workflow")["PolicyDocument"]
    assert "arn:aws:s3:::other-bucket/*" in policy["Statement"][0]["Resource"]


def test_no_policy_allows_everything_everywhere(place: Place, settings: Settings) -> None:
    for statements in provision.policies(place, settings, "bucket").values():
        for statement in statements:
            assert not any(action.endswith("*") for action in statement["Action"])


def test_a_package_is_the_same_bytes_each_time() -> None:
    first, second = (hashlib.sha256(provision.package("serialize_image")).hexdigest() for _ in range(2))
    assert first == second


def test_functions_are_left_alone_unless_something_differs(place: Place, settings: Settings) -> None:
    role = provision.roles(place, settings, "bucket").functions
    client = place.client("lambda")

    def revisions() -> list[str]:
        arns = provision.functions(place, settings, role, progress=silent)
        return [client.get_function_configuration(FunctionName=arn)["RevisionId"] for arn in arns]

    first = revisions()
    assert revisions() == first
    name = settings.function_name("filter_inferences")
    client.update_function_code(FunctionName=name, ZipFile=provision.package("serialize_image"))
    settings = replace(settings, threshold=0.5)
    mended = revisions()
    assert mended[:2] == first[:2]
    found = client.get_function_configuration(FunctionName=name)
    assert found["Environment"]["Variables"] == {"THRESHOLD": "0.5"}
    assert found["CodeSha256"] != client.get_function_configuration(
        FunctionName=settings.function_name("serialize_image")
    )["CodeSha256"]  # fmt: skip


def test_the_state_machine_is_updated_where_its_definition_differs(place: Place, settings: Settings) -> None:
    role = provision.roles(place, settings, "bucket").states
    arns = provision.functions(place, settings, role, progress=silent)
    definition = provision.definition(arns)
    assert definition["States"]["ClassifyImage"]["Parameters"]["FunctionName"] == arns[1]
    client = place.client("stepfunctions")
    arn = provision.state_machine(place, settings, role, definition)
    provision.state_machine(place, settings, role, definition | {"Comment": "changed"})
    assert '"changed"' in client.describe_state_machine(stateMachineArn=arn)["definition"]
