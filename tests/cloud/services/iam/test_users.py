"""IAM users, groups, access keys and instance profiles."""

from __future__ import annotations

import boto3
import pytest

from support.policies import POLICY, TRUST
from support.refusals import refusal


def client_with(cloud, service, key):
    return boto3.client(
        service,
        endpoint_url=cloud.url,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        aws_session_token=key.get("SessionToken"),
    )


def test_a_user_is_created_changed_and_deleted(cloud):
    iam = cloud.client("iam")
    tags = [{"Key": "team", "Value": "vision"}]
    made = iam.create_user(UserName="changed", Path="/people/", Tags=tags)["User"]
    assert made["Arn"] == "arn:aws:iam::111122223333:user/people/changed"
    assert (made["UserId"][:4], made["Tags"]) == ("AIDA", tags)
    assert refusal(iam.create_user, UserName="Changed") == (
        "EntityAlreadyExists",
        409,
        "User with name Changed already exists.",
    )
    iam.update_user(UserName="changed", NewUserName="renamed", NewPath="/")
    assert iam.get_user(UserName="renamed")["User"]["UserId"] == made["UserId"]
    assert refusal(iam.get_user, UserName="changed")[2] == "The user with name changed cannot be found."
    assert "Tags" not in next(user for user in iam.list_users()["Users"] if user["UserName"] == "renamed")
    iam.delete_user(UserName="renamed")
    assert refusal(iam.delete_user, UserName="renamed")[:2] == ("NoSuchEntity", 404)


