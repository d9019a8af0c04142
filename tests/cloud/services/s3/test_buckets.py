"""Buckets: creation, lists, deletion, and their settings: tags, ACLs, encryption, public access and policies."""

from __future__ import annotations

import uuid

import pytest


def test_a_bucket_is_created_found_listed_and_deleted(s3, bucket, refusal):
    head = s3.head_bucket(Bucket=bucket)
    arn = f"arn:aws:s3:::{bucket}"
    assert (head["BucketRegion"], head["BucketArn"], head["AccessPointAlias"]) == ("us-east-1", arn, False)
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None
    assert arn in [entry["BucketArn"] for entry in s3.list_buckets()["Buckets"]]
    s3.delete_bucket(Bucket=bucket)
    assert refusal(s3.head_bucket, Bucket=bucket)[:2] == ("404", 404)
    code, status, error = refusal(s3.list_objects_v2, Bucket=bucket)
    assert (code, status, error["BucketName"]) == ("NoSuchBucket", 404, bucket)


def test_us_east_1_accepts_a_second_creation(s3, bucket, refusal):
    created = s3.create_bucket(Bucket=bucket)
    assert (created["Location"], created["BucketArn"]) == (f"/{bucket}", f"arn:aws:s3:::{bucket}")
    tagged = {"Tags": [{"Key": "a", "Value": "b"}]}
    refused = refusal(s3.create_bucket, Bucket=bucket, CreateBucketConfiguration=tagged)
    assert refused[:2] == ("BucketAlreadyOwnedByYou", 409)


@pytest.mark.parametrize(
    ("constraint", "code"),
    [("eu-west-1", "IllegalLocationConstraintException"), ("us-east-1", "InvalidLocationConstraint")],
)
def test_a_location_must_be_the_region_of_the_cloud(s3, refusal, constraint, code):
    configuration = {"LocationConstraint": constraint}
    name = f"tests-{uuid.uuid4().hex}"
    assert refusal(s3.create_bucket, Bucket=name, CreateBucketConfiguration=configuration)[0] == code


def test_other_regions_require_their_location_and_reject_a_second_creation(start_cloud, refusal):
    s3 = start_cloud(region="eu-west-1").client("s3")
    assert refusal(s3.create_bucket, Bucket="plain")[0] == "IllegalLocationConstraintException"
    location = {"CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}
    s3.create_bucket(Bucket="placed", **location)
    assert refusal(s3.create_bucket, Bucket="placed", **location)[:2] == ("BucketAlreadyOwnedByYou", 409)
    assert s3.get_bucket_location(Bucket="placed")["LocationConstraint"] == "eu-west-1"


@pytest.mark.parametrize("name", ["Upper", "ab", "10.0.0.1", "a..b", "xn--a", "under_score", "a" * 63 + "-s3alias"])
def test_names_follow_the_naming_rules(s3, refusal, name):
    assert refusal(s3.create_bucket, Bucket=name)[:2] in (("InvalidBucketName", 400),)


def test_a_bucket_with_objects_is_kept(s3, bucket, refusal):
    s3.put_object(Bucket=bucket, Key="kept", Body=b"x")
    assert refusal(s3.delete_bucket, Bucket=bucket)[:2] == ("BucketNotEmpty", 409)


def test_unfinished_uploads_are_deleted_with_their_bucket(cloud, s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="never")["UploadId"]
    s3.upload_part(Bucket=bucket, Key="never", UploadId=upload, PartNumber=1, Body=b"x" * 70_000)
    before = set((cloud.data_dir / "s3").iterdir())
    s3.delete_bucket(Bucket=bucket)
    assert len(before - set((cloud.data_dir / "s3").iterdir())) == 1


def test_buckets_are_listed_in_pages(s3, bucket):
    names = sorted(f"{bucket}-{number}" for number in range(5))
    for name in names:
        s3.create_bucket(Bucket=name)
    pages = s3.get_paginator("list_buckets").paginate(Prefix=f"{bucket}-", PaginationConfig={"PageSize": 2})
    found = [[entry["Name"] for entry in page["Buckets"]] for page in pages]
    assert found == [names[:2], names[2:4], names[4:]]


def test_a_buckets_tags_are_replaced_and_removed(s3, bucket, refusal):
    assert refusal(s3.get_bucket_tagging, Bucket=bucket)[:2] == ("NoSuchTagSet", 404)
    tags = [{"Key": "team", "Value": "scones"}, {"Key": "empty", "Value": ""}]
    put = s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    assert put["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags
    assert refusal(s3.put_bucket_tagging, Bucket=bucket, Tagging={"TagSet": [tags[0], tags[0]]})[0] == "InvalidTag"
    s3.delete_bucket_tagging(Bucket=bucket)
    assert refusal(s3.get_bucket_tagging, Bucket=bucket)[0] == "NoSuchTagSet"


def test_a_folder_of_another_owner_is_rejected(s3, bucket, refusal):
    assert s3.head_bucket(Bucket=bucket, ExpectedBucketOwner="111122223333")
    for operation, params in [(s3.head_bucket, {}), (s3.list_objects_v2, {}), (s3.get_object, {"Key": "any"})]:
        assert refusal(operation, Bucket=bucket, ExpectedBucketOwner="999999999999", **params)[1] == 403


def test_missing_objects_and_buckets_are_reported(s3, bucket, refusal):
    code, status, error = refusal(s3.get_bucket_replication, Bucket=bucket)
    assert (code, status) == ("NotImplemented", 501)
    assert "GetBucketReplication" in error["Message"]


def test_a_bucket_is_emptied_by_its_versions(cloud, s3, bucket, refusal):
    for key in ("a", "b/1", "b/2"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    pages = list(s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2}))
    found = [(each["Key"], each["VersionId"], each["IsLatest"]) for page in pages for each in page["Versions"]]
    assert found == [("a", "null", True), ("b/1", "null", True), ("b/2", "null", True)]
    grouped = s3.list_object_versions(Bucket=bucket, Delimiter="/")
    assert [each["Prefix"] for each in grouped["CommonPrefixes"]] == ["b/"]
    assert refusal(s3.list_object_versions, Bucket=bucket, VersionIdMarker="null")[0] == "InvalidArgument"

    others = {"Objects": [{"Key": "a", "VersionId": "3HL4kqtJvjVBH40Nrjfkd"}]}
    assert s3.delete_objects(Bucket=bucket, Delete=others)["Errors"][0]["Code"] == "NoSuchVersion"
    resource = cloud.session().resource("s3", endpoint_url=cloud.url)
    deleted = resource.Bucket(bucket).object_versions.delete()[0]["Deleted"]
    assert sorted((each["Key"], each["VersionId"]) for each in deleted) == [
        ("a", "null"),
        ("b/1", "null"),
        ("b/2", "null"),
    ]
    assert "Versions" not in s3.list_object_versions(Bucket=bucket)


def test_acls_grant_full_control_to_the_owner(s3, bucket, refusal):
    s3.put_object(Bucket=bucket, Key="mine", Body=b"x", ACL="bucket-owner-full-control")
    for acl in (s3.get_bucket_acl(Bucket=bucket), s3.get_object_acl(Bucket=bucket, Key="mine")):
        assert [grant["Permission"] for grant in acl["Grants"]] == ["FULL_CONTROL"]
        assert acl["Grants"][0]["Grantee"]["ID"] == acl["Owner"]["ID"]
    refused = refusal(s3.put_object, Bucket=bucket, Key="all", Body=b"x", ACL="public-read")
    assert refused[:2] == ("AccessControlListNotSupported", 400)


def test_a_bucket_keeps_its_encryption_configuration(s3, bucket):
    def algorithm():
        rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
        return rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]

    assert algorithm() == "AES256"
    rules = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules})
    assert algorithm() == "aws:kms"
    s3.delete_bucket_encryption(Bucket=bucket)
    assert algorithm() == "AES256"


