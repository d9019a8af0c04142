"""Buckets in host names, as clients with virtual-hosted addressing send them."""

from __future__ import annotations

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest

from support import raw_requests


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("{bucket}.localhost", "/a%20key"),
        ("{bucket}.s3.localhost", "/a%20key"),
        ("{bucket}.s3.us-east-1.localhost", "/a%20key"),
        ("s3.localhost", "/{bucket}/a%20key"),
        ("s3.us-east-1.localhost", "/{bucket}/a%20key"),
    ],
)
def test_a_host_name_may_name_a_bucket(cloud, host, path):
    s3, bucket = cloud.client("s3"), "in-a-host-name"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="a key", Body=b"body")
    port = cloud.url.rpartition(":")[2]
    host, path = f"{host.format(bucket=bucket)}:{port}", path.format(bucket=bucket)
    request = AWSRequest("GET", f"http://{host}{path}")
    S3SigV4Auth(raw_requests.credentials(cloud), "s3", "us-east-1").add_auth(request)
    assert raw_requests.send(cloud, "GET", path, {"Host": host, **request.headers}) == (200, "body")


def test_a_path_is_in_utf_8(cloud):
    headers = raw_requests.signed_headers(cloud, "s3", method="GET", path="/a-bucket/%AE%8A-")
    status, text = raw_requests.send(cloud, "GET", "/a-bucket/%AE%8A-", headers)
    assert (status, "<Code>InvalidURI</Code>" in text) == (400, True)