def test_requests_signed_with_a_new_access_key_come_from_its_user_until_it_is_deactivated(cloud):
    iam = cloud.client("iam")
    user = iam.create_user(UserName="signer")["User"]
    key = iam.create_access_key(UserName="signer")["AccessKey"]
    identity = client_with(cloud, "sts", key).get_caller_identity()
    assert (identity["Arn"], identity["UserId"]) == (user["Arn"], user["UserId"])
    assert client_with(cloud, "iam", key).get_user()["User"]["UserName"] == "signer"
    assert cloud.client("sts").get_access_key_info(AccessKeyId=key["AccessKeyId"])["Account"] == "111122223333"
    iam.update_access_key(UserName="signer", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert refusal(client_with(cloud, "sts", key).get_caller_identity)[0] == "InvalidClientTokenId"
    iam.create_access_key(UserName="signer")
    assert refusal(iam.create_access_key, UserName="signer") == (
        "LimitExceeded",
        409,
        "Cannot exceed quota for AccessKeysPerUser: 2",
    )


def test_access_keys_survive_a_restart(start_cloud):
    cloud = start_cloud()
    cloud.client("iam").create_user(UserName="lasting")
    key = cloud.client("iam").create_access_key(UserName="lasting")["AccessKey"]
    cloud.kill()
    assert client_with(start_cloud(), "sts", key).get_caller_identity()["Arn"].endswith(":user/lasting")


def test_a_user_that_something_belongs_to_is_not_deleted(cloud):
    iam = cloud.client("iam")
    iam.create_user(UserName="owner")
    iam.create_group(GroupName="owners")
    iam.add_user_to_group(GroupName="owners", UserName="owner")
    iam.put_user_policy(UserName="owner", PolicyName="inline", PolicyDocument=POLICY)
    key = iam.create_access_key(UserName="owner")["AccessKey"]["AccessKeyId"]
    for first, remove in (
        ("remove users from group", lambda: iam.remove_user_from_group(GroupName="owners", UserName="owner")),
        ("delete policies", lambda: iam.delete_user_policy(UserName="owner", PolicyName="inline")),
        ("delete access keys", lambda: iam.delete_access_key(UserName="owner", AccessKeyId=key)),
    ):
        expected = ("DeleteConflict", 409, f"Cannot delete entity, must {first} first.")
        assert refusal(iam.delete_user, UserName="owner") == expected
        remove()
    iam.delete_user(UserName="owner")


def test_a_group_lists_its_users_and_a_user_its_groups(cloud):
    iam = cloud.client("iam")
    iam.create_group(GroupName="team", Path="/teams/")
    iam.create_user(UserName="member")
    for _ in range(2):
        iam.add_user_to_group(GroupName="team", UserName="member")
    assert [user["UserName"] for user in iam.get_group(GroupName="team")["Users"]] == ["member"]
    assert [group["GroupName"] for group in iam.list_groups_for_user(UserName="member")["Groups"]] == ["team"]
    iam.update_group(GroupName="team", NewGroupName="crew")
    assert [group["GroupName"] for group in iam.list_groups_for_user(UserName="member")["Groups"]] == ["crew"]
    assert refusal(iam.get_group, GroupName="team")[2] == "The group with name team cannot be found."
    assert refusal(iam.delete_group, GroupName="crew")[0] == "DeleteConflict"


def test_an_instance_profile_contains_one_role_that_cannot_be_deleted(cloud):
    iam = cloud.client("iam")
    role = iam.create_role(RoleName="in-profile", AssumeRolePolicyDocument=TRUST)["Role"]
    profile = iam.create_instance_profile(InstanceProfileName="profile")["InstanceProfile"]
    assert (profile["Roles"], profile["InstanceProfileId"][:4]) == ([], "AIPA")
    iam.add_role_to_instance_profile(InstanceProfileName="profile", RoleName="in-profile")
    again = {"InstanceProfileName": "profile", "RoleName": "in-profile"}
    assert refusal(iam.add_role_to_instance_profile, **again)[0] == "LimitExceeded"
    (found,) = iam.list_instance_profiles_for_role(RoleName="in-profile")["InstanceProfiles"]
    assert found["Roles"][0]["Arn"] == role["Arn"]
    removal = "Cannot delete entity, must remove roles from instance profile first."
    assert refusal(iam.delete_role, RoleName="in-profile")[2] == removal
    iam.remove_role_from_instance_profile(**again)
    iam.delete_role(RoleName="in-profile")
    iam.delete_instance_profile(InstanceProfileName="profile")
    assert refusal(iam.get_instance_profile, InstanceProfileName="profile")[2] == (
        "Instance Profile profile cannot be found."
    )


@pytest.mark.parametrize("kind", ["user", "instance_profile", "policy"])
def test_tags_are_added_removed_and_checked(cloud, kind):
    iam = cloud.client("iam")
    if kind == "user":
        iam.create_user(UserName="tagged")
        named = {"UserName": "tagged"}
    elif kind == "instance_profile":
        iam.create_instance_profile(InstanceProfileName="tagged")
        named = {"InstanceProfileName": "tagged"}
    else:
        named = {"PolicyArn": iam.create_policy(PolicyName="tagged", PolicyDocument=POLICY)["Policy"]["Arn"]}
    tag, untag, tags = (getattr(iam, name) for name in (f"tag_{kind}", f"untag_{kind}", f"list_{kind}_tags"))
    tag(**named, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}])
    tag(**named, Tags=[{"Key": "A", "Value": "2"}])
    assert tags(**named)["Tags"] == [{"Key": "A", "Value": "2"}, {"Key": "b", "Value": ""}]
    twice = [{"Key": "c", "Value": ""}, {"Key": "C", "Value": ""}]
    assert refusal(tag, **named, Tags=twice) == (
        "InvalidInput",
        400,
        "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
    )
    many = [{"Key": str(number), "Value": ""} for number in range(51)]
    assert "Member must have length less than or equal to 50" in refusal(tag, **named, Tags=many)[2]
    untag(**named, TagKeys=["a"])
    assert tags(**named)["Tags"] == [{"Key": "b", "Value": ""}]


def test_service_specific_credentials_belong_to_a_user(cloud):
    iam = cloud.client("iam")
    iam.create_user(UserName="committer")
    service = "codecommit.amazonaws.com"
    made = iam.create_service_specific_credential(UserName="committer", ServiceName=service)
    credential = made["ServiceSpecificCredential"]
    assert credential["ServiceUserName"] == "committer-at-111122223333"
    named = {"UserName": "committer", "ServiceSpecificCredentialId": credential["ServiceSpecificCredentialId"]}
    iam.update_service_specific_credential(**named, Status="Inactive")
    (listed,) = iam.list_service_specific_credentials(UserName="committer")["ServiceSpecificCredentials"]
    assert (listed["Status"], "ServicePassword" in listed) == ("Inactive", False)
    assert refusal(iam.delete_user, UserName="committer")[2] == (
        "Cannot delete entity, must remove referenced objects first."
    )
    del named["UserName"]  # the caller is the root of the account, or a session of a role
    for operation in (iam.list_service_specific_credentials, iam.reset_service_specific_credential):
        given = named if operation == iam.reset_service_specific_credential else {}
        assert refusal(operation, **given)[2] == "Must specify userName when calling with non-User credentials"
    malformed = {"UserName": "committer", "ServiceSpecificCredentialId": "an-id-with-hyphens-and-no-match"}
    assert refusal(iam.delete_service_specific_credential, **malformed)[2] == (
        "1 validation error detected: Value at 'serviceSpecificCredentialId' failed to satisfy constraint: Member must"
        r" satisfy regular expression pattern: [\w]+"
    )
    wrong = {"UserName": "committer", "ServiceName": "lambda.amazonaws.com"}
    assert refusal(iam.create_service_specific_credential, **wrong)[2] == (
        "No such service lambda.amazonaws.com is supported for Service Specific Credentials"
    )


