"""Encryption that responses state: the default of the bucket, KMS keys, and keys that customers provide."""

from __future__ import annotations

import base64
import hashlib

import pytest

KEY = "arn:aws:kms:us-east-1:111122223333:key/"
SECRET = b"0123456789abcdef0123456789abcdef"
OTHER = SECRET[::-1]


def test_every_write_states_its_encryption(s3, bucket):
    put = s3.put_object(Bucket=bucket, Key="key", Body=b"x")
    copied = s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/key")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")
    target = {"Bucket": bucket, "Key": "parts", "UploadId": upload["UploadId"]}
    part = s3.upload_part(**target, PartNumber=1, Body=b"x")
    copied_part = s3.upload_part_copy(**target, PartNumber=2, CopySource=f"{bucket}/key")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    completed = s3.complete_multipart_upload(**target, MultipartUpload=parts)
    for response in (put, copied, upload, part, copied_part, completed):
        assert response["ServerSideEncryption"] == "AES256"


def test_objects_have_the_default_encryption_of_their_bucket(s3, bucket):
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}, "BucketKeyEnabled": True}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    put = s3.put_object(Bucket=bucket, Key="key", Body=b"x")
    head = s3.head_object(Bucket=bucket, Key="key")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")
    for response in (put, head, upload):
        assert response["ServerSideEncryption"] == "aws:kms"
        assert response["SSEKMSKeyId"].startswith(KEY)
        assert response["BucketKeyEnabled"] is True
    own = s3.put_object(Bucket=bucket, Key="own", Body=b"x", ServerSideEncryption="AES256")
    assert (own["ServerSideEncryption"], "SSEKMSKeyId" in own) == ("AES256", False)
    copied = s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/own")
    assert copied["SSEKMSKeyId"] == put["SSEKMSKeyId"]


def test_a_key_is_returned_as_an_arn(s3, bucket, refusal):
    put = {"Bucket": bucket, "Key": "key", "Body": b"x"}
    named = s3.put_object(**put, ServerSideEncryption="aws:kms", SSEKMSKeyId="1234abcd")
    assert (named["SSEKMSKeyId"], "BucketKeyEnabled" in named) == (f"{KEY}1234abcd", False)
    assert refusal(s3.put_object, **put, SSEKMSKeyId="1234abcd")[:2] == ("InvalidArgument", 400)


def test_a_default_encryption_has_one_valid_rule(s3, bucket, refusal):
    aes = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    with_key = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256", "KMSMasterKeyID": "key"}}
    for rules, code in (([], "MalformedXML"), ([aes, aes], "MalformedXML"), ([with_key], "InvalidArgument")):
        configuration = {"Rules": rules}
        refused = refusal(s3.put_bucket_encryption, Bucket=bucket, ServerSideEncryptionConfiguration=configuration)
        assert refused[:2] == (code, 400)
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [aes]})
    stored = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert stored == [{**aes, "BucketKeyEnabled": False}]


def customer_key(secret, prefix=""):
    return {f"{prefix}SSECustomerAlgorithm": "AES256", f"{prefix}SSECustomerKey": secret}


def test_an_object_with_a_customers_key_is_read_with_this_key_only(s3, bucket, refusal):
    put = s3.put_object(Bucket=bucket, Key="key", Body=b"x", **customer_key(SECRET))
    md5 = base64.b64encode(hashlib.md5(SECRET, usedforsecurity=False).digest()).decode()
    assert (put["SSECustomerAlgorithm"], put["SSECustomerKeyMD5"]) == ("AES256", md5)
    assert "ServerSideEncryption" not in put
    get = {"Bucket": bucket, "Key": "key"}
    assert s3.get_object(**get, **customer_key(SECRET))["Body"].read() == b"x"
    assert s3.head_object(**get, **customer_key(SECRET))["SSECustomerKeyMD5"] == md5
    assert refusal(s3.get_object, **get)[:2] == ("InvalidRequest", 400)
    assert refusal(s3.get_object, **get, **customer_key(OTHER))[:2] == ("AccessDenied", 403)
    assert refusal(s3.head_object, **get)[1] == 400
    assert refusal(s3.get_object_attributes, **get, ObjectAttributes=["ETag"])[0] == "InvalidRequest"

    copy = {"Bucket": bucket, "Key": "copy", "CopySource": f"{bucket}/key"}
    assert refusal(s3.copy_object, **copy)[0] == "InvalidRequest"
    copied = s3.copy_object(**copy, **customer_key(SECRET, "CopySource"))
    assert copied["ServerSideEncryption"] == "AES256"
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == b"x"
    assert refusal(s3.get_object, Bucket=bucket, Key="copy", **customer_key(SECRET))[0] == "InvalidRequest"


