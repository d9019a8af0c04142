"""Fixtures of the S3 tests: a client, and a new bucket for each test."""

from __future__ import annotations

import uuid

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def s3(cloud):
    return cloud.client("s3")


@pytest.fixture
def unchecked(cloud):
    return cloud.client("s3", parameter_validation=False)


@pytest.fixture
def bucket(s3):
    name = f"tests-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def refusal():
    """Call an operation that must fail; return its error code, the HTTP status, and the error's members."""

    def refuse(operation, **params):
        with pytest.raises(ClientError) as caught:
            operation(**params)
        error = caught.value.response
        return error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]

    return refuse
