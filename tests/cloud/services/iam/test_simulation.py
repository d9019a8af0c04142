"""The policy simulator: it evaluates the policies of the request and of users, groups and roles."""

from __future__ import annotations

import json
import uuid

import pytest

from support.refusals import refusal

OBJECT = "arn:aws:s3:::bucket/joe/report"


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]})


def decisions(cloud, document, *actions, **more):
    given = {"PolicyInputList": [document], "ActionNames": list(actions), "ResourceArns": [OBJECT], **more}
    found = cloud.client("iam").simulate_custom_policy(**given)["EvaluationResults"]
    return [each["EvalDecision"] for each in found]


def context(**values):
    return [
        {"ContextKeyName": key.replace("__", ":"), "ContextKeyValues": [value], "ContextKeyType": "string"}
        for key, value in values.items()
    ]


def test_the_result_names_the_statement_that_decided(cloud):
    document = (
        '{"Version": "2012-10-17", "Statement": {"Sid": "", "Effect": "Allow", "Action": "s3:PutObject",'
        ' "Resource": "*"}}'
    )
    allowed, denied = cloud.client("iam").simulate_custom_policy(
        PolicyInputList=[document], ActionNames=["s3:PutObject", "s3:GetObjectVersion"], ResourceArns=[OBJECT]
    )["EvaluationResults"]
    statement = {
        "SourcePolicyId": "PolicyInputList.1",
        "SourcePolicyType": "IAM Policy",
        "StartPosition": {"Line": 1, "Column": 41},
        "EndPosition": {"Line": 1, "Column": 113},
    }
    assert (allowed["EvalDecision"], allowed["MatchedStatements"]) == ("allowed", [statement])
    assert (denied["EvalDecision"], denied["MatchedStatements"]) == ("implicitDeny", [])
    assert denied["EvalDecisionDetails"] == {}
    assert denied["ResourceSpecificResults"] == [
        {
            "EvalResourceName": OBJECT,
            "EvalResourceDecision": "implicitDeny",
            "MatchedStatements": [],
            "MissingContextValues": [],
        }
    ]


@pytest.mark.parametrize(
    ("statements", "decision"),
    [
        ([{"Action": "S3:get*", "Resource": "arn:aws:s3:::bucket/*"}], "allowed"),
        ([{"Action": "s3:GetObjec?", "Resource": "arn:aws:s3:::bucket/joe/repor?"}], "allowed"),
        ([{"Action": "s3:GetObject", "Resource": "arn:aws:s3:::BUCKET/*"}], "implicitDeny"),
        ([{"NotAction": "s3:Put*", "Resource": "*"}], "allowed"),
        ([{"NotAction": "s3:Get*", "Resource": "*"}], "implicitDeny"),
        ([{"Action": "*", "NotResource": "arn:aws:s3:::bucket/*"}], "implicitDeny"),
        ([{"Action": "*", "Resource": "*"}, {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}], "explicitDeny"),
    ],
)
def test_actions_and_resources_are_matched(cloud, statements, decision):
    assert decisions(cloud, policy(*statements), "s3:GetObject") == [decision]


@pytest.mark.parametrize(
    ("condition", "values", "decision"),
    [
        ({"StringEquals": {"aws:a": ["x", "y"]}}, {"aws__a": "y"}, "allowed"),
        ({"StringEquals": {"aws:a": "x*"}}, {"aws__a": "xy"}, "implicitDeny"),
        ({"StringLike": {"aws:a": "x*"}}, {"aws__a": "xy"}, "allowed"),
        ({"StringEqualsIgnoreCase": {"AWS:A": "Xy"}}, {"aws__a": "xY"}, "allowed"),
        ({"StringNotEquals": {"aws:a": ["x", "y"]}}, {"aws__a": "y"}, "implicitDeny"),
        ({"StringNotEquals": {"aws:a": "x"}}, {}, "allowed"),
        ({"StringEquals": {"aws:a": "x"}}, {}, "implicitDeny"),
        ({"StringEqualsIfExists": {"aws:a": "x"}}, {}, "allowed"),
        ({"ForAllValues:StringEquals": {"aws:a": "x"}}, {}, "allowed"),
        ({"ForAnyValue:StringEquals": {"aws:a": "x"}}, {}, "implicitDeny"),
        ({"Null": {"aws:a": "true"}}, {}, "allowed"),
        ({"Null": {"aws:a": False}}, {"aws__a": "x"}, "allowed"),
        ({"NumericLessThanEquals": {"s3:max-keys": "10"}}, {"s3__max-keys": "10"}, "allowed"),
        ({"NumericLessThan": {"s3:max-keys": "10"}}, {"s3__max-keys": "many"}, "implicitDeny"),
        ({"DateGreaterThan": {"aws:now": "2026-01-01T00:00:00Z"}}, {"aws__now": "2026-01-02T00:00:00Z"}, "allowed"),
        ({"Bool": {"aws:SecureTransport": "true"}}, {"aws__securetransport": "true"}, "allowed"),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, {"aws__SourceIp": "10.1.2.3"}, "allowed"),
        ({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, {"aws__SourceIp": "10.1.2.3"}, "implicitDeny"),
        ({"ArnLike": {"aws:a": "arn:aws:s3:::b*"}}, {"aws__a": "arn:aws:s3:::bucket"}, "allowed"),
        ({"ArnLike": {"aws:a": "arn:*:bucket"}}, {"aws__a": "arn:aws:s3:::bucket"}, "implicitDeny"),
        ({"StringEquals": {"aws:a": "${aws:b}"}}, {"aws__a": "*", "aws__b": "*"}, "allowed"),
        ({"StringEquals": {"aws:a": "${aws:c, 'x'}"}}, {"aws__a": "x"}, "allowed"),
    ],
)
def test_conditions_are_evaluated(cloud, condition, values, decision):
    document = policy({"Action": "s3:GetObject", "Resource": "*", "Condition": condition})
    assert decisions(cloud, document, "s3:GetObject", ContextEntries=context(**values)) == [decision]


