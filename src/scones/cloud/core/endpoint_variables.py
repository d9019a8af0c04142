"""Environment variables that direct AWS's SDKs to a local cloud."""

from __future__ import annotations

PREFIXED_HOSTS = {f"{prefix}-127.0.0.1": "127.0.0.1" for prefix in ("streaming", "sync")}
"""The cloud's host with each of AWS's host prefixes, and its address."""
_WITH_HOST_PREFIX = ("CLOUDWATCH_LOGS", "SFN")
"""The services that have operations with a host prefix: `streaming-` and `sync-`."""


def endpoint_variables(url: str) -> dict[str, str]:
    """Return the variables that direct clients to a cloud's URL, also for operations with a host prefix.

    SDKs send StartSyncExecution to `sync-127.0.0.1`, a name that does not resolve. Recent SDKs have a variable that
    turns this off. Before (boto3 1.34, AWS CLI 2.23), botocore puts the prefix before the user in a URL that has one,
    so that the host remains.
    """
    scheme, _, host = url.partition("://")
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        **{f"AWS_ENDPOINT_URL_{service}": f"{scheme}://scones@{host}" for service in _WITH_HOST_PREFIX},
    }