def test_a_customers_key_is_complete_and_valid(cloud, bucket, refusal):
    s3 = cloud.client("s3")
    s3.meta.events.unregister("before-parameter-build.s3.PutObject", _sse_md5())
    secret = base64.b64encode(SECRET).decode()
    md5 = base64.b64encode(hashlib.md5(SECRET, usedforsecurity=False).digest()).decode()
    given = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": secret, "SSECustomerKeyMD5": md5}
    short = base64.b64encode(SECRET[:10]).decode()
    wrong = [
        ({"SSECustomerAlgorithm": None}, "InvalidArgument", "a valid encryption algorithm."),
        ({"SSECustomerKey": None}, "InvalidArgument", "an appropriate secret key."),
        ({"SSECustomerAlgorithm": "KMS"}, "InvalidEncryptionAlgorithmError", "Supported value: AES256."),
        ({"SSECustomerKey": short}, "InvalidArgument", "The secret key was invalid for the specified algorithm."),
        ({"SSECustomerKeyMD5": secret}, "InvalidArgument", "did not match the hash that was provided."),
        ({"ServerSideEncryption": "AES256"}, "InvalidArgument", "incompatible with the encryption method specified"),
    ]
    for change, code, end in wrong:
        params = {name: value for name, value in {**given, **change}.items() if value is not None}
        refused = refusal(s3.put_object, Bucket=bucket, Key="key", Body=b"x", **params)
        assert refused[:2] == (code, 400)
        assert refused[2]["Message"].endswith(end)


def _sse_md5():
    from botocore.handlers import sse_md5

    return sse_md5


def test_parts_have_the_key_of_their_upload(s3, bucket, refusal):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="key", **customer_key(SECRET))
    assert upload["SSECustomerAlgorithm"] == "AES256"
    part = {"Bucket": bucket, "Key": "key", "UploadId": upload["UploadId"], "PartNumber": 1, "Body": b"x"}
    messages = {
        "must include the appropriate encryption parameters.": {},
        "did not match the ones used originally.": customer_key(OTHER),
    }
    for end, params in messages.items():
        code, status, error = refusal(s3.upload_part, **part, **params)
        assert (code, status, error["Message"].endswith(end)) == ("InvalidRequest", 400, True)
    etag = s3.upload_part(**part, **customer_key(SECRET))["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
    s3.complete_multipart_upload(Bucket=bucket, Key="key", UploadId=upload["UploadId"], MultipartUpload=parts)
    assert refusal(s3.get_object, Bucket=bucket, Key="key")[0] == "InvalidRequest"
    assert s3.get_object(Bucket=bucket, Key="key", **customer_key(SECRET))["Body"].read() == b"x"


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_customers_keys_work_in_both_signature_versions(cloud, bucket, version):
    s3 = cloud.client("s3", signature_version=version)
    s3.put_object(Bucket=bucket, Key="key", Body=b"x", **customer_key(SECRET))
    assert s3.get_object(Bucket=bucket, Key="key", **customer_key(SECRET))["Body"].read() == b"x"


def test_an_upload_with_a_customers_key_has_no_checksum_by_default(s3, bucket):
    named, key = {"Bucket": bucket, "Key": "key"}, customer_key(SECRET)
    upload = s3.create_multipart_upload(**named, **key)["UploadId"]
    etag = s3.upload_part(**named, UploadId=upload, PartNumber=1, Body=b"x", **key)["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
    completed = s3.complete_multipart_upload(**named, UploadId=upload, MultipartUpload=parts)
    found = s3.get_object(**named, ChecksumMode="ENABLED", **key)
    assert not [name for name in (*completed, *found) if name.startswith("Checksum")]
