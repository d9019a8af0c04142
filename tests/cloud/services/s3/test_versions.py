"""Versions of objects: enabled and suspended versioning, delete markers, null versions, and lists of versions."""

from __future__ import annotations

import json
import string
import uuid

import pytest


@pytest.fixture
def versioned(s3, bucket):
    """Return a bucket with enabled versioning."""
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket


def put(s3, bucket, key, *bodies):
    """Write an object several times; return the version IDs."""
    return [s3.put_object(Bucket=bucket, Key=key, Body=body).get("VersionId") for body in bodies]


def body(s3, bucket, key, **parameters):
    return s3.get_object(Bucket=bucket, Key=key, **parameters)["Body"].read()


def listed(s3, bucket, **parameters):
    """Return versions and delete markers as (key, ID, is latest), in the order of the listing for each kind."""
    page = s3.list_object_versions(Bucket=bucket, **parameters)
    return tuple(
        [(each["Key"], each["VersionId"], each["IsLatest"]) for each in page.get(kind, [])]
        for kind in ("Versions", "DeleteMarkers")
    )


def test_a_bucket_has_a_versioning_state(s3, bucket, refusal, cloud):
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    for status in ("Suspended", "Enabled", "Suspended"):
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})
        assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == status
    refused = refusal(s3.put_bucket_versioning, Bucket=bucket, VersioningConfiguration={})
    assert refused[0] == "IllegalVersioningConfigurationException"
    refused = refusal(s3.put_bucket_versioning, Bucket=bucket, VersioningConfiguration={"Status": "enabled"})
    assert refused[:2] == ("MalformedXML", 400)
    mfa = {"Status": "Enabled", "MFADelete": "Enabled"}
    code, status, error = refusal(s3.put_bucket_versioning, Bucket=bucket, VersioningConfiguration=mfa)
    assert (code, status) == ("NotImplemented", 501)
    assert "MfaDelete" in error["Message"]
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=mfa | {"MFADelete": "Disabled"})
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"


def test_older_versions_are_kept_and_read(s3, versioned, refusal):
    large = b"large" * 50_000
    one, two, three = put(s3, versioned, "k", b"one", large, b"three")
    assert all(
        len(version) == 32 and set(version) <= {*string.ascii_letters, *string.digits, *"._"} for version in (one, two)
    )
    current = s3.get_object(Bucket=versioned, Key="k")
    assert (current["VersionId"], current["Body"].read()) == (three, b"three")
    assert body(s3, versioned, "k", VersionId=one) == b"one"
    assert body(s3, versioned, "k", VersionId=two, Range="bytes=5-9") == b"large"
    assert s3.head_object(Bucket=versioned, Key="k", VersionId=two)["ContentLength"] == len(large)
    attributes = s3.get_object_attributes(Bucket=versioned, Key="k", VersionId=two, ObjectAttributes=["ObjectSize"])
    assert (attributes["VersionId"], attributes["ObjectSize"]) == (two, len(large))
    assert listed(s3, versioned) == ([("k", three, True), ("k", two, False), ("k", one, False)], [])
    assert s3.list_objects_v2(Bucket=versioned)["KeyCount"] == 1
    code, status, error = refusal(s3.get_object, Bucket=versioned, Key="k", VersionId="3HL4kqtJvjVBH40Nrjfkd")
    assert (code, status, error["ArgumentName"]) == ("InvalidArgument", 400, "versionId")


def test_a_deletion_adds_a_marker_that_can_be_removed(s3, versioned, refusal):
    (one,) = put(s3, versioned, "k", b"one")
    deleted = s3.delete_object(Bucket=versioned, Key="k")
    marker = deleted["VersionId"]
    assert deleted["DeleteMarker"] is True
    assert listed(s3, versioned) == ([("k", one, False)], [("k", marker, True)])
    assert "Contents" not in s3.list_objects(Bucket=versioned)
    assert body(s3, versioned, "k", VersionId=one) == b"one"

    with pytest.raises(s3.exceptions.NoSuchKey) as caught:
        s3.get_object(Bucket=versioned, Key="k")
    headers = caught.value.response["ResponseMetadata"]["HTTPHeaders"]
    assert (headers["x-amz-delete-marker"], headers["x-amz-version-id"]) == ("true", marker)
    with pytest.raises(s3.exceptions.ClientError) as named:
        s3.get_object(Bucket=versioned, Key="k", VersionId=marker)
    error = named.value.response
    assert (error["Error"]["Code"], error["Error"]["Method"]) == ("MethodNotAllowed", "GET")
    assert error["Error"]["ResourceType"] == "DeleteMarker"
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 405
    assert error["ResponseMetadata"]["HTTPHeaders"]["allow"] == "DELETE"
    assert "last-modified" in error["ResponseMetadata"]["HTTPHeaders"]
    assert refusal(s3.head_object, Bucket=versioned, Key="k")[:2] == ("404", 404)
    assert refusal(s3.head_object, Bucket=versioned, Key="k", VersionId=marker)[:2] == ("405", 405)

    removed = s3.delete_object(Bucket=versioned, Key="k", VersionId=marker)
    assert (removed["DeleteMarker"], removed["VersionId"]) == (True, marker)
    assert body(s3, versioned, "k") == b"one"


