"""Requests of browsers and of anyone: CORS, and unsigned requests that an ACL or a bucket policy allows."""

from __future__ import annotations

import http.client
import json
from urllib.parse import urlsplit

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config

ORIGIN = "https://page.example"
RULE = {
    "AllowedOrigins": [ORIGIN, "http://*.example"],
    "AllowedMethods": ["GET", "PUT"],
    "AllowedHeaders": ["x-amz-*"],
    "ExposeHeaders": ["ETag"],
    "MaxAgeSeconds": 3000,
}


@pytest.fixture
def anyone(cloud):
    """Return a client that does not sign its requests."""
    return boto3.client(
        "s3", endpoint_url=cloud.url, region_name="us-east-1", config=Config(signature_version=UNSIGNED)
    )


@pytest.fixture
def open_bucket(s3, bucket):
    """Return a bucket with ACLs and without a public access block."""
    s3.delete_bucket_ownership_controls(Bucket=bucket)
    s3.delete_public_access_block(Bucket=bucket)
    return bucket


def send(cloud, method, path, **headers):
    """Send an unsigned request; return the status, the headers and the body."""
    connection = http.client.HTTPConnection(urlsplit(cloud.url).netloc, timeout=30)
    try:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read().decode()
    finally:
        connection.close()


def test_a_preflight_request_gets_the_headers_of_the_rule(cloud, s3, bucket):
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [RULE]})
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == [RULE]
    asked = {"Access_Control_Request_Method": "PUT", "Access_Control_Request_Headers": "X-Amz-Date,x-amz-acl"}
    status, headers, body = send(cloud, "OPTIONS", f"/{bucket}/key", Origin=ORIGIN, **asked)
    assert (status, body) == (200, "")
    assert headers["access-control-allow-origin"] == ORIGIN
    assert headers["access-control-allow-methods"] == "GET, PUT"
    assert headers["access-control-allow-headers"] == "x-amz-date, x-amz-acl"
    assert headers["access-control-allow-credentials"] == "true"
    assert headers["access-control-expose-headers"] == "ETag"
    assert headers["access-control-max-age"] == "3000"
    assert headers["vary"] == "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"
    assert (
        send(cloud, "OPTIONS", f"/{bucket}", Origin="http://a.example", Access_Control_Request_Method="GET")[0] == 200
    )


@pytest.mark.parametrize(
    ("headers", "status", "expected"),
    [
        ({}, 400, "Insufficient information. Origin request header needed."),
        ({"Origin": "https://other.example"}, 403, "<Method>GET</Method><ResourceType>OBJECT</ResourceType>"),
        ({"Origin": ORIGIN, "Access_Control_Request_Method": "DELETE"}, 403, "This CORS request is not allowed."),
        ({"Origin": ORIGIN, "Access_Control_Request_Headers": "content-type"}, 403, "<Code>AccessForbidden</Code>"),
    ],
)
def test_a_preflight_request_that_no_rule_allows_is_refused(cloud, s3, bucket, headers, status, expected):
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [RULE]})
    found, answered, body = send(
        cloud, "OPTIONS", f"/{bucket}/key", **{"Access_Control_Request_Method": "GET", **headers}
    )
    assert found == status
    assert expected in body
    assert "access-control-allow-origin" not in answered


def test_a_preflight_request_needs_a_bucket_with_rules(cloud, bucket):
    assert "CORS is not enabled for this bucket." in send(cloud, "OPTIONS", f"/{bucket}/key", Origin=ORIGIN)[2]
    assert "CORSResponse: Bucket not found" in send(cloud, "OPTIONS", "/absent-bucket/key", Origin=ORIGIN)[2]


def test_responses_to_a_page_have_the_headers_of_the_rule(cloud, s3, bucket):
    s3.put_object(Bucket=bucket, Key="key", Body=b"x")
    path = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "key"}).removeprefix(cloud.url)
    status, headers, _ = send(cloud, "GET", path, Origin=ORIGIN)
    assert (status, "access-control-allow-origin" in headers) == (200, False)
    rules = [RULE, {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}]
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})
    assert send(cloud, "GET", path, Origin=ORIGIN)[1]["access-control-allow-origin"] == ORIGIN
    status, headers, _ = send(cloud, "GET", f"/{bucket}/key", Origin=ORIGIN)
    assert (status, headers["access-control-allow-origin"]) == (403, ORIGIN)
    _, headers, _ = send(cloud, "GET", path, Origin="https://other.org")
    assert headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in headers
    assert "access-control-allow-origin" not in send(cloud, "GET", path)[1]
    s3.delete_bucket_cors(Bucket=bucket)
    assert "access-control-allow-origin" not in send(cloud, "GET", path, Origin=ORIGIN)[1]