def test_missing_values_of_a_condition_are_listed(cloud):
    document = policy({"Action": "s3:*", "Resource": "*", "Condition": {"StringEquals": {"aws:RequestedRegion": "x"}}})
    iam = cloud.client("iam")
    (found,) = iam.simulate_custom_policy(PolicyInputList=[document], ActionNames=["s3:ListAllMyBuckets"])[
        "EvaluationResults"
    ]
    assert (found["EvalResourceName"], found["MissingContextValues"]) == ("*", ["aws:RequestedRegion"])
    assert "ResourceSpecificResults" not in found


def test_a_permissions_boundary_limits_the_decision(cloud):
    allowing = policy({"Action": "s3:*", "Resource": "*"})
    boundary = policy(
        {"Action": "s3:Get*", "Resource": "*"}, {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"}
    )
    found = decisions(
        cloud,
        allowing,
        "s3:GetObject",
        "s3:PutObject",
        "s3:DeleteObject",
        PermissionsBoundaryPolicyInputList=[boundary],
    )
    assert found == ["allowed", "implicitDeny", "explicitDeny"]


def test_the_policies_of_a_user_are_its_own_and_those_of_its_groups(cloud):
    iam, name, group = cloud.client("iam"), f"user-{uuid.uuid4().hex}", f"group-{uuid.uuid4().hex}"
    arn = iam.create_user(UserName=name)["User"]["Arn"]
    iam.create_group(GroupName=group)
    iam.add_user_to_group(GroupName=group, UserName=name)
    home = {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/${aws:username}/*"}
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy(home))
    managed = iam.create_policy(PolicyName=group, PolicyDocument=policy({"Action": "sqs:*", "Resource": "*"}))
    iam.attach_group_policy(GroupName=group, PolicyArn=managed["Policy"]["Arn"])

    def simulated(resource):
        actions = ["s3:GetObject", "sqs:SendMessage", "sns:Publish"]
        given = {"PolicySourceArn": arn, "ActionNames": actions, "ResourceArns": [resource]}
        found = iam.simulate_principal_policy(**given)["EvaluationResults"]
        return [each["EvalDecision"] for each in found], found

    assert simulated("arn:aws:s3:::bucket/other/x")[0] == ["implicitDeny", "allowed", "implicitDeny"]
    names, found = simulated(f"arn:aws:s3:::bucket/{name}/x")
    assert names == ["allowed", "allowed", "implicitDeny"]
    assert [each["MatchedStatements"][0]["SourcePolicyId"] for each in found[:2]] == [f"user_{name}_own", group]
    keys = iam.get_context_keys_for_principal_policy(PolicySourceArn=arn)["ContextKeyNames"]
    assert keys == ["aws:username"]


def test_what_the_simulator_cannot_evaluate_is_refused_by_name(cloud):
    iam, name = cloud.client("iam"), f"role-{uuid.uuid4().hex}"
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy())["Role"]["Arn"]
    simulated = {"PolicySourceArn": arn, "ActionNames": ["s3:GetObject"]}
    assert refusal(iam.simulate_principal_policy, **simulated, ResourcePolicy="{}")[:2] == ("NotImplemented", 501)
    iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")
    code, _, message = refusal(iam.simulate_principal_policy, **simulated)
    assert (code, message.endswith(": arn:aws:iam::aws:policy/AmazonS3FullAccess.")) == ("NotImplemented", True)
    missing = {**simulated, "PolicySourceArn": arn + "-none"}
    assert refusal(iam.simulate_principal_policy, **missing)[0] == "NoSuchEntity"
    invalid = {"PolicyInputList": [policy({"Action": "*", "Resource": "*"})], "ActionNames": ["get"]}
    assert refusal(iam.simulate_custom_policy, **invalid)[0] == "InvalidInput"


def test_context_keys_of_policies_are_listed_once(cloud):
    document = policy(
        {
            "Action": "s3:*",
            "Resource": "arn:aws:s3:::${aws:username}",
            "Condition": {"Bool": {"aws:SecureTransport": True}},
        }
    )
    found = cloud.client("iam").get_context_keys_for_custom_policy(PolicyInputList=[document, document])
    assert sorted(found["ContextKeyNames"]) == ["aws:SecureTransport", "aws:username"]
