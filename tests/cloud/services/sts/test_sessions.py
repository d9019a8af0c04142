"""STS: temporary credentials and session tags."""

from __future__ import annotations

import boto3

from support.refusals import refusal

ROLE = "arn:aws:iam::111122223333:role/assumed"


def client_with(cloud, credentials):
    return boto3.client(
        "sts",
        endpoint_url=cloud.url,
        region_name="us-east-1",
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )


def test_a_session_without_tags_has_no_packed_size(cloud):
    sts = cloud.client("sts")
    assert "PackedPolicySize" not in sts.assume_role(RoleArn=ROLE, RoleSessionName="plain")
    tags = [{"Key": "team", "Value": "vision"}]
    assert sts.assume_role(RoleArn=ROLE, RoleSessionName="tagged", Tags=tags)["PackedPolicySize"] > 0


def test_the_keys_of_session_tags_are_compared_without_their_case(cloud):
    sts = cloud.client("sts")
    start = {"RoleArn": ROLE, "RoleSessionName": "tagged"}
    tags = [{"Key": "Team", "Value": "1"}, {"Key": "team", "Value": "2"}]
    assert refusal(sts.assume_role, **start, Tags=tags) == (
        "InvalidParameterValue",
        400,
        "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
    )
    assert refusal(sts.assume_role, **start, Tags=tags[:1], TransitiveTagKeys=["other"]) == (
        "InvalidParameterValue",
        400,
        "The specified transitive tag key must be included in the requested tags.",
    )
    first = sts.assume_role(**start, Tags=tags[:1], TransitiveTagKeys=["Team"])["Credentials"]
    second = client_with(cloud, first).assume_role(**start)["Credentials"]
    for credentials in (first, second):  # the tag is inherited along the chain
        assert refusal(client_with(cloud, credentials).assume_role, **start, Tags=tags[1:]) == (
            "InvalidParameterValue",
            400,
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from"
            " the calling session.",
        )


def test_temporary_keys_of_the_account_identify_the_account(cloud):
    sts = cloud.client("sts")
    session = client_with(cloud, sts.get_session_token()["Credentials"])
    assert session.get_caller_identity()["Arn"] == "arn:aws:iam::111122223333:root"
    assert refusal(session.get_session_token)[0] == "AccessDenied"


def test_a_federated_user_has_temporary_keys(cloud):
    made = cloud.client("sts").get_federation_token(Name="guest")
    assert made["FederatedUser"] == {
        "FederatedUserId": "111122223333:guest",
        "Arn": "arn:aws:sts::111122223333:federated-user/guest",
    }
    identity = client_with(cloud, made["Credentials"]).get_caller_identity()
    assert identity["Arn"] == made["FederatedUser"]["Arn"]


def test_the_account_of_a_key_is_read_from_its_id(cloud):
    sts = cloud.client("sts")
    key = sts.get_session_token()["Credentials"]["AccessKeyId"]
    assert sts.get_access_key_info(AccessKeyId=key)["Account"] == "111122223333"
    assert refusal(sts.get_access_key_info, AccessKeyId="A" * 16)[0] == "ValidationError"


def test_an_operation_that_is_not_offered_is_refused_by_name(cloud):
    code, _, message = refusal(cloud.client("sts").decode_authorization_message, EncodedMessage="x")
    assert (code, "sts:DecodeAuthorizationMessage" in message) == ("NotImplemented", True)
