"""S3's own errors for arguments and bodies that violate the model; the values are those that AWS returns."""

from __future__ import annotations

import uuid

import pytest

ENCODING = "Invalid Encoding Method specified in Request"
NUMBER = "Provided max-keys not an integer or within integer range"
RANGE = "Argument max-buckets must be an integer between 1 and 10000"


def test_enumerations_in_headers_ignore_case(s3, unchecked, bucket):
    s3.put_object(Bucket=bucket, Key="key", Body=b"x")
    found = unchecked.get_object(Bucket=bucket, Key="key", ChecksumMode="enabled")
    assert found["ChecksumCRC32"]
    copy = {"Bucket": bucket, "Key": "key", "CopySource": f"{bucket}/key"}
    unchecked.copy_object(**copy, MetadataDirective="replace", Metadata={"a": "b"})
    assert s3.head_object(Bucket=bucket, Key="key")["Metadata"] == {"a": "b"}


@pytest.mark.parametrize(
    ("operation", "arguments", "error"),
    [
        ("list_objects", {"MaxKeys": "x"}, ("max-keys", "x", NUMBER)),
        ("list_objects_v2", {"EncodingType": "x"}, ("encoding-type", "x", ENCODING)),
        ("list_object_versions", {"EncodingType": ""}, ("encoding-type", "", ENCODING)),
        ("list_buckets", {"MaxBuckets": 0}, ("max-buckets", "0", RANGE)),
        (
            "upload_part",
            {"Key": "k", "UploadId": "u", "PartNumber": "x"},
            ("partNumber", "x", "Part number must be an integer between 1 and 10000, inclusive"),
        ),
        (
            "copy_object",
            {"Key": "k", "CopySource": "wrongformat"},
            ("x-amz-copy-source", "x-amz-copy-source", "Invalid copy source object key"),
        ),
    ],
)
def test_an_invalid_argument_is_named(unchecked, bucket, refusal, operation, arguments, error):
    target = {} if operation == "list_buckets" else {"Bucket": bucket}
    code, status, members = refusal(getattr(unchecked, operation), **target, **arguments)
    assert (code, status) == ("InvalidArgument", 400)
    named = members["ArgumentName"], members["ArgumentValue"] or "", members["Message"]
    assert named == error


def test_an_empty_number_counts_as_absent(s3, unchecked, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    found = unchecked.list_parts(Bucket=bucket, Key="k", UploadId=upload, PartNumberMarker="", MaxParts="")
    assert (found["PartNumberMarker"], found["MaxParts"]) == (0, 1000)


@pytest.mark.parametrize("storage_class", ["FakeClass", "OUTPOSTS"])
def test_a_storage_class_must_exist(unchecked, bucket, refusal, storage_class):
    code, status, error = refusal(unchecked.put_object, Bucket=bucket, Key="k", StorageClass=storage_class)
    assert (code, status, error["StorageClassRequested"]) == ("InvalidStorageClass", 400, storage_class)


def test_a_body_that_violates_the_model_is_malformed(unchecked, bucket, refusal):
    for tag in ({"Key": None, "Value": "v"}, {"Key": "k", "Value": None}):
        refused = refusal(unchecked.put_bucket_tagging, Bucket=bucket, Tagging={"TagSet": [tag]})
        assert refused[:2] == ("MalformedXML", 400)
    assert refusal(unchecked.put_bucket_tagging, Bucket=bucket)[0] == "MissingRequestBodyError"
    missing = refusal(unchecked.put_bucket_tagging, Bucket="no-bucket", Tagging={"TagSet": [{"Key": "k"}]})
    assert missing[:2] == ("NoSuchBucket", 404)


@pytest.mark.parametrize(
    ("region", "constraint", "code"),
    [
        ("us-east-1", "foo", "InvalidLocationConstraint"),
        ("us-east-1", "us-east-1", "InvalidLocationConstraint"),
        ("eu-west-1", "bar", "IllegalLocationConstraintException"),
        ("eu-west-1", "us-east-1", "IllegalLocationConstraintException"),
    ],
)
def test_an_unknown_location_has_the_error_of_its_region(cloud, start_cloud, refusal, region, constraint, code):
    s3 = (cloud if region == "us-east-1" else start_cloud(region=region)).client("s3")
    name, configuration = f"tests-{uuid.uuid4().hex}", {"LocationConstraint": constraint}
    assert refusal(s3.create_bucket, Bucket=name, CreateBucketConfiguration=configuration)[:2] == (code, 400)


def test_an_expected_owner_is_an_account_id(s3, bucket, refusal):
    code, status, error = refusal(s3.head_bucket, Bucket=bucket, ExpectedBucketOwner="999999999999")
    assert status == 403
    code, status, error = refusal(s3.get_bucket_location, Bucket=bucket, ExpectedBucketOwner="invalid")
    assert (code, status) == ("InvalidBucketOwnerAWSAccountID", 400)
    assert error["Message"].endswith("must be an AWS Account ID... [invalid]")


def test_the_older_listing_does_not_encode_its_prefix(s3, bucket):
    assert s3.list_objects(Bucket=bucket, Prefix="\n")["Prefix"] == "\n"
    assert s3.list_objects_v2(Bucket=bucket, Prefix="\n")["Prefix"] == "\n"  # boto3 decodes this one


def test_an_error_names_no_resource(s3, bucket, refusal):
    assert "Resource" not in refusal(s3.get_object, Bucket=bucket, Key="missing")[2]
