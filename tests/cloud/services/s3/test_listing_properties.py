"""Random buckets, listed with random parameters and compared with sorted Python lists."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import pytest

ALPHABET = ["a", "b", "/", "/", "-", "%", " ", "\x7f", "é", "\ud7ff", "\ue000", "\uffff", "🍰", "\U0010ffff"]
DELIMITERS = ["", "/", "-", "//", "/-", "a", "\uffff", "\U0010ffff", "\U0010ffff\U0010ffff", "🍰", "é"]


def text(chance: random.Random, longest: int) -> str:
    return "".join(chance.choices(ALPHABET, k=chance.randint(0, longest)))


def in_xml(written: str) -> str:
    """Replace U+FFFF, which XML cannot contain, with U+FFFD; boto3 requests URL encoding only in object listings."""
    return written.replace("\uffff", "\ufffd")


def grouped(
    keys: list[str], prefix: str, delimiter: str, after: str, *, whole_prefix: bool = False
) -> list[tuple[str, bool]]:
    """Return keys (False) and common prefixes (True) in S3's order, by code points.

    With `whole_prefix`, the common prefix of a marker is skipped.
    """
    entries = set()
    for key in keys:
        cut = key.find(delimiter, len(prefix)) if delimiter and key.startswith(prefix) else -1
        entry = (key, False) if cut < 0 else (key[: cut + len(delimiter)], True)
        skipped = entry[1] and (after.startswith(entry[0]) if whole_prefix else entry[0] == after)
        if key.startswith(prefix) and key > after and not skipped:
            entries.add(entry)
    return sorted(entries)


def page_of(answer: dict, contents: str) -> list[tuple[str, bool]]:
    keys = [(each["Key"], False) for each in answer.get(contents, [])]
    return sorted(keys + [(each["Prefix"], True) for each in answer.get("CommonPrefixes", [])])


@pytest.fixture(params=range(4))
def chance(request):
    seed = random.randrange(1_000_000) if request.param else 13
    print(f"seed {seed}")
    return random.Random(seed)


def test_objects_are_listed_as_the_model_says(s3, bucket, chance):
    keys = sorted({text(chance, 6) for _ in range(80)} - {""})
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda key: s3.put_object(Bucket=bucket, Key=key, Body=b""), keys))
    for _ in range(40):
        prefix, delimiter, after = text(chance, 2), chance.choice(DELIMITERS), text(chance, 3)
        size = chance.choice([1, 2, 3, 7, 1000])
        expected, given = grouped(keys, prefix, delimiter, after), {"Prefix": prefix, "Delimiter": delimiter}
        found: list[tuple[str, bool]] = []
        more = {"StartAfter": after}
        while True:
            answer = s3.list_objects_v2(Bucket=bucket, MaxKeys=size, **given, **more)
            page = page_of(answer, "Contents")
            assert len(page) == min(size, len(expected) - len(found)), (given, after, size)
            found += page
            if not answer["IsTruncated"]:
                break
            more = {"ContinuationToken": answer["NextContinuationToken"]}
        assert found == expected, (given, after, size)
        expected = grouped(keys, prefix, delimiter, after, whole_prefix=True)
        first = s3.list_objects(Bucket=bucket, MaxKeys=size, Marker=after, **given)
        assert page_of(first, "Contents") == expected[:size]
        versions = s3.list_object_versions(Bucket=bucket, MaxKeys=size, KeyMarker=after, **given)
        # A common prefix that contains the marker was listed before it, because a version marker names a whole page.
        later = [(name, shared) for name, shared in expected if not (shared and after.startswith(name))]
        assert page_of(versions, "Versions") == later[:size], (given, after, size)
        assert page_of(s3.list_objects_v2(Bucket=bucket, MaxKeys=0, **given), "Contents") == []


def test_uploads_are_listed_as_the_model_says(s3, bucket, chance):
    keys = sorted(filter(None, (in_xml(text(chance, 4)) for _ in range(40))))
    uploads = [(key, s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]) for key in keys]
    for _ in range(30):
        prefix, delimiter = in_xml(text(chance, 2)), in_xml(chance.choice(DELIMITERS))
        size = chance.choice([1, 2, 5, 1000])
        given = {"Prefix": prefix, "Delimiter": delimiter}
        expected = grouped(keys, prefix, delimiter, "")
        names, identities, more = [], [], {}
        while True:
            answer = s3.list_multipart_uploads(Bucket=bucket, MaxUploads=size, **given, **more)
            found = [(each["Key"], each["UploadId"]) for each in answer.get("Uploads", [])]
            prefixes = [each["Prefix"] for each in answer.get("CommonPrefixes", [])]
            assert len(found) + len(prefixes) <= size
            identities += found
            names += sorted([(key, False) for key, _ in found] + [(shared, True) for shared in prefixes])
            if not answer["IsTruncated"]:
                break
            more = {"KeyMarker": answer["NextKeyMarker"]}
            if "NextUploadIdMarker" in answer:
                more["UploadIdMarker"] = answer["NextUploadIdMarker"]
        assert list(dict.fromkeys(names)) == expected, (given, size)
        alone = {key for key, shared in expected if not shared}
        assert identities == [upload for upload in uploads if upload[0] in alone], (given, size)


def test_parts_are_listed_in_pages(s3, bucket):
    upload = {
        "Bucket": bucket,
        "Key": "key",
        "UploadId": s3.create_multipart_upload(Bucket=bucket, Key="key")["UploadId"],
    }
    numbers = [1, 2, 5, 9, 10_000]
    for number in numbers:
        s3.upload_part(**upload, PartNumber=number, Body=b"")
    found, marker = [], 0
    while True:
        answer = s3.list_parts(**upload, MaxParts=2, PartNumberMarker=marker)
        found += [part["PartNumber"] for part in answer["Parts"]]
        if not answer["IsTruncated"]:
            break
        marker = answer["NextPartNumberMarker"]
    assert found == numbers
