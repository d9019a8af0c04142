"""The workflow's target: a boto3 session and, for a local cloud, its URL. No other module knows the difference."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Literal, overload

import boto3
from botocore.config import Config

if TYPE_CHECKING:  # stubs are not installed at run time
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_sts import STSClient

MAX_CONNECTIONS = 32
"""Maximum number of connections per client, which is more than the threads that any step uses."""


@dataclass(frozen=True, eq=False)
class Target:
    """An AWS region, or a local cloud at `endpoint_url`. Threads may share clients but not create them."""

    session: boto3.Session
    endpoint_url: str | None = None

    @cached_property
    def region(self) -> str:
        """Region of the requests; empty if the session has none."""
        return self.session.region_name or ""

    @cached_property
    def account(self) -> str:
        """ID of the account that the credentials belong to, from STS."""
        return self.client("sts").get_caller_identity()["Account"]

    @property
    def partition(self) -> str:
        """Partition of the region: aws, aws-cn, aws-us-gov."""
        return self.session.get_partition_for_region(self.region)

    @overload
    def client(self, service: Literal["iam"]) -> IAMClient: ...
    @overload
    def client(self, service: Literal["lambda"]) -> LambdaClient: ...
    @overload
    def client(self, service: Literal["logs"]) -> CloudWatchLogsClient: ...
    @overload
    def client(self, service: Literal["s3"]) -> S3Client: ...
    @overload
    def client(self, service: Literal["sagemaker"]) -> SageMakerClient: ...
    @overload
    def client(self, service: Literal["stepfunctions"]) -> SFNClient: ...
    @overload
    def client(self, service: Literal["sts"]) -> STSClient: ...
    def client(self, service: str) -> Any:
        """Return the client for a service; repeated calls return the same one."""
        return self._client(service)

    @cache  # noqa: B019 - a target lives as long as the process
    def _client(self, service: str) -> Any:  # its type depends on the service
        config = Config(max_pool_connections=MAX_CONNECTIONS, retries={"mode": "standard", "total_max_attempts": 6})
        return self.session.client(service, endpoint_url=self.endpoint_url, config=config)  # type: ignore[call-overload]
