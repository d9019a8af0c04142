"""Object listings, compared with a sorted list of the keys."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import pytest

KEYS = [
    "a",
    "a b",
    "a+b",
    "a/",
    "a/1",
    "a/2",
    "a/b/1",
    "a/b/2",
    "a0",
    "b",
    "b/x/y/z",
    "c//d",
    "c/d",
    "/e",
    "ä",
    "z",
    "\uffff",
    "🍰/slice",
    "🍰/whole",
    "🍰",
    "~",
    "Z",
    "%41",
    "a&b",
    "<c>",
    "\ue000",
]


@pytest.fixture
def filled(s3, bucket):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda key: s3.put_object(Bucket=bucket, Key=key, Body=key.encode()), KEYS))
    return bucket


def expected(prefix="", delimiter="", after=""):
    """Return keys and common prefixes in S3's order, by their UTF-8 bytes."""
    entries = set()
    for key in KEYS:
        if key.startswith(prefix) and key.encode() > after.encode():
            cut = key.find(delimiter, len(prefix)) if delimiter else -1
            entries.add(key if cut < 0 else key[: cut + len(delimiter)] + "\0")
    ordered = sorted(entries, key=lambda entry: entry.rstrip("\0").encode())
    return [key for key in ordered if "\0" not in key], [key[:-1] for key in ordered if "\0" in key]


def listed(s3, operation, bucket, size, **params):
    pages = s3.get_paginator(operation).paginate(Bucket=bucket, PaginationConfig={"PageSize": size}, **params)
    keys, prefixes = [], []
    for page in pages:
        contents, common = page.get("Contents", []), page.get("CommonPrefixes", [])
        assert len(contents) + len(common) <= size
        keys += [entry["Key"] for entry in contents]
        prefixes += [entry["Prefix"] for entry in common]
    return keys, prefixes


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize("operation", ["list_objects", "list_objects_v2"])
def test_pages_join_to_the_whole(s3, filled, operation, size):
    cases = [
        ("", ""),
        ("", "/"),
        ("a", ""),
        ("a/", "/"),
        ("c/", "/"),
        ("🍰", "/"),
        ("", "b/"),
        ("none", ""),
        ("", "🍰"),
    ]
    for prefix, delimiter in cases:
        found = listed(s3, operation, filled, size, Prefix=prefix, Delimiter=delimiter)
        assert found == expected(prefix, delimiter), (prefix, delimiter)


def test_a_listing_begins_after_a_key(s3, filled):
    for after in ("a", "a/1", "b/x", "zz", "🍰"):
        assert listed(s3, "list_objects_v2", filled, 2, StartAfter=after) == expected(after=after)
        assert listed(s3, "list_objects", filled, 1000, Marker=after) == expected(after=after)


def test_a_listing_describes_its_parameters_and_objects(s3, filled):
    page = s3.list_objects_v2(Bucket=filled, Prefix="a/", Delimiter="/", MaxKeys=2, FetchOwner=True)
    assert (page["KeyCount"], page["MaxKeys"], page["IsTruncated"], page["Name"]) == (2, 2, True, filled)
    first = page["Contents"][0]
    assert (first["Key"], first["Size"], first["StorageClass"]) == ("a/", 2, "STANDARD")
    assert first["ETag"] == s3.head_object(Bucket=filled, Key="a/")["ETag"]
    assert first["Owner"]["ID"]
    assert "Owner" not in s3.list_objects_v2(Bucket=filled)["Contents"][0]
    none = s3.list_objects_v2(Bucket=filled, MaxKeys=0)
    assert (none["KeyCount"], none["IsTruncated"]) == (0, False)


def test_a_marker_within_a_common_prefix_skips_the_prefix(s3, bucket):
    for key in ("folder/a/1", "folder/a/2", "folder/file"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
        s3.create_multipart_upload(Bucket=bucket, Key=key)
    options = {"Bucket": bucket, "Prefix": "folder/", "Delimiter": "/"}
    page = s3.list_objects(**options, Marker="folder/a/1")
    assert ("CommonPrefixes" in page, [entry["Key"] for entry in page["Contents"]]) == (False, ["folder/file"])
    page = s3.list_multipart_uploads(**options, KeyMarker="folder/a/1")
    assert ("CommonPrefixes" in page, [entry["Key"] for entry in page["Uploads"]]) == (False, ["folder/file"])


def test_a_continuation_token_replaces_the_start(s3, filled, refusal):
    page = s3.list_objects_v2(Bucket=filled, StartAfter="a/", MaxKeys=1)
    assert page["StartAfter"] == "a/"
    token = page["NextContinuationToken"]
    assert "StartAfter" not in s3.list_objects_v2(Bucket=filled, StartAfter="a/", ContinuationToken=token)
    error = refusal(s3.list_objects_v2, Bucket=filled, ContinuationToken="")[2]
    assert (error["ArgumentName"], "ArgumentValue" in error) == ("continuation-token", False)


def test_invalid_requests_are_rejected(s3, filled, refusal):
    assert refusal(s3.list_objects_v2, Bucket=filled, MaxKeys=-1)[0] == "InvalidArgument"
    assert refusal(s3.list_objects_v2, Bucket=filled, ContinuationToken="!")[0] == "InvalidArgument"
    assert refusal(s3.list_objects_v2, Bucket="no-such-bucket")[0] == "NoSuchBucket"


@pytest.mark.slow
def test_many_keys_below_few_prefixes_are_skipped(s3, bucket):
    keys = [f"{folder}/{number:04}" for folder in ("one", "three", "two") for number in range(500)]
    random.Random(7).shuffle(keys)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: s3.put_object(Bucket=bucket, Key=key, Body=b""), keys))
    page = s3.list_objects_v2(Bucket=bucket, Delimiter="/", MaxKeys=3)
    assert [entry["Prefix"] for entry in page["CommonPrefixes"]] == ["one/", "three/", "two/"]
    assert not page["IsTruncated"]
    assert listed(s3, "list_objects_v2", bucket, 1000) == (sorted(keys), [])
