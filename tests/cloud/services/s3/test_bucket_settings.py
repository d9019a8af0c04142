"""Settings of buckets that are stored and returned, with S3's checks: ownership, websites, logging, lifecycle, ACLs."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest

GROUPS = "http://acs.amazonaws.com/groups"


def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true"
        time.sleep(0.05)


@pytest.fixture
def open_bucket(s3, bucket):
    """Return a bucket with ACLs and without a public access block."""
    s3.delete_bucket_ownership_controls(Bucket=bucket)
    s3.delete_public_access_block(Bucket=bucket)
    return bucket


@pytest.mark.parametrize(
    ("setting", "code"),
    [
        ("bucket_cors", "NoSuchCORSConfiguration"),
        ("bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration"),
        ("bucket_website", "NoSuchWebsiteConfiguration"),
        ("bucket_policy_status", "NoSuchBucketPolicy"),
    ],
)
def test_a_new_bucket_lacks_a_setting(s3, bucket, refusal, setting, code):
    found, status, error = refusal(getattr(s3, f"get_{setting}"), Bucket=bucket)
    assert (found, status, error["BucketName"]) == (code, 404, bucket)


def test_object_ownership_is_changed_and_removed(s3, bucket, refusal):
    def ownership():
        (rule,) = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
        return rule["ObjectOwnership"]

    assert ownership() == "BucketOwnerEnforced"
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    assert ownership() == "ObjectWriter"
    two = {"Rules": [{"ObjectOwnership": "ObjectWriter"}, {"ObjectOwnership": "BucketOwnerPreferred"}]}
    assert refusal(s3.put_bucket_ownership_controls, Bucket=bucket, OwnershipControls=two)[0] == "MalformedXML"
    s3.delete_bucket_ownership_controls(Bucket=bucket)
    assert refusal(s3.get_bucket_ownership_controls, Bucket=bucket)[0] == "OwnershipControlsNotFoundError"
    s3.create_bucket(Bucket=f"{bucket}-2", ObjectOwnership="BucketOwnerPreferred")
    found = s3.get_bucket_ownership_controls(Bucket=f"{bucket}-2")["OwnershipControls"]
    assert found == {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}


def test_a_website_configuration_is_stored(s3, bucket):
    configuration = {"IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "error.html"}}
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=configuration)
    found = s3.get_bucket_website(Bucket=bucket)
    assert {name: found[name] for name in configuration} == configuration
    s3.delete_bucket_website(Bucket=bucket)


@pytest.mark.parametrize(
    ("configuration", "code"),
    [
        ({"IndexDocument": {"Suffix": "/index.html"}}, "InvalidArgument"),
        ({"ErrorDocument": {"Key": "error.html"}}, "InvalidArgument"),
        ({"RedirectAllRequestsTo": {"HostName": "a"}, "IndexDocument": {"Suffix": "i"}}, "InvalidArgument"),
        ({"RedirectAllRequestsTo": {"HostName": "a", "Protocol": "ftp"}}, "InvalidRequest"),
        (
            {
                "IndexDocument": {"Suffix": "i"},
                "RoutingRules": [{"Redirect": {"ReplaceKeyWith": "a", "ReplaceKeyPrefixWith": "b"}}],
            },
            "InvalidRequest",
        ),
    ],
)
def test_an_invalid_website_configuration_is_refused(s3, bucket, refusal, configuration, code):
    assert refusal(s3.put_bucket_website, Bucket=bucket, WebsiteConfiguration=configuration)[:2] == (code, 400)


def test_logging_needs_a_bucket_for_the_logs(s3, bucket, refusal):
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)
    enabled = {"TargetBucket": bucket, "TargetPrefix": "log"}
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={"LoggingEnabled": enabled})
    assert s3.get_bucket_logging(Bucket=bucket)["LoggingEnabled"] == enabled
    absent = {"LoggingEnabled": {"TargetBucket": f"{bucket}-absent", "TargetPrefix": ""}}
    refused = refusal(s3.put_bucket_logging, Bucket=bucket, BucketLoggingStatus=absent)
    assert refused[:2] == ("InvalidTargetBucketForLogging", 400)
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)


def lifecycle(s3, bucket, *rules: dict[str, Any]):
    configuration = {"Rules": [{"Status": "Enabled", **rule} for rule in rules]}
    return s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration=configuration)


def test_lifecycle_rules_are_stored_and_announced(s3, bucket, refusal):
    first = s3.put_object(Bucket=bucket, Key="a/1", Body=b"x")
    assert "Expiration" not in first
    stored = lifecycle(s3, bucket, {"ID": "my rule", "Filter": {"Prefix": "a/"}, "Expiration": {"Days": 3}})
    assert stored["TransitionDefaultMinimumObjectSize"] == "all_storage_classes_128K"
    (rule,) = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert rule == {"ID": "my rule", "Filter": {"Prefix": "a/"}, "Expiration": {"Days": 3}, "Status": "Enabled"}
    head = s3.head_object(Bucket=bucket, Key="a/1")
    assert head["Expiration"].endswith(' 00:00:00 GMT", rule-id="my%20rule"')
    assert s3.put_object(Bucket=bucket, Key="a/1", Body=b"x")["Expiration"] == head["Expiration"]
    assert "Expiration" not in s3.put_object(Bucket=bucket, Key="b/1", Body=b"x")
    lifecycle(s3, bucket, {"Prefix": "a/", "Expiration": {"Days": 3}})
    assert len(s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"][0]["ID"]) == 36
    lifecycle(s3, bucket, {"Prefix": "a/", "Expiration": {"Days": 2**31 - 1}})
    assert "Expiration" not in s3.head_object(Bucket=bucket, Key="a/1")
    s3.delete_bucket_lifecycle(Bucket=bucket)
    assert "Expiration" not in s3.head_object(Bucket=bucket, Key="a/1")


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ({"Expiration": {"Days": 7}}, "MalformedXML"),
        ({"Filter": {}, "Expiration": {"Days": 0}}, "InvalidArgument"),
        ({"Filter": {}, "ID": "a" * 256, "Expiration": {"Days": 1}}, "InvalidArgument"),
        ({"Filter": {}, "Expiration": {"Days": 1, "ExpiredObjectDeleteMarker": True}}, "MalformedXML"),
        ({"Filter": {}, "Expiration": {"Date": datetime(2023, 1, 1, 2, tzinfo=UTC)}}, "InvalidArgument"),
        ({"Filter": {"Prefix": "", "ObjectSizeGreaterThan": 5}, "Expiration": {"Days": 1}}, "MalformedXML"),
        ({"Filter": {}, "NoncurrentVersionExpiration": {}}, "MalformedXML"),
        ({"Filter": {}, "NoncurrentVersionExpiration": {"NoncurrentDays": 0}}, "InvalidArgument"),
        ({"Filter": {}}, "InvalidRequest"),
        (
            {
                "Filter": {"And": {"Tags": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]}},
                "Expiration": {"Days": 1},
            },
            "InvalidRequest",
        ),
    ],
)
def test_an_invalid_lifecycle_rule_is_refused(s3, bucket, refusal, rule, code):
    configuration = {"Rules": [{"Status": "Enabled", **rule}]}
    refused = refusal(s3.put_bucket_lifecycle_configuration, Bucket=bucket, LifecycleConfiguration=configuration)
    assert refused[:2] == (code, 400)


def test_expired_objects_are_deleted(s3, bucket):
    for key, tagging in (("old/1", ""), ("old/large", ""), ("old/tagged", "keep=no"), ("new/1", "")):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x" * (100 if "large" in key else 1), Tagging=tagging)
    past = {"Date": datetime(2020, 1, 1, tzinfo=UTC)}
    lifecycle(
        s3,
        bucket,
        {"ID": "tagged", "Filter": {"Tag": {"Key": "keep", "Value": "no"}}, "Expiration": past},
        {"ID": "small", "Filter": {"And": {"Prefix": "old/1", "ObjectSizeLessThan": 5}}, "Expiration": past},
    )

    def keys():
        return [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]]

    until(lambda: keys() == ["new/1", "old/large"])


def test_an_expired_object_of_a_bucket_with_versioning_gets_a_delete_marker(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["VersionId"]
    lifecycle(s3, bucket, {"Filter": {}, "Expiration": {"Date": datetime(2020, 1, 1, tzinfo=UTC)}})
    until(lambda: "DeleteMarkers" in s3.list_object_versions(Bucket=bucket))
    assert s3.get_object(Bucket=bucket, Key="k", VersionId=version)["Body"].read() == b"x"
    s3.delete_object(Bucket=bucket, Key="k", VersionId=version)
    lifecycle(s3, bucket, {"Filter": {}, "Expiration": {"ExpiredObjectDeleteMarker": True}})
    until(lambda: "DeleteMarkers" not in s3.list_object_versions(Bucket=bucket))


def granted(acl):
    return [(grant["Grantee"].get("URI", "owner"), grant["Permission"]) for grant in acl["Grants"]]


def test_acls_are_canned_or_lists_of_grants(s3, open_bucket, refusal):
    owner = s3.get_bucket_acl(Bucket=open_bucket)["Owner"]
    s3.put_bucket_acl(Bucket=open_bucket, ACL="public-read")
    public = [("owner", "FULL_CONTROL"), (f"{GROUPS}/global/AllUsers", "READ")]
    assert granted(s3.get_bucket_acl(Bucket=open_bucket)) == public
    s3.put_bucket_acl(Bucket=open_bucket, GrantRead=f'uri="{GROUPS}/s3/LogDelivery"')
    assert granted(s3.get_bucket_acl(Bucket=open_bucket)) == [(f"{GROUPS}/s3/LogDelivery", "READ")]

    s3.put_object(Bucket=open_bucket, Key="k", Body=b"x", ACL="public-read")
    assert granted(s3.get_object_acl(Bucket=open_bucket, Key="k")) == public
    s3.copy_object(Bucket=open_bucket, Key="copy", CopySource={"Bucket": open_bucket, "Key": "k"})
    assert granted(s3.get_object_acl(Bucket=open_bucket, Key="copy")) == [("owner", "FULL_CONTROL")]
    grants = [{"Grantee": {"Type": "CanonicalUser", "ID": owner["ID"]}, "Permission": "READ_ACP"}]
    s3.put_object_acl(Bucket=open_bucket, Key="k", AccessControlPolicy={"Owner": owner, "Grants": grants})
    assert granted(s3.get_object_acl(Bucket=open_bucket, Key="k")) == [("owner", "READ_ACP")]
    s3.put_bucket_ownership_controls(
        Bucket=open_bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    )
    assert granted(s3.get_object_acl(Bucket=open_bucket, Key="k")) == [("owner", "FULL_CONTROL")]


@pytest.mark.parametrize(
    ("acl", "code"),
    [
        ({}, "MissingSecurityHeader"),
        ({"ACL": "fake"}, "InvalidArgument"),
        ({"GrantWrite": f'uri="{GROUPS}/s3/FakeGroup"'}, "InvalidArgument"),
        ({"GrantWrite": 'fakekey="1234"'}, "InvalidArgument"),
        ({"GrantWrite": 'id="wrong-id"'}, "InvalidArgument"),
        ({"GrantWrite": 'emailAddress="a@example.com"'}, "UnresolvableGrantByEmailAddress"),
        ({"ACL": "private", "GrantRead": f'uri="{GROUPS}/s3/LogDelivery"'}, "InvalidRequest"),
        ({"AccessControlPolicy": {}}, "MalformedACLError"),
        ({"AccessControlPolicy": {"Owner": {"ID": "wrong-id"}, "Grants": []}}, "InvalidArgument"),
        ({"ACL": "private", "AccessControlPolicy": {"Grants": []}}, "UnexpectedContent"),
    ],
)
def test_an_invalid_acl_is_refused(s3, open_bucket, refusal, acl, code):
    assert refusal(s3.put_bucket_acl, Bucket=open_bucket, **acl)[:2] == (code, 400)


def test_public_acls_and_policies_can_be_blocked(s3, bucket, refusal):
    s3.delete_bucket_ownership_controls(Bucket=bucket)
    assert refusal(s3.put_bucket_acl, Bucket=bucket, ACL="public-read")[:2] == ("AccessDenied", 403)
    statement = f'{{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::{bucket}/*"}}'
    policy = f'{{"Statement": [{statement}]}}'
    assert refusal(s3.put_bucket_policy, Bucket=bucket, Policy=policy)[:2] == ("AccessDenied", 403)
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is True
    refused = refusal(s3.create_bucket, Bucket=f"{bucket}-2", ACL="public-read", ObjectOwnership="ObjectWriter")
    assert refused[0] == "InvalidBucketAclWithBlockPublicAccessError"
