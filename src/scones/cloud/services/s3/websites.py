"""Website configurations of buckets, which are stored and returned; the local cloud has no website endpoint."""

from __future__ import annotations

from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.s3 import errors
from scones.cloud.services.s3.bucket_records import BucketRecords
from scones.cloud.services.s3.bucket_settings import BucketSettings
from scones.cloud.wire.members import Members

MOST_ROUTING_RULES = 50


class WebsiteOperations:
    """PutBucketWebsite, GetBucketWebsite and DeleteBucketWebsite."""

    def __init__(self, buckets: BucketRecords, settings: BucketSettings) -> None:
        self._buckets = buckets
        self._settings = settings

    async def put_bucket_website(self, call: OperationCall) -> Members:
        """Replace a bucket's website configuration."""
        bucket, configuration = self._buckets.requested(call.params), call.params["WebsiteConfiguration"]
        if "RedirectAllRequestsTo" in configuration:
            _check_redirect_of_all(configuration)
        else:
            _check_index_document(configuration)
            _check_routing_rules(configuration)
        await self._settings.put(bucket, "website", configuration)
        return {}

    async def get_bucket_website(self, call: OperationCall) -> Members:
        """Return a bucket's website configuration; raises `NoSuchWebsiteConfiguration` if it has none."""
        configuration: Members | None = self._settings.get(self._buckets.requested(call.params), "website")
        if configuration is None:
            raise errors.no_such_setting(
                call.params["Bucket"],
                "NoSuchWebsiteConfiguration",
                "The specified bucket does not have a website configuration",
            )
        return configuration

    async def delete_bucket_website(self, call: OperationCall) -> Members:
        """Remove a bucket's website configuration."""
        await self._settings.put(self._buckets.requested(call.params), "website", None)
        return {}


def _check_redirect_of_all(configuration: Members) -> None:
    if len(configuration) > 1:
        raise errors.invalid_argument(
            "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.",
            "RedirectAllRequestsTo",
            "not null",
        )
    if "HostName" not in configuration["RedirectAllRequestsTo"]:
        raise errors.malformed_xml()
    _check_protocol(configuration["RedirectAllRequestsTo"])


def _check_index_document(configuration: Members) -> None:
    if "IndexDocument" not in configuration:
        message = "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty"
        raise errors.invalid_argument(message, "IndexDocument", "null")
    suffix = configuration["IndexDocument"].get("Suffix", "")
    if not suffix or "/" in suffix:
        raise errors.invalid_argument("The IndexDocument Suffix is not well formed", "IndexDocument", suffix)
    if "ErrorDocument" in configuration and not configuration["ErrorDocument"].get("Key"):
        raise errors.malformed_xml()


def _check_routing_rules(configuration: Members) -> None:
    if "RoutingRules" not in configuration:
        return
    rules = configuration["RoutingRules"]
    if not 1 <= len(rules) <= MOST_ROUTING_RULES:
        raise errors.malformed_xml()
    for rule in rules:
        redirect = rule.get("Redirect", {})
        if "ReplaceKeyPrefixWith" in redirect and "ReplaceKeyWith" in redirect:
            raise ServiceError("InvalidRequest", "You can only define ReplaceKeyPrefix or ReplaceKey but not both.")
        if "Condition" in rule and not rule["Condition"]:
            raise ServiceError(
                "InvalidRequest",
                "Condition cannot be empty. To redirect all requests without a condition, the condition element "
                "shouldn't be present.",
            )
        _check_protocol(redirect)


def _check_protocol(redirect: Members) -> None:
    if redirect.get("Protocol", "http") not in ("http", "https"):
        raise ServiceError(
            "InvalidRequest",
            "Invalid protocol, protocol can be http or https. If not defined the protocol will be selected "
            "automatically.",
        )
