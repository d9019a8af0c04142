"""Requests before authentication: the cloud reads a bounded amount, and nothing unsigned takes effect."""

from __future__ import annotations

import contextlib
import re
import socket
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from benchmarks.prober import probing
from botocore.config import Config

from support import raw_requests

UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


@pytest.fixture(scope="module")
def bucket(cloud):
    name = f"raw-{uuid.uuid4().hex[:8]}"
    cloud.client("s3").create_bucket(Bucket=name)
    return name


def put_chunked(cloud, bucket, body, trailer="x-amz-checksum-crc32", **headers):
    path = f"/{bucket}/chunked"
    headers = raw_requests.signed_headers(
        cloud,
        "s3",
        body,
        method="PUT",
        path=path,
        x_amz_content_sha256=UNSIGNED_TRAILER,
        x_amz_trailer=trailer,
        content_encoding="aws-chunked",
        **headers,
    )
    return raw_requests.send(cloud, "PUT", path, headers, body)


@pytest.mark.parametrize("size", ["-1", "+3", "0_3", "0x3", "", " 3", "3 ", "f" * 17, "f" * 5000, "²"])
def test_a_chunk_size_consists_of_hexadecimal_digits(cloud, bucket, size):
    status, text = put_chunked(cloud, bucket, size.encode() + b"\r\nabc\r\n0\r\n\r\n")
    assert status == 400
    assert "<Code>InvalidRequest</Code>" in text


def test_a_damaged_chunk_does_not_block_other_requests(cloud, bucket):
    assert raw_requests.p99_during(cloud, lambda: put_chunked(cloud, bucket, b"-1\r\nab")) < 3
    tiny = b"1\r\na\r\n" * 100_000
    assert raw_requests.p99_during(cloud, lambda: put_chunked(cloud, bucket, tiny)) < 3


def test_every_chunk_except_the_last_has_at_least_8_kb(cloud, bucket):
    status, text = put_chunked(cloud, bucket, b"3\r\nabc\r\n" * 10_000 + b"0\r\n\r\n")
    assert status == 403
    assert "<Code>InvalidChunkSizeError</Code>" in text
    assert "<Chunk>2</Chunk><BadChunkSize>3</BadChunkSize>" in text
    assert put_chunked(cloud, bucket, b"2000\r\n" + b"a" * 8192 + b"\r\n3\r\nabc\r\n0\r\n\r\n")[0] == 200


@pytest.mark.parametrize("trailer", [b"x-other: 1\r\n", b"x-amz-meta-a: 1\r\n", b"nonsense\r\n"])
def test_a_trailer_must_be_announced(cloud, bucket, trailer):
    status, text = put_chunked(cloud, bucket, b"3\r\nabc\r\n0\r\n" + trailer + b"\r\n")
    assert status == 400
    assert "<Code>MalformedTrailerError</Code>" in text


def test_data_after_the_trailers_is_rejected(cloud, bucket):
    status, text = put_chunked(cloud, bucket, b"3\r\nabc\r\n0\r\n\r\nmore")
    assert status == 400
    assert "<Code>InvalidRequest</Code>" in text


@pytest.mark.parametrize("length", ["\xb2", "-3", "+3", "1_0", "9" * 5000])
def test_a_decoded_length_consists_of_digits(cloud, bucket, length):
    body = b"3\r\nabc\r\n0\r\n\r\n"
    status, text = put_chunked(cloud, bucket, body, x_amz_decoded_content_length=length)
    assert status == 400
    assert "<Code>InvalidRequest</Code>" in text


@pytest.mark.parametrize(("length", "expected"), [("2", 400), ("3", 200), ("4", 400)])
def test_a_body_must_have_its_decoded_length(cloud, bucket, length, expected):
    status, text = put_chunked(cloud, bucket, b"3\r\nabc\r\n0\r\n\r\n", x_amz_decoded_content_length=length)
    assert status == expected
    assert ("<Code>IncompleteBody</Code>" in text) == (status == 400)


@pytest.mark.parametrize(
    "value",
    [
        "a" * 63_000,
        "a=" * 31_000,
        ",".join(["a=b"] * 15_000),
        "Credential=" + "/" * 62_000,
        "Credential=AKIA/20260101/us-east-1/s3/aws4_request, SignedHeaders="
        + ";".join(["host"] * 12_000)
        + ", Signature=0",
    ],
)
def test_a_long_authorization_header_costs_little(cloud, value):
    def attack():
        status, _ = raw_requests.send(cloud, "GET", "/", {"Authorization": f"AWS4-HMAC-SHA256 {value}"})
        assert status in (400, 403)

    assert raw_requests.p99_during(cloud, attack) < 3


def test_a_header_may_be_signed_only_once(cloud):
    """If a header could be named a thousand times, the canonical request would contain its value a thousand times."""
    key = raw_requests.credentials(cloud).access_key
    day = raw_requests.signed_headers(cloud, "sts")["X-Amz-Date"]
    scope = f"{key}/{day[:8]}/us-east-1/sts/aws4_request"
    named = ";".join(["host"] + ["a"] * 10_000)
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={named}, Signature=0",
        "X-Amz-Date": day,
        "a": "a" * 30_000,
    }

    def attack():
        status, text = raw_requests.send(cloud, "GET", "/", headers)
        assert (status, "SignatureDoesNotMatch" in text) == (403, True)

    assert raw_requests.p99_during(cloud, attack) < 3


