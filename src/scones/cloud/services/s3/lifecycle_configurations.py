"""Lifecycle configurations of buckets."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from datetime import UTC, datetime, time
from typing import Any

from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.s3 import errors
from scones.cloud.services.s3.bucket_records import BucketRecords
from scones.cloud.services.s3.bucket_settings import BucketSettings
from scones.cloud.services.s3.lifecycle_rules import LifecycleRule
from scones.cloud.wire.members import Members

SETTING = "lifecycle"
MOST_RULES = 1000
LONGEST_ID = 255
SIZE_LIMITS = ("all_storage_classes_128K", "varies_by_storage_class")
ACTIONS = frozenset(
    {
        "Expiration",
        "Transitions",
        "NoncurrentVersionExpiration",
        "NoncurrentVersionTransitions",
        "AbortIncompleteMultipartUpload",
    }
)


class LifecycleRules:
    """The enabled rules of all buckets, in memory."""

    def __init__(self, settings: BucketSettings) -> None:
        self._settings = settings
        self._rules: dict[str, list[LifecycleRule]] = {}
        self._changed = asyncio.Event()

    def load(self) -> None:
        """Read the rules of all buckets."""
        for bucket, configuration in self._settings.all(SETTING):
            self.replace(bucket, configuration)

    def replace(self, bucket: str, configuration: Members | None) -> None:
        """Replace the rules of a bucket; None removes them."""
        rules = (configuration or {}).get("Rules", [])
        enabled = [LifecycleRule(rule) for rule in rules if rule["Status"] == "Enabled"]
        if enabled:
            self._rules[bucket] = enabled
        else:
            self._rules.pop(bucket, None)
        self._changed.set()

    async def changed_within(self, seconds: float) -> None:
        """Wait until rules change, but not longer than some seconds."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), seconds)
        self._changed.clear()

    def of(self, bucket: str) -> list[LifecycleRule]:
        """Return the enabled rules of a bucket."""
        return self._rules.get(bucket, [])

    def buckets(self) -> list[str]:
        """Return the buckets that have enabled rules."""
        return sorted(self._rules)


class LifecycleOperations:
    """PutBucketLifecycleConfiguration, GetBucketLifecycleConfiguration and DeleteBucketLifecycle."""

    def __init__(self, buckets: BucketRecords, settings: BucketSettings, rules: LifecycleRules) -> None:
        self._buckets = buckets
        self._settings = settings
        self._rules = rules

    async def put_bucket_lifecycle_configuration(self, call: OperationCall) -> Members:
        """Replace a bucket's rules; objects that have expired are deleted soon afterwards."""
        bucket = self._buckets.requested(call.params)
        limit = call.params.get("TransitionDefaultMinimumObjectSize", SIZE_LIMITS[0])
        rules = call.params.get("LifecycleConfiguration", {}).get("Rules", [])
        if not 1 <= len(rules) <= MOST_RULES:
            raise errors.malformed_xml()
        configuration: Members = {"Rules": [_checked(rule) for rule in rules]}
        names = [rule["ID"] for rule in configuration["Rules"]]
        if len(set(names)) < len(names):
            raise ServiceError("InvalidArgument", "Rule ID must be unique. Found same ID for more than one rule")
        configuration["TransitionDefaultMinimumObjectSize"] = limit
        await self._settings.put(bucket, SETTING, configuration)
        self._rules.replace(bucket, configuration)
        return {"TransitionDefaultMinimumObjectSize": limit}

    async def get_bucket_lifecycle_configuration(self, call: OperationCall) -> Members:
        """Return a bucket's rules; raises `NoSuchLifecycleConfiguration` if it has none."""
        configuration: Members | None = self._settings.get(self._buckets.requested(call.params), SETTING)
        if configuration is None:
            raise errors.no_such_setting(
                call.params["Bucket"], "NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"
            )
        return configuration

    async def delete_bucket_lifecycle(self, call: OperationCall) -> Members:
        """Remove a bucket's rules."""
        bucket = self._buckets.requested(call.params)
        await self._settings.put(bucket, SETTING, None)
        self._rules.replace(bucket, None)
        return {}


def _checked(rule: Members) -> Members:
    """Return a rule with an ID and with dates in seconds since 1970; raises S3's error if it is invalid."""
    if ("Filter" in rule) == ("Prefix" in rule):
        raise errors.malformed_xml()
    if len(rule.get("ID", "")) > LONGEST_ID:
        raise ServiceError("InvalidArgument", f"ID length should not exceed allowed limit of {LONGEST_ID}")
    _check_filter(rule.get("Filter", {}))
    _check_expiration(rule.get("Expiration", {}))
    if rule.get("NoncurrentVersionExpiration", {"NoncurrentDays": 1}) == {}:
        raise errors.malformed_xml()
    _check_positive(rule.get("NoncurrentVersionExpiration", {}), "NoncurrentDays", "NoncurrentVersionExpiration")
    aborted = rule.get("AbortIncompleteMultipartUpload", {})
    _check_positive(aborted, "DaysAfterInitiation", "AbortIncompleteMultipartUpload")
    if ACTIONS.isdisjoint(rule):
        raise ServiceError("InvalidRequest", "At least one action needs to be specified in a rule.")
    converted: Members = _with_seconds(rule)
    return {"ID": str(uuid.uuid4()), **converted}


def _check_filter(chosen: Members) -> None:
    if len(chosen) > 1:
        raise errors.malformed_xml()
    keys = [tag["Key"] for tag in chosen.get("And", {}).get("Tags", [])]
    if len(set(keys)) < len(keys):
        raise ServiceError("InvalidRequest", "Duplicate Tag Keys are not allowed.")


def _check_expiration(expiration: Members) -> None:
    if len(expiration) > 1:
        raise errors.malformed_xml()
    _check_positive(expiration, "Days", "Expiration")
    date = expiration.get("Date")
    if isinstance(date, datetime) and date.astimezone(UTC).time() != time():
        raise errors.invalid_argument("'Date' must be at midnight GMT", "Date", date.isoformat())


def _check_positive(action: Members, member: str, name: str) -> None:
    if action.get(member, 1) < 1:
        raise ServiceError("InvalidArgument", f"'{member}' for {name} action must be a positive integer")


def _with_seconds(value: Any) -> Any:
    """Return a JSON value with datetimes as seconds since 1970."""
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, dict):
        return {name: _with_seconds(item) for name, item in value.items()}
    return [_with_seconds(item) for item in value] if isinstance(value, list) else value
