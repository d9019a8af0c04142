"""Multipart uploads, directly and through the transfers of boto3 and the AWS CLI."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import time
from pathlib import Path

import boto3
import pytest

PART = os.urandom(5 * 1024**2)
TAIL = b"the rest"


def upload_parts(s3, bucket, key, parts=(PART, TAIL), **created):
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key, **created)["UploadId"]
    target = {"Bucket": bucket, "Key": key, "UploadId": upload}
    algorithm = {name: value for name, value in created.items() if name == "ChecksumAlgorithm"}
    done = []
    for number, body in enumerate(parts, 1):
        answer = s3.upload_part(**target, PartNumber=number, Body=body, **algorithm)
        proofs = {name: value for name, value in answer.items() if name.startswith("Checksum")}
        done.append({"PartNumber": number, "ETag": answer["ETag"], **proofs})
    return target, done


def test_parts_become_an_object(s3, bucket):
    target, parts = upload_parts(s3, bucket, "key", ContentType="image/png", Metadata={"a": "b"}, Tagging="t=1")
    assert [entry["UploadId"] for entry in s3.list_multipart_uploads(Bucket=bucket)["Uploads"]] == [target["UploadId"]]
    listed = s3.list_parts(**target, MaxParts=1)
    assert [part["Size"] for part in listed["Parts"]] == [len(PART)]
    assert listed["IsTruncated"]
    done = s3.complete_multipart_upload(**target, MultipartUpload={"Parts": parts})
    etag = hashlib.md5(hashlib.md5(PART).digest() + hashlib.md5(TAIL).digest()).hexdigest()
    assert done["ETag"] == f'"{etag}-2"'
    found = s3.get_object(Bucket=bucket, Key="key")
    assert found["Body"].read() == PART + TAIL
    assert (found["ContentType"], found["Metadata"], found["TagCount"]) == ("image/png", {"a": "b"}, 1)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
    across = s3.get_object(Bucket=bucket, Key="key", Range=f"bytes={len(PART) - 2}-{len(PART) + 1}")
    assert across["Body"].read() == PART[-2:] + TAIL[:2]
    second = s3.get_object(Bucket=bucket, Key="key", PartNumber=2)
    assert (second["Body"].read(), second["PartsCount"]) == (TAIL, 2)
    again = s3.complete_multipart_upload(**target, MultipartUpload={"Parts": parts})
    assert again["ETag"] == done["ETag"]


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "SHA1", "SHA256"])
def test_a_composite_checksum_is_that_of_the_parts(s3, bucket, algorithm):
    target, parts = upload_parts(s3, bucket, "key", ChecksumAlgorithm=algorithm)
    done = s3.complete_multipart_upload(**target, MultipartUpload={"Parts": parts})
    assert done["ChecksumType"] == "COMPOSITE"
    assert done[f"Checksum{algorithm}"].endswith("-2")
    if algorithm == "SHA256":
        whole = hashlib.sha256(hashlib.sha256(PART).digest() + hashlib.sha256(TAIL).digest()).digest()
        assert done["ChecksumSHA256"] == base64.b64encode(whole).decode() + "-2"


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME"])
def test_a_full_checksum_is_that_of_the_object(s3, bucket, algorithm):
    kind = {"ChecksumAlgorithm": algorithm, "ChecksumType": "FULL_OBJECT"}
    target, parts = upload_parts(s3, bucket, "key", **kind)
    done = s3.complete_multipart_upload(**target, MultipartUpload={"Parts": parts})
    whole = s3.put_object(Bucket=bucket, Key="whole", Body=PART + TAIL, ChecksumAlgorithm=algorithm)
    assert done[f"Checksum{algorithm}"] == whole[f"Checksum{algorithm}"]
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == PART + TAIL


def test_invalid_part_lists_are_rejected(s3, bucket, refusal):
    target, parts = upload_parts(s3, bucket, "key", (b"small", b"small too"))
    complete = s3.complete_multipart_upload
    assert refusal(complete, **target, MultipartUpload={"Parts": parts})[0] == "EntityTooSmall"
    assert refusal(complete, **target, MultipartUpload={"Parts": parts[::-1]})[0] == "InvalidPartOrder"
    wrong = [{"PartNumber": 1, "ETag": '"00000000000000000000000000000000"'}]
    assert refusal(complete, **target, MultipartUpload={"Parts": wrong})[0] == "InvalidPart"
    assert refusal(complete, **target, MultipartUpload={"Parts": []})[0] == "MalformedXML"
    assert refusal(s3.upload_part, **target, PartNumber=10_001, Body=b"")[0] == "InvalidArgument"
    s3.complete_multipart_upload(**target, MultipartUpload={"Parts": parts[:1]})
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"small"


def test_an_aborted_upload_no_longer_exists(s3, bucket, refusal):
    target, parts = upload_parts(s3, bucket, "key")
    s3.abort_multipart_upload(**target)
    assert refusal(s3.list_parts, **target)[:2] == ("NoSuchUpload", 404)
    assert refusal(s3.upload_part, **target, PartNumber=1, Body=PART)[0] == "NoSuchUpload"
    assert refusal(s3.complete_multipart_upload, **target, MultipartUpload={"Parts": parts})[0] == "NoSuchUpload"


def test_parts_are_copied_from_objects(s3, bucket, refusal):
    s3.put_object(Bucket=bucket, Key="source", Body=PART + TAIL)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="key")["UploadId"]
    target = {"Bucket": bucket, "Key": "key", "UploadId": upload, "CopySource": f"{bucket}/source"}
    last = len(PART) + len(TAIL) - 1
    copied = s3.upload_part_copy(**target, PartNumber=1, CopySourceRange=f"bytes={len(PART)}-{last}")
    assert (
        refusal(s3.upload_part_copy, **target, PartNumber=2, CopySourceRange="bytes=0-99999999")[0] == "InvalidArgument"
    )
    code, _, error = refusal(s3.upload_part_copy, **target, PartNumber=2, CopySourceRange=f"bytes={last + 1}-99999999")
    assert (code, error["Message"]) == (
        "InvalidRequest",
        "The specified copy range is invalid for the source object size",
    )
    parts = [{"PartNumber": 1, "ETag": copied["CopyPartResult"]["ETag"]}]
    s3.complete_multipart_upload(Bucket=bucket, Key="key", UploadId=upload, MultipartUpload={"Parts": parts})
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == TAIL


def test_boto3_transfers(s3, bucket, tmp_path):
    body = os.urandom(12_000_000)
    (tmp_path / "up").write_bytes(body)
    s3.upload_file(str(tmp_path / "up"), bucket, "key")
    assert s3.head_object(Bucket=bucket, Key="key")["ETag"].endswith('-2"')
    s3.download_file(bucket, "key", str(tmp_path / "down"))
    assert (tmp_path / "down").read_bytes() == body
    s3.copy({"Bucket": bucket, "Key": "key"}, bucket, "copy")
    copied = io.BytesIO()
    s3.download_fileobj(bucket, "copy", copied)
    assert copied.getvalue() == body


def test_completed_writes_survive_kill_9(start_cloud):
    cloud = start_cloud()
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="durable")
    bodies = {"small": b"small", "large": os.urandom(300_000), "parts": PART + TAIL}
    s3.put_object(Bucket="durable", Key="small", Body=bodies["small"])
    s3.put_object(Bucket="durable", Key="large", Body=bodies["large"])
    target, parts = upload_parts(s3, "durable", "parts")
    s3.complete_multipart_upload(**target, MultipartUpload={"Parts": parts})
    cloud.kill()
    (cloud.data_dir / "s3" / "orphan").write_bytes(b"never answered")
    again = start_cloud().client("s3")
    for key, body in bodies.items():
        assert again.get_object(Bucket="durable", Key=key)["Body"].read() == body
    assert not (cloud.data_dir / "s3" / "orphan").exists()


@pytest.mark.slow
def test_a_large_object_does_not_fill_the_servers_memory(start_cloud, tmp_path):
    cloud = start_cloud()
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="large")
    s3.put_object(Bucket="large", Key="warm", Body=bytes(1_000_000))

    def peak():
        status = Path(f"/proc/{cloud.running.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024

    before = peak()
    (tmp_path / "up").write_bytes(os.urandom(50_000_000))
    with (tmp_path / "up").open("rb") as file:
        s3.put_object(Bucket="large", Key="key", Body=file)
    digest = hashlib.sha256()
    for chunk in s3.get_object(Bucket="large", Key="key")["Body"].iter_chunks(1_000_000):
        digest.update(chunk)
    assert digest.digest() == hashlib.sha256((tmp_path / "up").read_bytes()).digest()
    assert peak() - before < 25_000_000


@pytest.mark.slow
def test_the_aws_cli(cloud, bucket, tmp_path):
    local, url = tmp_path / "up", f"s3://{bucket}/pictures"
    (local / "sub ü").mkdir(parents=True)
    bodies = {"a.png": b"a", "sub ü/b+.png": b"b", "large.bin": os.urandom(9_000_000)}
    for name, body in bodies.items():
        (local / name).write_bytes(body)
        # S3 cuts the time of an upload to whole seconds: a file of the same second would seem newer than its object.
        os.utime(local / name, (time.time() - 10, time.time() - 10))

    def aws(*arguments):
        done = cloud.run("aws", "s3", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    aws("sync", str(local), url)
    assert "upload" not in aws("sync", str(local), url)
    aws("sync", url, str(tmp_path / "down"))
    assert {name: (tmp_path / "down" / name).read_bytes() for name in bodies} == bodies
    assert "PRE sub ü/" in aws("ls", url + "/")
    aws("cp", url + "/a.png", url + "/copy.png")
    aws("rm", "--recursive", url)
    assert cloud.run("aws", "s3", "ls", url + "/").stdout == ""


@pytest.mark.parametrize("part", [{}, {"PartNumber": 1}, {"ETag": '"a"'}])
def test_a_part_has_a_number_and_an_etag(s3, bucket, refusal, part):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    assert refusal(
        s3.complete_multipart_upload, Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": [part]}
    )[:2] == ("MalformedXML", 400)


def test_a_part_number_marker_is_not_negative(s3, bucket, refusal):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    arguments = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    assert refusal(s3.list_parts, **arguments, PartNumberMarker=-1)[:2] == ("InvalidArgument", 400)


def test_a_completion_names_parts_of_an_existing_upload(s3, bucket, refusal):
    target = {"Bucket": bucket, "Key": "key"}
    assert refusal(s3.complete_multipart_upload, **target, UploadId="unknown")[:2] == ("NoSuchUpload", 404)
    upload = s3.create_multipart_upload(**target)["UploadId"]
    code, status, error = refusal(s3.complete_multipart_upload, **target, UploadId=upload)
    assert (code, status, error["Message"]) == ("InvalidRequest", 400, "You must specify at least one part")
    empty = {"MultipartUpload": {"Parts": []}}
    assert refusal(s3.complete_multipart_upload, **target, UploadId=upload, **empty)[:2] == ("MalformedXML", 400)


def test_a_listing_of_uploads_has_markers(s3, bucket):
    found = s3.list_multipart_uploads(Bucket=bucket)
    assert (found["NextKeyMarker"], found["NextUploadIdMarker"], "Prefix" in found) == ("", "", False)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="key")["UploadId"]
    found = s3.list_multipart_uploads(Bucket=bucket)
    assert (found["NextKeyMarker"], found["NextUploadIdMarker"], found["IsTruncated"]) == ("key", upload, False)


def test_an_upload_id_marker_is_that_of_its_key(s3, bucket, refusal):
    uploads = {key: s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"] for key in ("one", "two")}
    code, _, error = refusal(s3.list_multipart_uploads, Bucket=bucket, KeyMarker="one", UploadIdMarker=uploads["two"])
    assert (code, error["ArgumentName"], error["Message"]) == (
        "InvalidArgument",
        "upload-id-marker",
        "Invalid uploadId marker",
    )
    found = s3.list_multipart_uploads(Bucket=bucket, UploadIdMarker=uploads["two"])["Uploads"]
    assert [upload["Key"] for upload in found] == ["one", "two"]


@pytest.mark.parametrize("kind", ["FULL_OBJECT", "COMPOSITE"])
def test_a_part_of_an_object_has_its_checksum_if_it_is_composite(s3, bucket, kind):
    chosen = {"ChecksumAlgorithm": "CRC32", "ChecksumType": kind}
    target, parts = upload_parts(s3, bucket, "key", **chosen)
    s3.complete_multipart_upload(**target, MultipartUpload={"Parts": parts}, ChecksumType=kind)
    found = s3.head_object(Bucket=bucket, Key="key", PartNumber=2, ChecksumMode="ENABLED")
    assert found.get("ChecksumCRC32") == (parts[1]["ChecksumCRC32"] if kind == "COMPOSITE" else None)


def test_an_upload_names_its_initiator(cloud, s3, bucket):
    sts = cloud.client("sts")
    account = sts.get_caller_identity()["Account"]
    role = f"arn:aws:iam::{account}:role/initiator"
    keys = sts.assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], region_name="us-east-1")
    of_role = session.client("s3", endpoint_url=cloud.url)
    owner = s3.get_bucket_acl(Bucket=bucket)["Owner"]["ID"]
    of_session = f"arn:aws:sts::{account}:assumed-role/initiator/session"
    for client, initiator, name in ((s3, owner, "root"), (of_role, of_session, "initiator/session")):
        target, parts = upload_parts(client, bucket, "key", parts=[TAIL])
        listed = s3.list_parts(**target)
        (upload,) = s3.list_multipart_uploads(Bucket=bucket)["Uploads"]
        for found in (listed, upload):
            assert found["Initiator"] == {"ID": initiator, "DisplayName": name}
            assert found["Owner"] == {"ID": owner}
        s3.complete_multipart_upload(**target, MultipartUpload={"Parts": parts})
        assert s3.head_object(Bucket=bucket, Key="key")["Metadata"] == {}


def completed(s3, bucket, parts, **checksums):
    """Upload parts with a checksum algorithm, and return the attributes of the object."""
    upload = s3.create_multipart_upload(Bucket=bucket, Key="key", **checksums)["UploadId"]
    target = {"Bucket": bucket, "Key": "key", "UploadId": upload}
    listed = []
    for number, body in enumerate(parts, 1):
        algorithm = {name: value for name, value in checksums.items() if name == "ChecksumAlgorithm"}
        part = s3.upload_part(**target, PartNumber=number, Body=body, **algorithm)
        proof = {name: value for name, value in part.items() if name.startswith("Checksum")} if checksums else {}
        listed.append({"PartNumber": number, "ETag": part["ETag"], **proof})
    s3.complete_multipart_upload(**target, MultipartUpload={"Parts": listed})
    return s3.get_object_attributes(Bucket=bucket, Key="key", ObjectAttributes=["Checksum", "ObjectParts"])


def test_attributes_list_parts_only_with_composite_checksums(s3, bucket):
    parts = [b"a" * (5 << 20), b"b"]
    plain = completed(s3, bucket, parts)
    assert plain["ObjectParts"] == {"TotalPartsCount": 2}
    assert completed(s3, bucket, parts, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")["ObjectParts"] == {
        "TotalPartsCount": 2
    }
    composite = completed(s3, bucket, parts, ChecksumAlgorithm="SHA256")
    assert [part["Size"] for part in composite["ObjectParts"]["Parts"]] == [5 << 20, 1]
    head = s3.head_object(Bucket=bucket, Key="key", ChecksumMode="ENABLED")
    assert head["ChecksumSHA256"] == f"{composite['Checksum']['ChecksumSHA256']}-2"


def test_a_part_has_no_checksum_that_s3_chose(s3, bucket):
    completed(s3, bucket, [PART, TAIL])
    found = s3.head_object(Bucket=bucket, Key="key", PartNumber=2, ChecksumMode="ENABLED")
    assert "ChecksumType" not in found


def test_a_page_without_parts_has_no_next_marker(s3, bucket):
    completed(s3, bucket, [PART, TAIL], ChecksumAlgorithm="SHA256")
    attributes = {"Bucket": bucket, "Key": "key", "ObjectAttributes": ["ObjectParts"]}
    found = s3.get_object_attributes(**attributes, PartNumberMarker=10)["ObjectParts"]
    assert (found["PartNumberMarker"], found["NextPartNumberMarker"], found["TotalPartsCount"]) == (10, 0, 2)


def test_a_conditional_completion_conflicts_with_changes_since_its_start(s3, bucket, refusal):
    def upload():
        target = {"Bucket": bucket, "Key": "key"}
        target["UploadId"] = s3.create_multipart_upload(**target)["UploadId"]
        etag = s3.upload_part(**target, PartNumber=1, Body=b"x")["ETag"]
        return {**target, "MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": etag}]}}

    def conflict(condition):
        return ("ConditionalRequestConflict", 409, condition)

    def refused(**params):
        code, status, error = refusal(s3.complete_multipart_upload, **params)
        return code, status, error["Condition"]

    s3.put_object(Bucket=bucket, Key="key", Body=b"1")
    begun = upload()
    assert refused(**begun, IfNoneMatch="*") == ("PreconditionFailed", 412, "If-None-Match")
    s3.delete_object(Bucket=bucket, Key="key")
    assert refused(**begun, IfNoneMatch="*") == conflict("If-None-Match")
    etag = s3.put_object(Bucket=bucket, Key="key", Body=b"2")["ETag"]
    assert refused(**begun, IfMatch=etag) == conflict("If-Match")
    assert s3.complete_multipart_upload(**upload(), IfMatch=etag)["ETag"]


def test_a_completion_has_the_checksums_of_its_upload(s3, bucket, refusal):
    chosen = {"ChecksumAlgorithm": "CRC32", "ChecksumType": "FULL_OBJECT"}
    upload = s3.create_multipart_upload(Bucket=bucket, Key="key", **chosen)["UploadId"]
    target = {"Bucket": bucket, "Key": "key", "UploadId": upload}
    etag = s3.upload_part(**target, PartNumber=1, Body=b"x")["ETag"]
    part = {"PartNumber": 1, "ETag": etag}
    sha256 = {**part, "ChecksumSHA256": base64.b64encode(hashlib.sha256(b"x").digest()).decode()}
    wrong = [
        ({"ChecksumType": "COMPOSITE"}, part, "InvalidRequest", "created using the FULL_OBJECT checksum mode"),
        ({"ChecksumCRC32": "AAAAAA=="}, part, "BadDigest", "The crc32 you specified did not match the calculated"),
        ({}, sha256, "BadDigest", "The sha256 you specified for part 1 did not match what we received."),
    ]
    for params, given, code, message in wrong:
        refused = refusal(s3.complete_multipart_upload, **target, MultipartUpload={"Parts": [given]}, **params)
        assert (refused[:2], message in refused[2]["Message"]) == ((code, 400), True)