@pytest.mark.parametrize(
    ("expires", "reason"),
    [
        ("%C2%B2", "should be a number"),
        ("0", "Request has expired"),
        ("-1", "must be non-negative"),
        ("604801", "must be less than a week"),
        ("9" * 5000, "should be a number"),
        ("1_0", "should be a number"),
        ("", "should be a number"),
    ],
)
def test_a_presigned_url_expires_within_a_week(cloud, bucket, expires, reason):
    client = cloud.client("s3", signature_version="s3v4")
    url = client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a"})
    path = url.removeprefix(cloud.url).replace("X-Amz-Expires=3600", f"X-Amz-Expires={expires}")
    status, text = raw_requests.send(cloud, "GET", path, {})
    code, expected = ("AccessDenied", 403) if expires == "0" else ("AuthorizationQueryParametersError", 400)
    assert (status, f"<Code>{code}</Code>" in text, reason in text) == (expected, True, True)


@pytest.mark.parametrize("expires", ["%C2%B2", "-1", "9" * 18, "9" * 5000, ""])
def test_a_presigned_url_of_version_2_needs_a_valid_expiry_time(cloud, bucket, expires):
    client = cloud.client("s3", signature_version="s3")
    url = client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a"})
    path = re.sub(r"Expires=\d+", f"Expires={expires}", url.removeprefix(cloud.url))
    status, text = raw_requests.send(cloud, "GET", path, {})
    assert status == 403
    assert "<Code>AccessDenied</Code>" in text


@pytest.mark.parametrize("date", ["99991231T235959Z", "00010101T000000Z", "x" * 5000, "²0200101T000000Z"])
def test_a_presigned_url_needs_a_valid_date(cloud, bucket, date):
    client = cloud.client("s3", signature_version="s3v4")
    url = client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a"})
    path = re.sub(r"X-Amz-Date=\w+", f"X-Amz-Date={date}".encode().decode("latin-1"), url.removeprefix(cloud.url))
    assert raw_requests.send(cloud, "GET", path, {})[0] in (400, 403)


def test_a_presigned_put_rejects_unsigned_headers(cloud, bucket):
    cloud.client("s3").put_object(Bucket=bucket, Key="private", Body=b"secret")
    client = cloud.client("s3", signature_version="s3v4")
    url = client.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "mine"})
    path = url.removeprefix(cloud.url)
    status, text = raw_requests.send(cloud, "PUT", path, {"x-amz-copy-source": f"/{bucket}/private"})
    assert status == 403
    assert "<Code>AccessDenied</Code>" in text
    assert "<Message>There were headers present in the request which were not signed</Message>" in text
    assert "<HeadersNotSigned>x-amz-copy-source</HeadersNotSigned>" in text
    allowed = {"x-amz-content-sha256": "UNSIGNED-PAYLOAD", "x-amzn-trace-id": "Root=1", "amz-sdk-request": "attempt=1"}
    assert raw_requests.send(cloud, "PUT", path, allowed, b"body")[0] == 200


def test_a_presigned_put_accepts_its_signed_headers(cloud, bucket):
    client = cloud.client("s3", signature_version="s3v4")
    params = {"Bucket": bucket, "Key": "with-metadata", "Metadata": {"a": "b"}}
    path = client.generate_presigned_url("put_object", Params=params).removeprefix(cloud.url)
    assert raw_requests.send(cloud, "PUT", path, {"x-amz-meta-a": "b"}, b"body")[0] == 200
    assert cloud.client("s3").head_object(Bucket=bucket, Key="with-metadata")["Metadata"] == {"a": "b"}


def test_a_presigned_put_of_version_2_signs_every_header(cloud, bucket):
    client = cloud.client("s3", signature_version="s3")
    path = client.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "v2"}).removeprefix(cloud.url)
    status, text = raw_requests.send(cloud, "PUT", path, {"x-amz-copy-source": f"/{bucket}/private"})
    assert (status, "SignatureDoesNotMatch" in text) == (403, True)
    assert raw_requests.send(cloud, "PUT", path, {}, b"body")[0] == 200


def test_a_signed_request_to_s3_rejects_unsigned_headers(cloud, bucket):
    path = f"/{bucket}/signed"
    headers = raw_requests.signed_headers(cloud, "s3", b"", method="PUT", path=path)
    status, text = raw_requests.send(cloud, "PUT", path, headers | {"x-amz-acl": "public-read", "x-amz-meta-a": "b"})
    assert status == 403
    assert "<HeadersNotSigned>x-amz-acl, x-amz-meta-a</HeadersNotSigned>" in text


