"""Text beyond ASCII in headers and metadata; the encoded values are those that AWS returns."""

from __future__ import annotations

import pytest

from support import raw_requests

ENCODED = {
    "test_—_file%E2%80%94_é_2?.pdf": "=?UTF-8?Q?test=5F=E2=80=94=5Ffile%E2%80%94=5F=C3=A9=5F2=3F.pdf?=",
    "ÄMÄZÕÑ S3": "=?UTF-8?Q?=C3=84M=C3=84Z=C3=95=C3=91_S3?=",
    "\x00\x01\x02\x03": "=?UTF-8?B?AAECAw==?=",
    "�������": "=?UTF-8?B?77+977+977+977+977+977+977+9?=",
}


@pytest.mark.parametrize("value", ["ÄMÄZÕÑ S3", 'attachment; filename="é à — .pdf"'])
def test_headers_may_have_any_text(s3, bucket, value):
    s3.put_object(Bucket=bucket, Key="key", Body=b"x", CacheControl=value, ContentDisposition=value)
    for found in (s3.head_object(Bucket=bucket, Key="key"), s3.get_object(Bucket=bucket, Key="key")):
        # AWS returns the bytes that it received, and boto3 decodes them from ISO 8859-1
        received = [found[name].encode("latin-1").decode() for name in ("CacheControl", "ContentDisposition")]
        assert received == [value, value]


@pytest.mark.parametrize("value", ENCODED)
def test_metadata_is_encoded_as_in_rfc_2047(s3, bucket, value):
    metadata = {"value": ENCODED[value], "ascii": "=?UTF-8?Q?actually-ascii?=", "in-base64": "=?UTF-8?B?YWJj?="}
    s3.put_object(Bucket=bucket, Key="key", Body=b"x", Metadata=metadata)
    expected = {"value": ENCODED[value], "ascii": "actually-ascii", "in-base64": "abc"}
    assert s3.head_object(Bucket=bucket, Key="key")["Metadata"] == expected
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/key")
    assert s3.get_object(Bucket=bucket, Key="copy")["Metadata"] == expected


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("aws-chunked", None),
        ("gzip, aws-chunked", "gzip"),
        ("aws-chunked,gzip", "gzip"),
        ("deflate, gzip", "deflate, gzip"),
    ],
)
def test_aws_chunked_is_not_an_encoding_of_the_object(s3, bucket, sent, stored):
    s3.put_object(Bucket=bucket, Key="key", Body=b"x", ContentEncoding=sent)
    assert s3.head_object(Bucket=bucket, Key="key").get("ContentEncoding") == stored


@pytest.mark.parametrize("expires", ["Wed, 02 Jan 2030 03:04:05 GMT", "tomorrow"])
def test_the_header_expires_is_any_text(cloud, s3, bucket, expires):
    headers = raw_requests.signed_headers(cloud, "s3", b"x", method="PUT", path=f"/{bucket}/key", expires=expires)
    assert raw_requests.send(cloud, "PUT", f"/{bucket}/key", headers, b"x")[0] == 200
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/key")
    for key in ("key", "copy"):
        assert s3.head_object(Bucket=bucket, Key=key)["ExpiresString"] == expires


def test_a_body_of_a_download_is_ignored(cloud, s3, bucket):
    s3.put_object(Bucket=bucket, Key="key", Body=b"body")
    url = cloud.client("s3", signature_version="s3v4").generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": "key"}
    )
    assert raw_requests.send(cloud, "GET", url.removeprefix(cloud.url), {}, b"not a document") == (200, "body")
