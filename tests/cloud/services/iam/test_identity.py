"""IAM roles and policies, as used by the SDKs and the CLI."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from support.policies import POLICY, TRUST


def test_a_role_keeps_the_settings_of_its_creation(cloud):
    iam = cloud.client("iam")
    made = iam.create_role(RoleName="kept", Path="/service-role/", AssumeRolePolicyDocument=TRUST, Description="why")[
        "Role"
    ]
    assert made["Arn"] == "arn:aws:iam::111122223333:role/service-role/kept"
    found = iam.get_role(RoleName="kept")["Role"]
    assert found["AssumeRolePolicyDocument"] == json.loads(TRUST)
    assert found["Description"] == "why"


def test_each_operation_returns_the_members_of_a_role_that_aws_returns(cloud):
    iam = cloud.client("iam")
    tags = [{"Key": "team", "Value": "vision"}]
    made = iam.create_role(RoleName="members", Path="/members/", AssumeRolePolicyDocument=TRUST, Tags=tags)["Role"]
    common = {"Arn", "AssumeRolePolicyDocument", "CreateDate", "Path", "RoleId", "RoleName"}
    assert made.keys() == common | {"Tags"}
    found = iam.get_role(RoleName="members")["Role"]
    assert found.keys() == common | {"Tags", "MaxSessionDuration", "RoleLastUsed"}
    assert (found["RoleLastUsed"], found["Tags"]) == ({}, tags)
    (listed,) = iam.list_roles(PathPrefix="/members/")["Roles"]
    assert listed.keys() == common | {"MaxSessionDuration"}


def test_a_role_is_created_once(cloud):
    iam = cloud.client("iam")
    iam.create_role(RoleName="once", AssumeRolePolicyDocument=TRUST)
    with pytest.raises(iam.exceptions.EntityAlreadyExistsException, match="Role with name once already exists."):
        iam.create_role(RoleName="once", AssumeRolePolicyDocument=TRUST)


def test_a_missing_role_is_reported(cloud):
    iam = cloud.client("iam")
    with pytest.raises(iam.exceptions.NoSuchEntityException, match="The role with name nobody cannot be found."):
        iam.get_role(RoleName="nobody")


def test_a_policy_that_is_not_json_is_rejected(cloud):
    iam = cloud.client("iam")
    with pytest.raises(iam.exceptions.MalformedPolicyDocumentException):
        iam.create_role(RoleName="malformed", AssumeRolePolicyDocument="{")


def test_policies_are_attached_and_detached(cloud):
    iam = cloud.client("iam")
    iam.create_role(RoleName="policies", AssumeRolePolicyDocument=TRUST)
    managed = "arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"
    iam.put_role_policy(RoleName="policies", PolicyName="inline", PolicyDocument=POLICY)
    iam.attach_role_policy(RoleName="policies", PolicyArn=managed)
    assert iam.list_role_policies(RoleName="policies")["PolicyNames"] == ["inline"]
    attached = iam.list_attached_role_policies(RoleName="policies")["AttachedPolicies"]
    assert attached == [{"PolicyName": "AmazonSageMakerFullAccess", "PolicyArn": managed}]
    with pytest.raises(iam.exceptions.DeleteConflictException, match="must detach all policies first"):
        iam.delete_role(RoleName="policies")
    iam.detach_role_policy(RoleName="policies", PolicyArn=managed)
    with pytest.raises(iam.exceptions.DeleteConflictException, match="must delete policies first"):
        iam.delete_role(RoleName="policies")
    iam.delete_role_policy(RoleName="policies", PolicyName="inline")
    iam.delete_role(RoleName="policies")
    with pytest.raises(ClientError, match="cannot be found"):
        iam.get_role(RoleName="policies")


def test_roles_are_listed_in_pages(cloud):
    iam = cloud.client("iam")
    for index in range(5):
        iam.create_role(RoleName=f"paged-{index}", Path="/paged/", AssumeRolePolicyDocument=TRUST)
    pages = iam.get_paginator("list_roles").paginate(PathPrefix="/paged/", PaginationConfig={"PageSize": 2})
    assert [role["RoleName"] for page in pages for role in page["Roles"]] == [f"paged-{index}" for index in range(5)]


def test_a_managed_policy_counts_its_attachments(cloud):
    iam = cloud.client("iam")
    arn = iam.create_policy(PolicyName="counted", PolicyDocument=POLICY)["Policy"]["Arn"]
    iam.create_role(RoleName="counting", AssumeRolePolicyDocument=TRUST)
    iam.attach_role_policy(RoleName="counting", PolicyArn=arn)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
    with pytest.raises(iam.exceptions.DeleteConflictException):
        iam.delete_policy(PolicyArn=arn)


def test_a_policy_managed_by_aws_exists_without_being_created(cloud):
    iam = cloud.client("iam")
    arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    role = (
        cloud.session()
        .resource("iam", endpoint_url=cloud.url)
        .create_role(RoleName="with-awss", AssumeRolePolicyDocument=TRUST)
    )
    role.attach_policy(PolicyArn=arn)
    (attached,) = role.attached_policies.all()
    assert (attached.policy_name, attached.path) == ("AWSLambdaBasicExecutionRole", "/service-role/")
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_policy(PolicyArn="arn:aws:iam::111122223333:policy/AWSLambdaBasicExecutionRole")


def test_the_user_id_of_a_caller_begins_with_that_of_its_role(cloud):
    role = cloud.client("iam").create_role(RoleName="caller", AssumeRolePolicyDocument=TRUST)["Role"]
    assumed = cloud.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="me")["AssumedRoleUser"]
    assert assumed["AssumedRoleId"] == f"{role['RoleId']}:me"


def test_the_command_line_sees_the_caller(cloud):
    answer = cloud.run("aws", "sts", "get-caller-identity", "--output", "json")
    assert json.loads(answer.stdout)["Arn"] == "arn:aws:iam::111122223333:root", answer.stderr


def test_an_error_that_repeats_a_control_character_is_xml(cloud):
    iam = cloud.client("iam", parameter_validation=False)
    with pytest.raises(ClientError, match="Value 'a\ufffdb' at 'roleName'") as caught:
        iam.get_role(RoleName="a\0b")
    assert caught.value.response["Error"]["Code"] == "ValidationError"


def test_a_policy_with_unbounded_nesting_is_rejected(cloud):
    iam = cloud.client("iam")
    with pytest.raises(iam.exceptions.MalformedPolicyDocumentException):
        iam.create_policy(PolicyName="deep", PolicyDocument="[" * 2000 + "]" * 2000)


def test_a_role_that_is_assumed_has_an_arn(cloud):
    with pytest.raises(ClientError, match="arnaws:iam::111122223333:role/x is invalid") as caught:
        cloud.client("sts").assume_role(RoleArn="arnaws:iam::111122223333:role/x", RoleSessionName="abc")
    assert caught.value.response["Error"]["Code"] == "ValidationError"


def test_a_policy_that_does_not_exist_cannot_be_attached(cloud):
    iam = cloud.client("iam")
    iam.create_role(RoleName="without-policies", AssumeRolePolicyDocument=TRUST)
    arn = "arn:aws:iam::111122223333:policy/never-created"
    with pytest.raises(iam.exceptions.NoSuchEntityException, match=f"Policy {arn} does not exist or is not attachable"):
        iam.attach_role_policy(RoleName="without-policies", PolicyArn=arn)
    with pytest.raises(ClientError, match="Invalid ARN:  Could not be parsed!") as caught:
        iam.attach_role_policy(RoleName="without-policies", PolicyArn="a-name-instead-of-an-arn")
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    assert iam.list_attached_role_policies(RoleName="without-policies")["AttachedPolicies"] == []
