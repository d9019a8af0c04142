"""Website configurations of buckets: their operations, and the pages and redirects that they define."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.s3 import errors
from scones.cloud.services.s3.bucket_records import BucketRecords
from scones.cloud.services.s3.bucket_settings import BucketSettings
from scones.cloud.wire.members import Members

MOST_ROUTING_RULES = 50


@dataclass(frozen=True, slots=True)
class Website:
    """A website configuration."""

    configuration: Members

    @property
    def error_document(self) -> str | None:
        """The key of the error document, or None."""
        key: str | None = self.configuration.get("ErrorDocument", {}).get("Key")
        return key

    def page(self, key: str) -> str:
        """Return the key of the object for a path: that of the index document for a folder."""
        return f"{key}{self.configuration['IndexDocument']['Suffix']}" if not key or key.endswith("/") else key

    def redirect(self, key: str, host: str, status: int | None = None) -> tuple[str, int] | None:
        """Return the location and the status of a redirect, or None.

        `status` is that of a page that cannot be read; without it, rules for an error do not apply.
        """
        if target := self.configuration.get("RedirectAllRequestsTo"):
            return f"{target.get('Protocol', 'http')}://{target['HostName']}/{quote(key)}", HTTPStatus.MOVED_PERMANENTLY
        for rule in self.configuration.get("RoutingRules", []):
            condition = rule.get("Condition", {})
            expected = condition.get("HttpErrorCodeReturnedEquals")
            prefix: str = condition.get("KeyPrefixEquals", "")
            if key.startswith(prefix) and (expected is None or expected == str(status)):
                return _location(rule["Redirect"], key, prefix, host)
        return None


def _location(redirect: Members, key: str, prefix: str, host: str) -> tuple[str, int]:
    if "ReplaceKeyWith" in redirect:
        key = redirect["ReplaceKeyWith"]
    elif "ReplaceKeyPrefixWith" in redirect:
        key = redirect["ReplaceKeyPrefixWith"] + key[len(prefix) :]
    location = f"{redirect.get('Protocol', 'http')}://{redirect.get('HostName', host)}/{quote(key)}"
    return location, int(redirect.get("HttpRedirectCode", HTTPStatus.MOVED_PERMANENTLY))


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
            raise errors.no_such_website(call.params["Bucket"])
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