def test_errors_about_service_specific_credentials_hide_rejected_values(cloud):
    update = cloud.client("iam").update_service_specific_credential
    given = {"ServiceSpecificCredentialId": "ACCA" + "A" * 17, "Status": "Sleeping"}
    assert refusal(update, **given)[2] == (
        "1 validation error detected: Value at 'status' failed to satisfy constraint: Member must satisfy enum value"
        " set"
    )


def test_a_service_linked_role_has_the_name_and_the_policy_of_its_service(cloud):
    iam = cloud.client("iam")
    role = iam.create_service_linked_role(AWSServiceName="batch.amazonaws.com")["Role"]
    assert role["Arn"].endswith(":role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch")
    (attached,) = iam.list_attached_role_policies(RoleName="AWSServiceRoleForBatch")["AttachedPolicies"]
    assert attached["PolicyArn"] == "arn:aws:iam::aws:policy/aws-service-role/BatchServiceRolePolicy"
    assert refusal(iam.create_service_linked_role, AWSServiceName="batch.amazonaws.com")[2] == (
        "Service role name AWSServiceRoleForBatch has been taken in this account, please try a different suffix."
    )
    suffixed = {"AWSServiceName": "batch.amazonaws.com", "CustomSuffix": "x"}
    assert refusal(iam.create_service_linked_role, **suffixed)[2] == (
        "Custom suffix is not allowed for batch.amazonaws.com"
    )
    assert refusal(iam.delete_role, RoleName="AWSServiceRoleForBatch")[0] == "UnmodifiableEntity"
    task = iam.delete_service_linked_role(RoleName="AWSServiceRoleForBatch")["DeletionTaskId"]
    assert iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"] == "SUCCEEDED"


def test_the_account_has_an_alias_and_a_password_policy(cloud):
    iam = cloud.client("iam")
    iam.create_account_alias(AccountAlias="scones")
    assert iam.list_account_aliases()["AccountAliases"] == ["scones"]
    iam.delete_account_alias(AccountAlias="scones")
    assert refusal(iam.get_account_password_policy)[2] == (
        "The Password Policy with domain name 111122223333 cannot be found."
    )
    iam.update_account_password_policy(MinimumPasswordLength=12, MaxPasswordAge=90)
    policy = iam.get_account_password_policy()["PasswordPolicy"]
    assert (policy["MinimumPasswordLength"], policy["ExpirePasswords"], policy["RequireSymbols"]) == (12, True, False)
    iam.delete_account_password_policy()


def test_credentials_that_cannot_be_created_are_listed_as_none(cloud):
    iam = cloud.client("iam")
    iam.create_user(UserName="without-devices")
    user = {"UserName": "without-devices"}
    assert iam.list_mfa_devices(**user)["MFADevices"] == []
    assert iam.list_ssh_public_keys(**user)["SSHPublicKeys"] == []
    assert iam.list_signing_certificates(**user)["Certificates"] == []
    assert iam.list_virtual_mfa_devices()["VirtualMFADevices"] == []
    assert iam.list_server_certificates()["ServerCertificateMetadataList"] == []
    assert refusal(iam.list_mfa_devices, UserName="nobody-here")[0] == "NoSuchEntity"
    code, status, message = refusal(iam.create_virtual_mfa_device, VirtualMFADeviceName="a")
    assert (code, status) == ("NotImplemented", 501)
    assert "CreateVirtualMFADevice" in message