def test_other_services_reject_unsigned_headers(cloud):
    headers = raw_requests.signed_headers(cloud, "states", b"{}", content_type="application/x-amz-json-1.0")
    target = {"x-amz-target": "AWSStepFunctions.ListStateMachines"}
    status, text = raw_requests.send(cloud, "POST", "/", headers | target, b"{}")
    assert status == 403
    assert "'x-amz-target' must be a 'SignedHeader' in the AWS Authorization." in text
    assert '"InvalidSignatureException"' in text


def test_only_s3_accepts_an_unsigned_body(cloud):
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    form = {"content_type": "application/x-www-form-urlencoded", "x_amz_content_sha256": "UNSIGNED-PAYLOAD"}
    headers = raw_requests.signed_headers(cloud, "sts", body, **form)
    status, text = raw_requests.send(cloud, "POST", "/", headers, body)
    assert (status, "<Code>SignatureDoesNotMatch</Code>" in text) == (403, True)


def test_a_session_token_may_be_added_after_signing_except_in_s3(cloud, bucket):
    role = cloud.client("iam").list_roles()["Roles"][0]["Arn"]
    keys = cloud.client("sts").assume_role(RoleArn=role, RoleSessionName="late")["Credentials"]
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    for service, path, method in (("sts", "/", "POST"), ("s3", f"/{bucket}/", "GET")):
        request = raw_requests.AWSRequest(method, cloud.url + path, data=body if method == "POST" else b"")
        request.headers["Content-Type"] = "application/x-www-form-urlencoded"
        signer = raw_requests.S3SigV4Auth if service == "s3" else raw_requests.SigV4Auth
        signer(
            raw_requests.Credentials(keys["AccessKeyId"], keys["SecretAccessKey"]), service, cloud.running.region
        ).add_auth(request)
        headers = dict(request.headers) | {"x-amz-security-token": keys["SessionToken"]}
        status, text = raw_requests.send(cloud, method, path, headers, body if method == "POST" else b"")
        assert status == (403 if service == "s3" else 200), text


@pytest.mark.parametrize("service", ["s3", "lambda", "sqs", "sns", "stepfunctions", "sagemaker-runtime"])
def test_botocore_signs_every_header_that_it_sends(cloud, service):
    """The gateway rejects unsigned `x-amz-` headers; the SDK itself sends none."""
    client = cloud.session().client(service, endpoint_url=cloud.url, config=Config(inject_host_prefix=False))
    sent = []
    client.meta.events.register("before-send", lambda request, **_: sent.append(request.headers))
    calls = {"s3": "list_buckets", "lambda": "list_functions", "sqs": "list_queues", "sns": "list_topics"}
    calls["stepfunctions"] = "list_state_machines"
    if service == "sagemaker-runtime":
        with pytest.raises(client.exceptions.ClientError):
            client.invoke_endpoint(EndpointName="any", Body=b"", CustomAttributes="a", TargetModel="b")
    else:
        getattr(client, calls[service])()
    assert len(sent) == 1
    for headers in sent:
        authorization = headers["Authorization"].decode()
        signed = authorization.partition("SignedHeaders=")[2].partition(",")[0].split(";")
        assert {name.lower() for name in headers if name.lower().startswith("x-amz-")} <= set(signed)


def test_the_metadata_of_an_object_has_at_most_2_kb(cloud, bucket):
    client = cloud.client("s3")
    client.put_object(Bucket=bucket, Key="metadata", Metadata={"a": "b" * 2047})
    with pytest.raises(client.exceptions.ClientError) as refused:
        client.put_object(Bucket=bucket, Key="metadata", Metadata={"a": "b" * 2048})
    error = refused.value.response["Error"]
    assert (error["Code"], error["Size"], error["MaxSizeAllowed"]) == ("MetadataTooLarge", "2049", "2048")


def test_the_headers_of_an_s3_request_have_less_than_8_kb(cloud, bucket):
    status, text = raw_requests.send(cloud, "GET", f"/{bucket}", {"a": "a" * 8192})
    assert (status, "<Code>RequestHeaderSectionTooLarge</Code>" in text) == (400, True)


def push(cloud, until):
    """Send bodies of rejected requests until the time `until`; return the number of bytes sent."""
    netloc = urlsplit(cloud.url).netloc
    host, _, port = netloc.partition(":")
    sent, piece = 0, bytes(1 << 20)
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1) as connection:
            connection.sendall(f"PUT /b/k HTTP/1.1\r\nHost: {netloc}\r\nContent-Length: 1000000000\r\n\r\n".encode())
            while time.monotonic() < until:
                sent += connection.send(piece)
    return sent


@pytest.mark.slow
def test_bodies_of_rejected_requests_are_read_slowly(cloud):
    until = time.monotonic() + 4
    with probing(cloud.url, cloud.environment) as prober, ThreadPoolExecutor(8) as pool:
        sent = sum(pool.map(lambda _: push(cloud, until), range(8)))
    assert sent < 600 << 20  # 32 MiB/s and the socket buffers; more than 2 GB without a limit
    assert prober.percentile(99) < 3


def test_a_client_that_sends_a_large_body_can_read_the_rejection(cloud, bucket):
    body = bytes(20 << 20)
    status, _ = raw_requests.send(cloud, "PUT", f"/{bucket}/k", {}, body)
    assert status == 403
