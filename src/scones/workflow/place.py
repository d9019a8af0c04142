"""Where the workflow runs: a boto3 session and, for a local cloud, its address. Nothing else knows the difference."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import boto3
from botocore.config import Config

CONNECTIONS = 32
"""Connections of a client: more than the threads that any step uses."""


@dataclass(frozen=True, eq=False)
class Place:
    """An AWS region, or a local cloud at `endpoint_url`. Clients may be used by threads, and made by one alone."""

    session: boto3.Session
    endpoint_url: str | None = None

    @cached_property
    def region(self) -> str:
        """The region that requests go to; empty if the session has none."""
        return self.session.region_name or ""

    @cached_property
    def account(self) -> str:
        """The account that the credentials belong to, as STS tells it."""
        account: str = self.client("sts").get_caller_identity()["Account"]
        return account

    @property
    def partition(self) -> str:
        """The partition of the region: aws, aws-cn, aws-us-gov."""
        return self.session.get_partition_for_region(self.region)

    @cache  # noqa: B019 - a place lives as long as the process
    def client(self, service: str) -> Any:
        """Return the client for a service, the same one each time."""
        config = Config(max_pool_connections=CONNECTIONS, retries={"mode": "standard", "total_max_attempts": 6})
        return self.session.client(service, endpoint_url=self.endpoint_url, config=config)  # type: ignore[call-overload]
