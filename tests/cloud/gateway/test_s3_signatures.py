"""Signatures of S3: Version 2, presigned URLs, other regions, and what the errors show."""

from __future__ import annotations

import datetime as dt
import urllib.error
import urllib.request
import uuid

import pytest
from botocore.auth import HmacV1Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError


@pytest.fixture
def bucket(cloud):
    name = f"tests-{uuid.uuid4().hex[:12]}"
    cloud.client("s3").create_bucket(Bucket=name)
    return name


def send(url, method="GET", body=None, headers=None):
    """Return the status and the text of a response."""
    request = urllib.request.Request(url, body, {"Content-Type": "", **(headers or {})}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_requests_may_be_signed_with_version_2(cloud, bucket):
    s3 = cloud.client("s3", signature_version="s3")
    s3.put_object(Bucket=bucket, Key="a é", Body=b"x", CacheControl="ÄMÄZÕÑ", Metadata={"name": "value"})
    assert s3.get_object(Bucket=bucket, Key="a é", ResponseContentType="text/plain")["ContentType"] == "text/plain"
    assert [found["Key"] for found in s3.list_objects_v2(Bucket=bucket, Prefix="a")["Contents"]] == ["a é"]
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    s3.upload_part(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=1, Body=b"x")
    hosted = cloud.client("s3", signature_version="s3", s3={"addressing_style": "virtual"})
    assert hosted.list_multipart_uploads(Bucket=bucket)["Uploads"][0]["UploadId"] == upload


def signed_with_version_2(cloud, url, *, secret=None, date=None):
    keys = cloud.session().get_credentials()
    request = AWSRequest("GET", url, headers={})
    signer = HmacV1Auth(keys if secret is None else type(keys)(keys.access_key, secret))
    if date is not None:
        signer._get_date = lambda: date
    path = "/" + url.partition("//")[2].partition("/")[2]
    request.auth_path = path
    signer.add_auth(request)
    return dict(request.headers)


def test_a_wrong_signature_of_version_2_is_rejected(cloud, bucket):
    url = f"{cloud.url}/{bucket}/"
    assert send(url, headers=signed_with_version_2(cloud, url))[0] == 200
    status, text = send(url, headers=signed_with_version_2(cloud, url, secret="x" * 40))
    assert (status, "<Code>SignatureDoesNotMatch</Code>" in text) == (403, True)
    assert f"/{bucket}/</StringToSign>" in text
    old = (dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    status, text = send(url, headers=signed_with_version_2(cloud, url, date=old))
    assert (status, "<Code>RequestTimeTooSkewed</Code>" in text) == (403, True)
    status, text = send(url, headers=signed_with_version_2(cloud, url, date="now"))
    assert "<Message>AWS authentication requires a valid Date or x-amz-date header</Message>" in text
    status, text = send(url, headers={"Authorization": "AWS HAHAHA"})
    assert (status, "<Code>InvalidArgument</Code>" in text) == (400, True)


def test_a_client_of_another_region_learns_the_region(cloud, bucket):
    s3 = cloud.session().client("s3", region_name="eu-west-1", endpoint_url=cloud.url)
    with pytest.raises(ClientError) as refused:
        s3.list_buckets()
    error = refused.value.response["Error"]
    assert (error["Code"], error["Region"]) == ("AuthorizationHeaderMalformed", "us-east-1")
    assert error["Message"] == (
        "The authorization header is malformed; the region 'eu-west-1' is wrong; expecting 'us-east-1'"
    )
    s3.put_object(Bucket=bucket, Key="key", Body=b"x")  # boto3 repeats the request with the expected region
    assert s3.head_object(Bucket=bucket, Key="key")["ContentLength"] == 1


def test_a_signature_error_shows_what_should_be_signed(cloud, bucket):
    s3 = cloud.client("s3", signature_version="s3v4")
    url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k", "Metadata": {"foo": "bar"}})
    status, text = send(url, "PUT", b"x")
    assert (status, "<Code>SignatureDoesNotMatch</Code>" in text) == (403, True)
    for member in ("AWSAccessKeyId", "SignatureProvided", "StringToSignBytes", "CanonicalRequestBytes"):
        assert f"<{member}>" in text
    assert "<StringToSign>AWS4-HMAC-SHA256\n" in text
    assert f"<CanonicalRequest>PUT\n/{bucket}/k\n" in text


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_a_url_has_all_parameters_of_its_signature(cloud, bucket, version):
    s3 = cloud.client("s3", signature_version=version)
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    status, text = send(url.replace("Expires", "Expired"))
    code, expected = ("AccessDenied", 403) if version == "s3" else ("AuthorizationQueryParametersError", 400)
    assert (status, f"<Code>{code}</Code>" in text) == (expected, True)


def test_a_credential_that_is_encoded_twice_is_malformed(cloud, bucket):
    s3 = cloud.client("s3", signature_version="s3v4")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    status, text = send(url.replace("%2F", "%252F"))
    assert (status, "the Credential is mal-formed; expecting" in text) == (400, True)


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_headers_that_a_url_does_not_sign_are_rejected(cloud, bucket, version):
    s3 = cloud.client("s3", signature_version=version)
    url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k", "Metadata": {"foo": "bar"}})
    signed = {"x-amz-meta-foo": "bar"}
    assert send(url, "PUT", b"x", signed)[0] == 200
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {"foo": "bar"}
    status, text = send(url, "PUT", b"x", {**signed, "x-amz-meta-wrong": "wrong"})
    expected = "SignatureDoesNotMatch" if version == "s3" else "<HeadersNotSigned>x-amz-meta-wrong</HeadersNotSigned>"
    assert (status, expected in text) == (403, True)


def test_metadata_in_a_url_of_version_2_needs_no_header(cloud, bucket):
    s3 = cloud.client("s3", signature_version="s3")
    url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k", "Metadata": {"foo": "bar"}})
    assert send(url, "PUT", b"x")[0] == 200
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {"foo": "bar"}


def test_parameters_of_a_url_stand_for_headers(cloud, bucket):
    keys = cloud.session().get_credentials()
    parameters = {"If-None-Match": "*", "x-amz-meta-foo": "bar", "x-amz-storage-class": "STANDARD_IA"}
    request = AWSRequest("PUT", f"{cloud.url}/{bucket}/k", data={}, params=parameters, headers={})
    S3SigV4QueryAuth(keys, "s3", "us-east-1").add_auth(request)
    assert send(request.url, "PUT", b"x")[0] == 200
    head = cloud.client("s3").head_object(Bucket=bucket, Key="k")
    assert (head["Metadata"], head["StorageClass"]) == ({"foo": "bar"}, "STANDARD_IA")
    assert send(request.url, "PUT", b"x")[0] == 412