def test_the_newest_version_becomes_current_when_the_current_one_is_deleted(s3, versioned, refusal):
    one, two, three = put(s3, versioned, "k", b"one", b"two", b"three")
    removed = s3.delete_object(Bucket=versioned, Key="k", VersionId=three)
    assert removed["VersionId"] == three
    assert "DeleteMarker" not in removed
    assert body(s3, versioned, "k") == b"two"
    assert listed(s3, versioned)[0] == [("k", two, True), ("k", one, False)]
    code, status, error = refusal(s3.get_object, Bucket=versioned, Key="k", VersionId=three)
    assert (code, status, error["VersionId"]) == ("NoSuchVersion", 404, three)
    assert s3.delete_object(Bucket=versioned, Key="k", VersionId=three)["VersionId"] == three
    assert refusal(s3.delete_object, Bucket=versioned, Key="k", VersionId=two[:-4] + "ABCD")[0] == "InvalidArgument"
    (four,) = put(s3, versioned, "k", b"four")
    assert listed(s3, versioned)[0] == [("k", four, True), ("k", two, False), ("k", one, False)]


def test_suspended_versioning_writes_the_null_version(s3, bucket):
    put(s3, bucket, "k", b"before")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    assert s3.head_object(Bucket=bucket, Key="k")["VersionId"] == "null"
    (one,) = put(s3, bucket, "k", b"one")
    assert body(s3, bucket, "k", VersionId="null") == b"before"
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    assert put(s3, bucket, "k", b"null 1", b"null 2") == [None, None]
    assert listed(s3, bucket)[0] == [("k", "null", True), ("k", one, False)]
    assert body(s3, bucket, "k", VersionId="null") == b"null 2"
    marked = s3.delete_object(Bucket=bucket, Key="k")
    assert (marked["DeleteMarker"], marked["VersionId"]) == (True, "null")
    assert listed(s3, bucket) == ([("k", one, False)], [("k", "null", True)])
    put(s3, bucket, "k", b"null 3")
    assert listed(s3, bucket) == ([("k", "null", True), ("k", one, False)], [])
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    (two,) = put(s3, bucket, "k", b"two")
    assert listed(s3, bucket)[0] == [("k", two, True), ("k", "null", False), ("k", one, False)]
    s3.delete_object(Bucket=bucket, Key="k", VersionId="null")
    assert listed(s3, bucket)[0] == [("k", two, True), ("k", one, False)]


def test_several_versions_are_deleted_at_once(s3, versioned):
    one, two = put(s3, versioned, "k", b"one", b"two")

    def delete(*entries):
        objects = [{"Key": key, "VersionId": version} if version else {"Key": key} for key, version in entries]
        return s3.delete_objects(Bucket=versioned, Delete={"Objects": objects})

    deleted = delete(("k", None), ("absent", None))["Deleted"]
    assert [(each["Key"], each["DeleteMarker"]) for each in deleted] == [("k", True), ("absent", True)]
    assert "VersionId" not in deleted[0]
    marker = deleted[0]["DeleteMarkerVersionId"]
    (unmarked,) = delete(("k", marker))["Deleted"]
    assert unmarked == {"Key": "k", "VersionId": marker, "DeleteMarker": True, "DeleteMarkerVersionId": marker}
    for _ in range(2):  # the second request finds no version, and succeeds too
        response = delete(("k", one), ("k", two), ("k", "HPniJFCxqTsMuIH9KX8K8wEjNUgmABCD"))
        assert response["Deleted"] == [{"Key": "k", "VersionId": one}, {"Key": "k", "VersionId": two}]
        (failed,) = response["Errors"]
        assert (failed["Code"], failed["VersionId"]) == ("NoSuchVersion", "HPniJFCxqTsMuIH9KX8K8wEjNUgmABCD")
    assert listed(s3, versioned)[0] == []