@pytest.mark.parametrize(
    "change",
    [
        {"AllowedMethods": ["PATCH"]},
        {"AllowedOrigins": ["http://*.a.*"]},
        {"ExposeHeaders": ["x-*"]},
    ],
)
def test_an_invalid_cors_rule_is_refused(s3, bucket, refusal, change):
    configuration = {"CORSRules": [RULE | change]}
    assert refusal(s3.put_bucket_cors, Bucket=bucket, CORSConfiguration=configuration)[:2] == ("InvalidRequest", 400)


def test_a_new_bucket_accepts_no_unsigned_request(s3, anyone, bucket, refusal):
    s3.put_object(Bucket=bucket, Key="key", Body=b"x")
    for operation, key in (
        (anyone.get_object, {"Key": "key"}),
        (anyone.get_object, {"Key": "absent"}),
        (anyone.put_object, {"Key": "key", "Body": b"y"}),
        (anyone.delete_object, {"Key": "key"}),
        (anyone.list_objects_v2, {}),
        (anyone.get_bucket_cors, {}),
        (anyone.delete_objects, {"Delete": {"Objects": [{"Key": "key"}]}}),
    ):
        assert refusal(operation, Bucket=bucket, **key)[:2] == ("AccessDenied", 403)
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"x"


def test_acls_allow_unsigned_requests(s3, anyone, open_bucket, refusal):
    s3.put_object(Bucket=open_bucket, Key="public", Body=b"public", ACL="public-read")
    s3.put_object(Bucket=open_bucket, Key="private", Body=b"private")
    assert anyone.get_object(Bucket=open_bucket, Key="public")["Body"].read() == b"public"
    assert anyone.head_object(Bucket=open_bucket, Key="public")["ContentLength"] == 6
    assert refusal(anyone.get_object, Bucket=open_bucket, Key="private")[0] == "AccessDenied"
    assert refusal(anyone.list_objects, Bucket=open_bucket)[0] == "AccessDenied"
    s3.put_bucket_acl(Bucket=open_bucket, ACL="public-read-write")
    assert anyone.list_objects(Bucket=open_bucket)["Contents"][0]["Key"] == "private"
    assert refusal(anyone.get_object, Bucket=open_bucket, Key="absent")[0] == "NoSuchKey"
    anyone.put_object(Bucket=open_bucket, Key="written", Body=b"by anyone")
    assert s3.get_object(Bucket=open_bucket, Key="written")["Body"].read() == b"by anyone"
    anyone.delete_object(Bucket=open_bucket, Key="written")
    ignored = {"IgnorePublicAcls": True}
    s3.put_public_access_block(Bucket=open_bucket, PublicAccessBlockConfiguration=ignored)
    assert refusal(anyone.get_object, Bucket=open_bucket, Key="public")[0] == "AccessDenied"


def test_a_bucket_policy_allows_unsigned_requests(s3, anyone, open_bucket, refusal):
    for key in ("public/a", "public/secret", "b"):
        s3.put_object(Bucket=open_bucket, Key=key, Body=b"x")
    arn = f"arn:aws:s3:::{open_bucket}"
    statements = [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:Get*", "Resource": f"{arn}/public/?*"},
        {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": ["s3:GetObject"], "Resource": [f"{arn}/*secret"]},
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{arn}/b", "Condition": {"x": {}}},
    ]
    s3.put_bucket_policy(Bucket=open_bucket, Policy=json.dumps({"Statement": statements}))
    assert anyone.get_object(Bucket=open_bucket, Key="public/a")["Body"].read() == b"x"
    for key in ("public/secret", "b", "public/absent-secret"):
        assert refusal(anyone.get_object, Bucket=open_bucket, Key=key)[0] == "AccessDenied"
    assert refusal(anyone.put_object, Bucket=open_bucket, Key="public/a", Body=b"y")[0] == "AccessDenied"
    restricted = {"RestrictPublicBuckets": True}
    s3.put_public_access_block(Bucket=open_bucket, PublicAccessBlockConfiguration=restricted)
    assert refusal(anyone.get_object, Bucket=open_bucket, Key="public/a")[0] == "AccessDenied"
