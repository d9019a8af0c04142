"""Managed policies: their versions, their documents, and their use as permissions boundaries."""

from __future__ import annotations

import json

import pytest

from support.policies import POLICY, TRUST
from support.refusals import refusal


def test_a_policy_has_up_to_five_versions(cloud):
    iam = cloud.client("iam")
    arn = iam.create_policy(PolicyName="versions", PolicyDocument=POLICY)["Policy"]["Arn"]
    changed = POLICY.replace("GetObject", "PutObject")
    for number in range(2, 6):
        version = iam.create_policy_version(PolicyArn=arn, PolicyDocument=changed, SetAsDefault=number == 3)
        assert version["PolicyVersion"]["VersionId"] == f"v{number}"
    assert refusal(iam.create_policy_version, PolicyArn=arn, PolicyDocument=POLICY)[:2] == ("LimitExceeded", 409)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v3"
    found = iam.get_policy_version(PolicyArn=arn, VersionId="v3")["PolicyVersion"]
    assert (found["Document"], found["IsDefaultVersion"]) == (json.loads(changed), True)
    assert refusal(iam.delete_policy, PolicyArn=arn)[0] == "DeleteConflict"
    assert refusal(iam.delete_policy_version, PolicyArn=arn, VersionId="v3")[2] == (
        "Cannot delete the default version of a policy."
    )
    for number in (1, 2, 4, 5):
        iam.delete_policy_version(PolicyArn=arn, VersionId=f"v{number}")
    assert [each["VersionId"] for each in iam.list_policy_versions(PolicyArn=arn)["Versions"]] == ["v3"]
    assert refusal(iam.get_policy_version, PolicyArn=arn, VersionId="v1")[2] == (
        f"Policy {arn} version v1 does not exist or is not attachable."
    )
    iam.delete_policy(PolicyArn=arn)
    assert refusal(iam.get_policy, PolicyArn=arn)[2] == f"Policy {arn} was not found."


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Version": "2008-10-17"}, "Policy document must be version 2012-10-17 or greater."),
        ({"Statement": []}, "Syntax errors in policy."),
        ({"Extra": 1}, "Syntax errors in policy."),
        ({"Statement": {"Effect": "Allow", "Resource": "*"}}, "Policy statement must contain actions."),
        ({"Statement": {"Effect": "Allow", "Action": "s3:Get*"}}, "Policy statement must contain resources."),
        (
            {"Statement": {"Effect": "Allow", "Action": "get", "Resource": "*"}},
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        ),
        (
            {"Statement": {"Effect": "Allow", "Action": "s3:Get*", "Resource": "bucket"}},
            'Resource bucket must be in ARN format or "*".',
        ),
    ],
)
def test_a_malformed_policy_is_rejected_with_the_reason(cloud, change, message):
    iam = cloud.client("iam")
    document = json.dumps({**json.loads(POLICY), **change})
    refused = refusal(iam.create_policy, PolicyName="malformed", PolicyDocument=document)
    assert refused == ("MalformedPolicyDocument", 400, message)


def test_a_permissions_boundary_is_a_policy_that_exists(cloud):
    iam = cloud.client("iam")
    arn = iam.create_policy(PolicyName="boundary", PolicyDocument=POLICY)["Policy"]["Arn"]
    user = iam.create_user(UserName="bounded", PermissionsBoundary=arn)["User"]
    assert user["PermissionsBoundary"] == {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}
    assert iam.get_policy(PolicyArn=arn)["Policy"]["PermissionsBoundaryUsageCount"] == 1
    iam.delete_user_permissions_boundary(UserName="bounded")
    assert "PermissionsBoundary" not in iam.get_user(UserName="bounded")["User"]
    wrong = {"UserName": "bounded", "PermissionsBoundary": "arn:aws:iam::111122223333:not_a_boundary"}
    assert refusal(iam.put_user_permissions_boundary, **wrong)[0] == "ValidationError"


def test_policies_of_aws_exist_by_their_names(cloud):
    iam = cloud.client("iam")
    iam.create_role(RoleName="managed", AssumeRolePolicyDocument=TRUST)
    own = "arn:aws:iam::aws:policy/"
    iam.attach_role_policy(RoleName="managed", PolicyArn=f"{own}service-role/AWSLambdaBasicExecutionRole")
    described = iam.get_policy(PolicyArn=f"{own}service-role/AWSLambdaBasicExecutionRole")["Policy"]
    assert (described["Path"], described["PolicyName"]) == ("/service-role/", "AWSLambdaBasicExecutionRole")
    assert described["CreateDate"].year == 2015
    for name in ("NoSuchPolicyAtAll", "AWSLambdaBasicExecutionRole"):  # the second one has a path
        refused = refusal(iam.attach_role_policy, RoleName="managed", PolicyArn=own + name)
        assert refused == ("NoSuchEntity", 404, f"Policy {own}{name} does not exist or is not attachable.")
        assert refusal(iam.get_policy, PolicyArn=own + name)[2] == f"Policy {own}{name} was not found."
