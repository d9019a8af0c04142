"""The workflow's target: a boto3 session and, for a local cloud, its URL. No other module knows the difference."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import boto3
from botocore.config import Config

CONNECTIONS = 32
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
        account: str = self.client("sts").get_caller_identity()["Account"]
        return account

    @property
    def partition(self) -> str:
        """Partition of the region: aws, aws-cn, aws-us-gov."""
        return self.session.get_partition_for_region(self.region)

    @cache  # noqa: B019 - a Place lives as long as the process
    def client(self, service: str) -> Any:
        """Return the client for a service; repeated calls return the same one."""
        config = Config(max_pool_connections=CONNECTIONS, retries={"mode": "standard", "total_max_attempts": 6})
        return self.session.client(service, endpoint_url=self.endpoint_url, config=config)  # type: ignore[call-overload]
