"""Ranges of objects."""

from __future__ import annotations

import os

import pytest

LARGE = os.urandom(200_000)
"""A body that is too large for the database; S3 stores it as a file."""


@pytest.mark.parametrize("body", [b"0123456789", LARGE], ids=["small", "large"])
@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=2-5", 2, 6),
        ("bytes=5-", 5, None),
        ("bytes=-3", -3, None),
        ("bytes=8-999999", 8, None),
    ],
)
def test_a_range_is_206(s3, bucket, body, header, start, end):
    s3.put_object(Bucket=bucket, Key="key", Body=body)
    found = s3.get_object(Bucket=bucket, Key="key", Range=header)
    expected = body[start:end]
    first = start % len(body)
    assert found["Body"].read() == expected
    assert found["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert found["ContentRange"] == f"bytes {first}-{first + len(expected) - 1}/{len(body)}"
    assert s3.head_object(Bucket=bucket, Key="key", Range=header)["ContentLength"] == len(expected)


def test_a_range_beyond_the_object_is_416_and_an_invalid_range_is_ignored(s3, bucket, refusal):
    s3.put_object(Bucket=bucket, Key="key", Body=b"0123456789")
    code, status, error = refusal(s3.get_object, Bucket=bucket, Key="key", Range="bytes=10-")
    assert (code, status, error["ActualObjectSize"]) == ("InvalidRange", 416, "10")
    for header in ("bytes=5-2", "lines=1-2", "bytes=0-1,4-5"):
        found = s3.get_object(Bucket=bucket, Key="key", Range=header)
        assert (found["Body"].read(), found["ResponseMetadata"]["HTTPStatusCode"]) == (b"0123456789", 200)


def test_a_range_of_the_complete_object_has_its_checksum(s3, bucket):
    s3.put_object(Bucket=bucket, Key="key", Body=b"0123456789", ChecksumAlgorithm="CRC32")
    for header, proof in (("bytes=-15", True), ("bytes=0-100", True), ("bytes=0-9", True), ("bytes=1-9", False)):
        found = s3.get_object(Bucket=bucket, Key="key", Range=header, ChecksumMode="ENABLED")
        assert ("ChecksumCRC32" in found, found["ResponseMetadata"]["HTTPStatusCode"]) == (proof, 206)
