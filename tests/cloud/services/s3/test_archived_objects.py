"""Archived objects, and RestoreObject."""

from __future__ import annotations

import pytest

MESSAGE = "The operation is not valid for the object's storage class"


@pytest.mark.parametrize("storage_class", ["GLACIER", "DEEP_ARCHIVE"])
def test_an_archived_object_must_be_restored_before_it_is_read(s3, bucket, refusal, storage_class):
    named = {"Bucket": bucket, "Key": "key"}
    s3.put_object(**named, Body=b"body", StorageClass=storage_class, Metadata={"a": "b"})
    code, status, error = refusal(s3.get_object, **named)
    assert (code, status, error["Message"], error["StorageClass"]) == (
        "InvalidObjectState",
        403,
        MESSAGE,
        storage_class,
    )
    copy = {"Bucket": bucket, "Key": "copy", "CopySource": f"{bucket}/key"}
    assert refusal(s3.copy_object, **copy)[:2] == ("InvalidObjectState", 403)
    assert "Restore" not in s3.head_object(**named)
    for status in (202, 200):
        answer = s3.restore_object(**named, RestoreRequest={"Days": 2, "GlacierJobParameters": {"Tier": "Bulk"}})
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == status
    found = s3.get_object(**named)
    assert (found["Body"].read(), found["StorageClass"], found["Metadata"]) == (b"body", storage_class, {"a": "b"})
    assert found["Restore"].startswith('ongoing-request="false", expiry-date="')
    assert found["Restore"].endswith(' 00:00:00 GMT"')
    s3.copy_object(**copy, StorageClass="STANDARD")
    assert "Restore" not in s3.get_object(Bucket=bucket, Key="copy")
    s3.put_object(**named, Body=b"new", StorageClass=storage_class)
    assert refusal(s3.get_object, **named)[0] == "InvalidObjectState"


def test_only_archived_objects_are_restored_for_some_days(s3, bucket, refusal):
    s3.put_object(Bucket=bucket, Key="active", Body=b"x")
    s3.put_object(Bucket=bucket, Key="archived", Body=b"x", StorageClass="GLACIER")
    code, status, error = refusal(s3.restore_object, Bucket=bucket, Key="active", RestoreRequest={"Days": 1})
    assert (code, status, error["StorageClass"]) == ("InvalidObjectState", 403, "STANDARD")
    for request, code in (({}, "MalformedXML"), ({"Days": 0}, "MalformedXML"), ({"Type": "SELECT"}, "NotImplemented")):
        assert refusal(s3.restore_object, Bucket=bucket, Key="archived", RestoreRequest=request)[0] == code
