"""Objects: uploads and downloads, conditions, checksums and deletions."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import os
import urllib.error
import urllib.request
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

LARGE = os.urandom(200_000)
"""A body that is too large for the database; S3 stores it as a file."""

KEYS = [
    "plain.txt",
    "with space/and+plus",
    "a/../b",
    "../up",
    "double//slash",
    "/leading",
    "trailing/",
    "ünïcode/日本/🍰",
    "100%25?query=1&more#part",
    "quotes'\"<>&",
    "~tilde_and-dash.",
    "." * 3,
    "k" * 1024,
]


@pytest.mark.parametrize("body", [b"", b"small", b"x" * 65_536, b"y" * 65_537, LARGE], ids=len)
def test_a_stored_body_is_returned(s3, bucket, body):
    etag = f'"{hashlib.md5(body).hexdigest()}"'
    assert s3.put_object(Bucket=bucket, Key="key", Body=body)["ETag"] == etag
    found = s3.get_object(Bucket=bucket, Key="key")
    assert found["Body"].read() == body
    assert (found["ETag"], found["ContentLength"], found["AcceptRanges"]) == (etag, len(body), "bytes")
    assert found["ContentType"] == "binary/octet-stream"
    assert dt.datetime.now(dt.UTC) - found["LastModified"] < dt.timedelta(minutes=1)


@pytest.mark.parametrize("key", KEYS)
def test_any_key_can_be_an_object_key(s3, bucket, key):
    s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    s3.delete_object(Bucket=bucket, Key=key)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_a_key_has_at_most_1024_bytes(s3, bucket, refusal):
    assert refusal(s3.put_object, Bucket=bucket, Key="ü" * 513, Body=b"")[:2] == ("KeyTooLongError", 400)


def test_headers_and_metadata_are_kept(s3, bucket):
    headers = {
        "CacheControl": "max-age=60",
        "ContentDisposition": 'attachment; filename="a.png"',
        "ContentEncoding": "gzip",
        "ContentLanguage": "en",
        "ContentType": "image/png",
        "Metadata": {"label": "bicycle", "mixed-case": "Value With Space"},
        "StorageClass": "STANDARD_IA",
    }
    expires = dt.datetime(2030, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
    s3.put_object(Bucket=bucket, Key="key", Body=b"x", Expires=expires, Tagging="a=1&b=%20", **headers)
    for found in (s3.head_object(Bucket=bucket, Key="key"), s3.get_object(Bucket=bucket, Key="key")):
        assert {name: found[name] for name in headers} == headers
        assert found["Expires"] == expires
    tags = s3.get_object_tagging(Bucket=bucket, Key="key")["TagSet"]
    assert tags == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": " "}]


def test_a_request_may_override_response_headers(s3, bucket):
    s3.put_object(Bucket=bucket, Key="key", Body=b"x", ContentType="text/plain")
    found = s3.get_object(
        Bucket=bucket, Key="key", ResponseContentType="image/png", ResponseContentDisposition="inline"
    )
    assert (found["ContentType"], found["ContentDisposition"]) == ("image/png", "inline")


def test_missing_resources_are_reported(s3, bucket, refusal):
    code, status, error = refusal(s3.get_object, Bucket=bucket, Key="none")
    assert (code, status, error["Key"]) == ("NoSuchKey", 404, "none")
    assert refusal(s3.head_object, Bucket=bucket, Key="none")[:2] == ("404", 404)
    assert refusal(s3.put_object, Bucket="no-such-bucket", Key="none", Body=LARGE)[0] == "NoSuchBucket"
    s3.delete_object(Bucket=bucket, Key="none")


def test_conditional_reads(s3, bucket, refusal):
    etag = s3.put_object(Bucket=bucket, Key="key", Body=b"x")["ETag"]
    now = dt.datetime.now(dt.UTC)
    past, future = now - dt.timedelta(hours=1), now + dt.timedelta(hours=1)
    get = {"Bucket": bucket, "Key": "key"}
    fine = [
        {"IfMatch": etag},
        {"IfNoneMatch": '"other"'},
        {"IfModifiedSince": past},
        {"IfUnmodifiedSince": future},
        {"IfMatch": etag, "IfUnmodifiedSince": past},
        {"IfNoneMatch": '"other"', "IfModifiedSince": now + dt.timedelta(seconds=-1)},
        {"IfModifiedSince": future},  # a date in the future is ignored
    ]
    for conditions in fine:
        assert s3.get_object(**get, **conditions)["Body"].read() == b"x"
    stored = s3.head_object(**get)["LastModified"]
    for conditions in ({"IfNoneMatch": etag}, {"IfModifiedSince": stored}):
        assert refusal(s3.get_object, **get, **conditions)[:2] == ("304", 304)
        assert refusal(s3.head_object, **get, **conditions)[1] == 304
    for conditions in ({"IfMatch": '"other"'}, {"IfUnmodifiedSince": past}):
        assert refusal(s3.get_object, **get, **conditions)[:2] == ("PreconditionFailed", 412)


def test_conditional_writes(s3, bucket, refusal):
    put = {"Bucket": bucket, "Key": "key", "Body": b"x"}
    assert refusal(s3.put_object, **put, IfMatch='"any"')[:2] == ("NoSuchKey", 404)
    etag = s3.put_object(**put, IfNoneMatch="*")["ETag"]
    code, status, error = refusal(s3.put_object, **put, IfNoneMatch="*")
    assert (code, status, error["Condition"]) == ("PreconditionFailed", 412, "If-None-Match")
    assert refusal(s3.put_object, **put, IfMatch='"other"')[0] == "PreconditionFailed"
    for conditions, header in (
        ({"IfNoneMatch": etag}, "If-None-Match"),
        ({"IfMatch": "*"}, "If-Match"),
        ({"IfMatch": etag, "IfNoneMatch": "*"}, "If-Match,If-None-Match"),
    ):
        code, status, error = refusal(s3.put_object, **put, **conditions)
        assert (code, status, error["Header"]) == ("NotImplemented", 501, header)
    code, status, error = refusal(s3.delete_object, Bucket=bucket, Key="key", IfMatchSize=1)
    assert (code, status, error["Header"]) == ("NotImplemented", 501, "x-amz-if-match-size")
    s3.put_object(Bucket=bucket, Key="key", Body=LARGE, IfMatch=etag)
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == LARGE
    assert refusal(s3.delete_object, Bucket=bucket, Key="key", IfMatch=etag)[:2] == ("PreconditionFailed", 412)


def test_batch_delete(s3, bucket):
    for key in ("a", "b/c", "d ü"):
        s3.put_object(Bucket=bucket, Key=key, Body=LARGE)
    keys = [{"Key": key} for key in ("a", "b/c", "missing")]
    assert s3.delete_objects(Bucket=bucket, Delete={"Objects": keys})["Deleted"] == keys
    quiet = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "d ü"}], "Quiet": True})
    assert "Deleted" not in quiet
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


@pytest.mark.parametrize("bypassed", [True, False])
def test_a_bucket_without_object_lock_has_no_retention_to_bypass(s3, bucket, refusal, bypassed):
    named = {"Bucket": bucket, "BypassGovernanceRetention": bypassed}
    for error in (
        refusal(s3.delete_object, **named, Key="key"),
        refusal(s3.delete_objects, **named, Delete={"Objects": [{"Key": "key"}]}),
    ):
        header = "x-amz-bypass-governance-retention"
        assert (error[0], error[1], error[2]["ArgumentName"]) == ("InvalidArgument", 400, header)
        assert error[2]["Message"] == f"{header} is only applicable to Object Lock enabled buckets."


def test_files_of_replaced_and_deleted_objects_are_removed(start_cloud):
    cloud = start_cloud()
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="files")
    for _ in range(3):
        s3.put_object(Bucket="files", Key="key", Body=LARGE)
    assert len(list((cloud.data_dir / "s3").iterdir())) == 1
    s3.put_object(Bucket="files", Key="key", Body=b"small")
    assert not list((cloud.data_dir / "s3").iterdir())


def test_an_object_can_be_deleted_while_it_is_read(s3, bucket):
    body = os.urandom(12_000_000)
    s3.put_object(Bucket=bucket, Key="key", Body=body)
    reading = s3.get_object(Bucket=bucket, Key="key")["Body"]
    first = reading.read(100_000)
    s3.delete_object(Bucket=bucket, Key="key")
    assert first + reading.read() == body


@pytest.mark.parametrize("body", [b"small", LARGE], ids=["small", "large"])
def test_content_md5_is_verified(s3, bucket, refusal, body):
    put = {"Bucket": bucket, "Key": "key", "Body": body}
    right = base64.b64encode(hashlib.md5(body).digest()).decode()
    wrong = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    s3.put_object(**put, ContentMD5=right)
    assert refusal(s3.put_object, **put, ContentMD5=wrong)[:2] == ("BadDigest", 400)
    assert refusal(s3.put_object, **put, ContentMD5="short")[:2] == ("InvalidDigest", 400)


ALGORITHMS = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"]


@pytest.mark.parametrize("body", [b"small", LARGE], ids=["small", "large"])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_checksums_are_verified_and_returned(s3, bucket, refusal, algorithm, body):
    member = f"Checksum{algorithm}"
    put = s3.put_object(Bucket=bucket, Key="key", Body=body, ChecksumAlgorithm=algorithm)
    assert put["ChecksumType"] == "FULL_OBJECT"
    head = s3.head_object(Bucket=bucket, Key="key", ChecksumMode="ENABLED")
    assert head[member] == put[member]
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == body  # botocore verifies the checksum
    s3.put_object(Bucket=bucket, Key="again", Body=body, **{member: put[member]})
    wrong = base64.b64encode(bytes(len(base64.b64decode(put[member])))).decode()
    assert refusal(s3.put_object, Bucket=bucket, Key="bad", Body=body, **{member: wrong})[:2] == ("BadDigest", 400)
    assert refusal(s3.put_object, Bucket=bucket, Key="bad", Body=body, **{member: "bad"})[0] == "InvalidRequest"
    attributes = s3.get_object_attributes(Bucket=bucket, Key="key", ObjectAttributes=["Checksum", "ObjectSize"])
    assert attributes["Checksum"] == {member: put[member], "ChecksumType": "FULL_OBJECT"}
    assert attributes["ObjectSize"] == len(body)
    assert "ETag" not in attributes
    assert refusal(s3.head_object, Bucket=bucket, Key="bad")[1] == 404


def test_a_checksum_is_computed_if_none_is_sent(cloud, bucket):
    s3 = cloud.client("s3", request_checksum_calculation="when_required")
    s3.put_object(Bucket=bucket, Key="key", Body=b"123456789")
    head = s3.head_object(Bucket=bucket, Key="key", ChecksumMode="ENABLED")
    assert head["ChecksumCRC64NVME"] == "rosUhgp5mIg="  # CRC-64/NVME's check value AE8B14860A799888


def test_tags_of_objects(s3, bucket, refusal):
    tags = [{"Key": "label", "Value": "motorcycle"}]
    assert refusal(s3.put_object_tagging, Bucket=bucket, Key="key", Tagging={"TagSet": tags})[0] == "NoSuchKey"
    s3.put_object(Bucket=bucket, Key="key", Body=b"x")
    s3.put_object_tagging(Bucket=bucket, Key="key", Tagging={"TagSet": tags})
    assert s3.get_object_tagging(Bucket=bucket, Key="key")["TagSet"] == tags
    assert s3.get_object(Bucket=bucket, Key="key")["TagCount"] == 1
    s3.delete_object_tagging(Bucket=bucket, Key="key")
    assert s3.get_object_tagging(Bucket=bucket, Key="key")["TagSet"] == []
    many = [{"Key": str(number), "Value": ""} for number in range(11)]
    assert refusal(s3.put_object_tagging, Bucket=bucket, Key="key", Tagging={"TagSet": many})[0] == "BadRequest"


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_presigned_urls(cloud, bucket, version):
    s3 = cloud.client("s3", signature_version=version)
    params = {"Bucket": bucket, "Key": "presigned ü+"}
    request = urllib.request.Request(s3.generate_presigned_url("put_object", params), data=LARGE, method="PUT")
    request.add_header("Content-Type", "")
    with urllib.request.urlopen(request) as answer:
        assert answer.headers["ETag"] == f'"{hashlib.md5(LARGE).hexdigest()}"'
    url = s3.generate_presigned_url("get_object", {**params, "ResponseContentType": "image/png"})
    with urllib.request.urlopen(url) as answer:
        assert (answer.read(), answer.headers["Content-Type"]) == (LARGE, "image/png")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(s3.generate_presigned_url("get_object", {**params, "Key": "none"}))
    assert refused.value.code == 404
    assert b"<Code>NoSuchKey</Code>" in refused.value.read()


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_urls_presigned_with_a_roles_keys_carry_their_token(cloud, s3, bucket, version):
    s3.put_object(Bucket=bucket, Key="key", Body=b"content")
    role = "arn:aws:iam::111122223333:role/service-role/notebook"
    keys = cloud.client("sts").assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    notebook = boto3.client(
        "s3",
        endpoint_url=cloud.url,
        region_name="us-east-1",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        config=Config(signature_version=version),
    )
    url = notebook.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "key"})
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"content"
    written = {"Bucket": bucket, "Key": "key", "Metadata": {"by": "hand"}}
    request = urllib.request.Request(notebook.generate_presigned_url("put_object", written), data=b"new", method="PUT")
    request.add_header("Content-Type", "")
    request.add_header("x-amz-meta-by", "hand")
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200
    assert s3.head_object(Bucket=bucket, Key="key")["Metadata"] == {"by": "hand"}


@pytest.mark.parametrize("unsupported", [{"ObjectLockMode": "GOVERNANCE"}])
def test_unsupported_parameters_are_rejected(s3, bucket, refusal, unsupported):
    assert refusal(s3.put_object, Bucket=bucket, Key="key", Body=b"x", **unsupported)[:2] == ("NotImplemented", 501)


def test_the_requested_encryption_is_returned(s3, bucket):
    asked = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "alias/mine"}
    put = s3.put_object(Bucket=bucket, Key="secret", Body=b"x", **asked)
    head = s3.head_object(Bucket=bucket, Key="secret")
    expected = {**asked, "SSEKMSKeyId": "arn:aws:kms:us-east-1:111122223333:alias/mine"}
    assert expected == {name: put[name] for name in asked} == {name: head[name] for name in asked}


def move_away(file: Path) -> None:
    file.unlink()


def make_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def cut_off(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


@pytest.mark.parametrize("damage", [move_away, make_folder, cut_off])
@pytest.mark.parametrize("parts", [1, 2])
def test_a_damaged_body_is_an_internal_error_and_the_log_names_the_object(cloud, s3, bucket, damage, parts):
    before = set((cloud.data_dir / "s3").iterdir())
    name = {"Bucket": bucket, "Key": "large"}
    upload = name | {"UploadId": s3.create_multipart_upload(**name)["UploadId"]}
    sizes = [5_242_880] * (parts - 1) + [200_000]
    tags = [s3.upload_part(**upload, PartNumber=n, Body=bytes(size))["ETag"] for n, size in enumerate(sizes, 1)]
    done = {"Parts": [{"PartNumber": n, "ETag": tag} for n, tag in enumerate(tags, 1)]}
    s3.complete_multipart_upload(**upload, MultipartUpload=done)
    damage(min(set((cloud.data_dir / "s3").iterdir()) - before, key=lambda path: path.stat().st_size))
    with pytest.raises(ClientError) as got:
        s3.get_object(**name)
    with pytest.raises(ClientError) as copied:
        s3.copy_object(Bucket=bucket, Key="copy", CopySource=name)
    for failed in (got, copied):
        assert failed.value.response["Error"]["Code"] == "InternalError"
        assert failed.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    text = (cloud.data_dir / "cloud.log").read_text()
    assert text.count(f"The object 's3://{bucket}/large' is damaged") == 2


@pytest.mark.parametrize("value", ["a\x01b", "a\r\nx: y", "日本"])
def test_a_response_has_no_header_that_is_invalid_in_http(s3, bucket, refusal, value):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    code, status, error = refusal(s3.get_object, Bucket=bucket, Key="k", ResponseContentDisposition=value)
    assert (code, status, error["ArgumentName"]) == ("InvalidArgument", 400, "response-content-disposition")


def test_times_are_whole_seconds_everywhere(s3, bucket):
    s3.put_object(Bucket=bucket, Key="key", Body=b"x")
    head = s3.head_object(Bucket=bucket, Key="key")["LastModified"]
    assert s3.list_objects_v2(Bucket=bucket)["Contents"][0]["LastModified"] == head
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    s3.upload_part(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=1, Body=b"x")
    part = s3.list_parts(Bucket=bucket, Key="parts", UploadId=upload)["Parts"][0]["LastModified"]
    begun = s3.list_multipart_uploads(Bucket=bucket)["Uploads"][0]["Initiated"]
    copied = s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/key")["CopyObjectResult"]["LastModified"]
    assert {moment.microsecond for moment in (head, part, begun, copied)} == {0}


def test_a_tagging_header_is_lenient_about_values_and_strict_about_names(s3, bucket, refusal):
    s3.put_object(Bucket=bucket, Key="key", Body=b"x", Tagging="k1=v1&k2")
    expected = [{"Key": "k1", "Value": "v1"}, {"Key": "k2", "Value": ""}]
    assert s3.get_object_tagging(Bucket=bucket, Key="key")["TagSet"] == expected
    for tagging in ("k=v&k=w", "k1=v1,k2=v2"):
        code, status, error = refusal(s3.put_object, Bucket=bucket, Key="key", Body=b"x", Tagging=tagging)
        assert (code, status, error["ArgumentName"]) == ("InvalidArgument", 400, "x-amz-tagging")


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ([{"Key": "k", "Value": "v"}, {"Key": "k", "Value": "v"}], "Cannot provide multiple Tags with the same key"),
        ([{"Key": "a,b", "Value": "v"}], "The TagKey you have provided is invalid"),
        ([{"Key": "k", "Value": "a,b"}], "The TagValue you have provided is invalid"),
        ([{"Key": "aws:k", "Value": "v"}], "Your TagKey cannot be prefixed with aws:"),
    ],
)
def test_invalid_tags_are_named(s3, bucket, refusal, tags, message):
    s3.put_object(Bucket=bucket, Key="key", Body=b"x")
    code, status, error = refusal(s3.put_object_tagging, Bucket=bucket, Key="key", Tagging={"TagSet": tags})
    assert (code, status, error["Message"], error["TagKey"]) == ("InvalidTag", 400, message, tags[0]["Key"])
