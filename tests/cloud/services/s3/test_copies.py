"""Copies of objects."""

from __future__ import annotations

import base64
import hashlib
import os

LARGE = os.urandom(200_000)
"""A body that is too large for the database; S3 stores it as a file."""


def test_copies_keep_or_replace_metadata_and_tags(s3, bucket):
    source = {"Bucket": bucket, "Key": "from ü+/a"}
    metadata = {"label": "bicycle"}
    s3.put_object(**source, Body=LARGE, ContentType="image/png", Metadata=metadata, Tagging="a=1")
    s3.copy_object(Bucket=bucket, Key="kept", CopySource=source)
    kept = s3.get_object(Bucket=bucket, Key="kept")
    assert (kept["Body"].read(), kept["ContentType"], kept["Metadata"]) == (LARGE, "image/png", metadata)
    assert kept["TagCount"] == 1
    s3.copy_object(
        Bucket=bucket,
        Key="new",
        CopySource=source,
        MetadataDirective="REPLACE",
        Metadata={"x": "y"},
        ContentType="text/plain",
        TaggingDirective="REPLACE",
        Tagging="b=2",
        ChecksumAlgorithm="SHA256",
    )
    new = s3.get_object(Bucket=bucket, Key="new")
    assert (new["Metadata"], new["ContentType"]) == ({"x": "y"}, "text/plain")
    assert new["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(LARGE).digest()).decode()
    assert s3.get_object_tagging(Bucket=bucket, Key="new")["TagSet"] == [{"Key": "b", "Value": "2"}]


def test_conditional_copies(s3, bucket, refusal):
    etag = s3.put_object(Bucket=bucket, Key="key", Body=b"x")["ETag"]
    copy = {"Bucket": bucket, "Key": "copy", "CopySource": f"/{bucket}/key"}
    for name, value in (("IfMatch", '"other"'), ("IfNoneMatch", etag)):
        code, status, error = refusal(s3.copy_object, **copy, **{f"CopySource{name}": value})
        condition = "x-amz-copy-source-" + {"IfMatch": "If-Match", "IfNoneMatch": "If-None-Match"}[name]
        assert (code, status, error["Condition"]) == ("PreconditionFailed", 412, condition)
    assert s3.copy_object(**copy, CopySourceIfMatch=etag)["CopyObjectResult"]["ETag"] == etag
    assert refusal(s3.copy_object, **copy, IfNoneMatch="*")[0] == "PreconditionFailed"
    missing = {**copy, "CopySource": f"{bucket}/none"}
    assert refusal(s3.copy_object, **missing)[0] == "NoSuchKey"


def test_a_copy_onto_itself_must_change_something(s3, bucket, refusal):
    s3.put_object(Bucket=bucket, Key="key", Body=b"x")
    copy = {"Bucket": bucket, "Key": "key", "CopySource": f"{bucket}/key"}
    assert refusal(s3.copy_object, **copy)[0] == "InvalidRequest"
    s3.copy_object(**copy, MetadataDirective="REPLACE", Metadata={"now": "this"})
    found = s3.get_object(Bucket=bucket, Key="key")
    assert (found["Metadata"], found["Body"].read()) == ({"now": "this"}, b"x")


def test_a_copy_onto_itself_follows_a_configured_default_encryption(s3, bucket, refusal):
    s3.put_object(Bucket=bucket, Key="key", Body=b"x")
    copy = {"Bucket": bucket, "Key": "key", "CopySource": f"{bucket}/key"}
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    assert s3.copy_object(**copy)["ServerSideEncryption"] == "AES256"
    s3.delete_bucket_encryption(Bucket=bucket)
    assert s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"] == [rule]
    assert refusal(s3.copy_object, **copy)[0] == "InvalidRequest"


def test_a_plus_sign_in_the_name_of_a_source_is_a_space(cloud, bucket):
    s3 = cloud.client("s3")
    s3.put_object(Bucket=bucket, Key="a key", Body=b"space")
    s3.put_object(Bucket=bucket, Key="a+key", Body=b"plus")

    def unquoted(request, **_):
        request.headers.replace_header("x-amz-copy-source", f"{bucket}/a+key")

    copy = {"Bucket": bucket, "Key": "copy", "CopySource": f"{bucket}/a+key"}
    s3.copy_object(**copy)  # boto3 writes %2B
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == b"plus"
    s3.meta.events.register("before-sign.s3.CopyObject", unquoted)
    s3.copy_object(**copy)
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == b"space"