def test_new_buckets_block_public_access(s3, bucket, refusal):
    def blocked():
        return set(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())

    assert blocked() == {True}
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    assert blocked() == {True, False}
    s3.delete_public_access_block(Bucket=bucket)
    assert refusal(s3.get_public_access_block, Bucket=bucket)[:2] == ("NoSuchPublicAccessBlockConfiguration", 404)


def test_a_bucket_policy_is_returned_verbatim_until_the_bucket_is_deleted(s3, bucket, refusal):
    assert refusal(s3.get_bucket_policy, Bucket=bucket)[:2] == ("NoSuchBucketPolicy", 404)
    assert refusal(s3.put_bucket_policy, Bucket=bucket, Policy="[]")[:2] == ("MalformedPolicy", 400)
    policy = '{"Version": "2012-10-17",  "Statement": []}'
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == policy
    s3.delete_bucket(Bucket=bucket)
    s3.create_bucket(Bucket=bucket)
    assert refusal(s3.get_bucket_policy, Bucket=bucket)[0] == "NoSuchBucketPolicy"


def test_a_listing_of_buckets_is_of_a_region(s3, unchecked, bucket, refusal):
    code, _, error = refusal(s3.list_buckets, BucketRegion="eu-east-1")
    assert (code, error["Message"]) == ("InvalidArgument", "Argument value eu-east-1 is not a valid AWS Region")
    found = unchecked.list_buckets(Prefix=bucket, ContinuationToken="")["Buckets"]
    assert [(each["Name"], each["BucketRegion"]) for each in found] == [(bucket, "us-east-1")]
    assert s3.list_buckets(BucketRegion="eu-west-1")["Buckets"] == []


def test_a_new_bucket_has_no_reserved_tags(s3, refusal):
    configuration = {"Tags": [{"Key": "aws:test", "Value": "v"}]}
    code, _, error = refusal(s3.create_bucket, Bucket="reserved-tags", CreateBucketConfiguration=configuration)
    assert (code, error["Message"].startswith("User-defined tag keys can't start with")) == ("InvalidTag", True)


def test_a_document_without_a_tag_set_removes_the_tags(s3, unchecked, bucket, refusal):
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
    unchecked.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": None})
    assert refusal(s3.get_bucket_tagging, Bucket=bucket)[0] == "NoSuchTagSet"


@pytest.mark.parametrize(("region", "rest"), [("us-east-1", "/>"), ("eu-west-1", ">eu-west-1</LocationConstraint>")])
def test_the_location_is_a_document(start_cloud, cloud, region, rest):
    other = cloud if region == "us-east-1" else start_cloud(region=region)
    s3, bucket = other.client("s3"), f"located-{uuid.uuid4().hex[:8]}"
    located = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=bucket, **located)
    bodies = []
    s3.meta.events.register("before-parse.s3", lambda response_dict, **_: bodies.append(response_dict["body"]))
    answer = s3.get_bucket_location(Bucket=bucket)
    root = '<?xml version="1.0" encoding="UTF-8"?>\n<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
    assert bodies == [f"{root}{rest}".encode()]
    assert answer["ResponseMetadata"]["HTTPHeaders"]["server"] == "AmazonS3"