def test_a_bucket_with_versions_is_kept(s3, versioned, refusal):
    put(s3, versioned, "k", b"x")
    s3.delete_object(Bucket=versioned, Key="k")
    code, status, error = refusal(s3.delete_bucket, Bucket=versioned)
    assert (code, status) == ("BucketNotEmpty", 409)
    assert error["Message"].endswith("You must delete all versions in the bucket.")


def test_a_resource_deletes_versions_page_by_page(cloud, s3, versioned):
    for key in ("a", "b"):
        put(s3, versioned, key, *(b"x" for _ in range(4)))
        s3.delete_object(Bucket=versioned, Key=key)
    versions = cloud.session().resource("s3", endpoint_url=cloud.url).Bucket(versioned).object_versions
    versions.page_size(3).delete()  # each page's marker is deleted before the next page is requested
    assert listed(s3, versioned) == ([], [])
    s3.delete_bucket(Bucket=versioned)


def test_copies_name_versions(s3, versioned, refusal):
    one, two = put(s3, versioned, "k", b"one", b"two")
    copy = s3.copy_object(Bucket=versioned, Key="copy", CopySource={"Bucket": versioned, "Key": "k", "VersionId": one})
    assert copy["CopySourceVersionId"] == one
    assert s3.get_object(Bucket=versioned, Key="copy")["VersionId"] == copy["VersionId"]
    assert body(s3, versioned, "copy") == b"one"
    restored = s3.copy_object(Bucket=versioned, Key="k", CopySource={"Bucket": versioned, "Key": "k", "VersionId": one})
    assert listed(s3, versioned, Prefix="k")[0] == [
        ("k", restored["VersionId"], True),
        ("k", two, False),
        ("k", one, False),
    ]
    marker = s3.delete_object(Bucket=versioned, Key="k")["VersionId"]
    source = {"Bucket": versioned, "Key": "k", "VersionId": marker}
    assert refusal(s3.copy_object, Bucket=versioned, Key="copy", CopySource=source)[0] == "InvalidRequest"
    source = {"Bucket": versioned, "Key": "k"}
    assert refusal(s3.copy_object, Bucket=versioned, Key="copy", CopySource=source)[:2] == ("NoSuchKey", 404)

    upload = s3.create_multipart_upload(Bucket=versioned, Key="joined")["UploadId"]
    target = {"Bucket": versioned, "Key": "joined", "UploadId": upload}
    source = {"Bucket": versioned, "Key": "k", "VersionId": two}
    part = s3.upload_part_copy(**target, PartNumber=1, CopySource=source)
    assert part["CopySourceVersionId"] == two
    parts = [{"PartNumber": 1, "ETag": part["CopyPartResult"]["ETag"]}]
    joined = s3.complete_multipart_upload(**target, MultipartUpload={"Parts": parts})
    put(s3, versioned, "joined", b"newer")
    assert body(s3, versioned, "joined", VersionId=joined["VersionId"]) == b"two"


def test_each_version_has_its_tags(s3, versioned, refusal):
    one, two = put(s3, versioned, "k", b"one", b"two")

    def tags(**parameters):
        found = s3.get_object_tagging(Bucket=versioned, Key="k", **parameters)
        return found["VersionId"], [tag["Value"] for tag in found["TagSet"]]

    for value, version in (("old", {"VersionId": one}), ("new", {})):
        tagging = {"TagSet": [{"Key": "age", "Value": value}]}
        written = s3.put_object_tagging(Bucket=versioned, Key="k", Tagging=tagging, **version)
        assert written["VersionId"] == version.get("VersionId", two)
    assert tags() == (two, ["new"])
    assert tags(VersionId=one) == (one, ["old"])
    assert s3.delete_object_tagging(Bucket=versioned, Key="k", VersionId=one)["VersionId"] == one
    assert tags(VersionId=one) == (one, [])
    marker = s3.delete_object(Bucket=versioned, Key="k")["VersionId"]
    for version in ({}, {"VersionId": marker}):
        code, status, error = refusal(s3.delete_object_tagging, Bucket=versioned, Key="k", **version)
        assert (code, status, error["Method"]) == ("MethodNotAllowed", 405, "DELETE")


def test_conditional_writes_look_at_the_current_version(s3, versioned, refusal):
    put(s3, versioned, "k", b"one")
    assert refusal(s3.put_object, Bucket=versioned, Key="k", Body=b"x", IfNoneMatch="*")[0] == "PreconditionFailed"
    s3.delete_object(Bucket=versioned, Key="k")
    assert refusal(s3.put_object, Bucket=versioned, Key="k", Body=b"x", IfMatch='"x"')[:2] == ("NoSuchKey", 404)
    s3.put_object(Bucket=versioned, Key="k", Body=b"two", IfNoneMatch="*")


def test_versions_are_listed_in_pages(s3, versioned):
    made = {key: put(s3, versioned, key, b"1", b"2", b"3")[::-1] for key in ("a", "a/1", "a/2", "b")}
    marker = s3.delete_object(Bucket=versioned, Key="b")["VersionId"]
    everything = [(key, version) for key in sorted(made) for version in ([marker] if key == "b" else []) + made[key]]

    def pages(size, **parameters):
        paginator = s3.get_paginator("list_object_versions")
        return list(paginator.paginate(Bucket=versioned, PaginationConfig={"PageSize": size}, **parameters))

    def names(page, kind):
        return [(each["Key"], each["VersionId"]) for each in page.get(kind, [])]

    for size in (1, 2, 5, 100):
        found = [each for page in pages(size) for kind in ("DeleteMarkers", "Versions") for each in names(page, kind)]
        assert sorted(found) == sorted(everything)
        latest = [each for page in pages(size) for each in page.get("Versions", []) if each["IsLatest"]]
        assert [each["VersionId"] for each in latest] == [made[key][0] for key in ("a", "a/1", "a/2")]
        grouped = pages(size, Delimiter="/")
        assert [each["Prefix"] for page in grouped for each in page.get("CommonPrefixes", [])] == ["a/"]
        assert sum(len(page.get("Versions", [])) for page in grouped) == 6
    page = s3.list_object_versions(Bucket=versioned, MaxKeys=4)
    assert (page["NextKeyMarker"], page["NextVersionIdMarker"]) == ("a/1", made["a/1"][0])
    page = s3.list_object_versions(Bucket=versioned, KeyMarker="a", MaxKeys=1, Delimiter="/")
    assert page["NextKeyMarker"] == "a/"
    assert "NextVersionIdMarker" not in page
    assert listed(s3, versioned, KeyMarker="a/1", Prefix="a/", Delimiter="1")[0][0] == ("a/2", made["a/2"][0], True)


def test_notifications_name_versions(s3, versioned, cloud):
    sqs = cloud.client("sqs")
    url = sqs.create_queue(QueueName=f"versions-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    configuration = {"QueueArn": arn, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}
    s3.put_bucket_notification_configuration(
        Bucket=versioned, NotificationConfiguration={"QueueConfigurations": [configuration]}
    )
    (one,) = put(s3, versioned, "k", b"one")
    marker = s3.delete_object(Bucket=versioned, Key="k")["VersionId"]
    s3.delete_object(Bucket=versioned, Key="k", VersionId=one)
    events = []
    while len(events) < 3:
        for message in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10).get("Messages", []):
            events += json.loads(message["Body"]).get("Records", [])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    found = {event["eventName"]: event["s3"]["object"] for event in events}
    assert found["ObjectCreated:Put"]["versionId"] == one
    marked = found["ObjectRemoved:DeleteMarkerCreated"]
    assert (marked["versionId"], marked["eTag"]) == (marker, "d41d8cd98f00b204e9800998ecf8427e")
    assert set(found["ObjectRemoved:Delete"]) == {"key", "versionId", "sequencer"}


def test_versions_survive_kill_9_and_their_files_are_not_swept(start_cloud):
    cloud = start_cloud()
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="kept")
    s3.put_bucket_versioning(Bucket="kept", VersioningConfiguration={"Status": "Enabled"})
    one, _ = put(s3, "kept", "k", b"one" * 50_000, b"two" * 50_000)
    s3.delete_object(Bucket="kept", Key="k")
    cloud.kill()
    s3 = start_cloud().client("s3")
    assert body(s3, "kept", "k", VersionId=one) == b"one" * 50_000
    assert len(listed(s3, "kept")[0]) == 2
    s3.delete_object(Bucket="kept", Key="k", VersionId=one)
    assert len(list((cloud.data_dir / "s3").iterdir())) == 1
