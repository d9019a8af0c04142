"""Bucket policies: what they allow to anyone. Signed requests are not restricted by policies."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import re2

from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall, OperationOutput
from scones.cloud.services.s3 import errors
from scones.cloud.services.s3.bucket_records import BucketRecords
from scones.cloud.services.s3.bucket_settings import BucketSettings
from scones.cloud.services.s3.public_access_blocks import PublicAccessBlocks
from scones.cloud.wire.members import Members

SETTING = "policy"
LARGEST = 20 * 1024
"""Maximum number of bytes of a policy."""


@dataclass(frozen=True, slots=True)
class BucketPolicy:
    """The statements of a policy."""

    statements: list[Any]

    @classmethod
    def parse(cls, text: str) -> BucketPolicy:
        """Return the policy in a JSON document; raises `MalformedPolicy`."""
        if len(text.encode()) > LARGEST:  # AWS's code for a policy that is too large is unknown
            raise ServiceError("MalformedPolicy", f"Bucket policies are limited to {LARGEST} bytes.")
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise ServiceError("MalformedPolicy", "Policies must be valid JSON and the first byte must be '{'")
        if "Statement" not in document:
            raise ServiceError("MalformedPolicy", "Missing required field Statement")
        statements = _values(document["Statement"])
        if not all(isinstance(statement, dict) for statement in statements):
            raise ServiceError("MalformedPolicy", "Invalid policy syntax.")
        return cls(statements)

    @property
    def is_public(self) -> bool:
        """Return True if a statement allows something to anyone, without a condition."""
        return any(
            statement.get("Effect") == "Allow" and _names_anyone(statement) and not statement.get("Condition")
            for statement in self.statements
        )

    def allows_anyone(self, action: str, resource: str) -> bool:
        """Return True if anyone may do an action, such as `s3:GetObject`, on a resource's ARN.

        A condition is never met for an Allow, and always for a Deny, because the local cloud evaluates none.
        """
        effects = {
            str(statement.get("Effect"))
            for statement in self.statements
            if _names_anyone(statement)
            and _covers(statement, "Action", action.lower(), lower=True)
            and _covers(statement, "Resource", resource)
            and (statement.get("Effect") == "Deny" or not statement.get("Condition"))
        }
        return effects == {"Allow"}


def _names_anyone(statement: Members) -> bool:
    principal = statement.get("Principal")
    return "*" in _values(principal.get("AWS", []) if isinstance(principal, dict) else principal)


def _covers(statement: Members, element: str, value: str, *, lower: bool = False) -> bool:
    patterns = [str(pattern) for pattern in _values(statement.get(element, []))]
    return any(_wildcard(pattern.lower() if lower else pattern).fullmatch(value) for pattern in patterns)


@lru_cache(256)
def _wildcard(pattern: str) -> re2._Regexp:
    """Return the expression for a pattern in which `*` stands for any text and `?` for any character."""
    return re2.compile("(?s)" + re2.escape(pattern).replace("\\*", ".*").replace("\\?", "."))


def _values(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


class PolicyOperations:
    """PutBucketPolicy, GetBucketPolicy, GetBucketPolicyStatus and DeleteBucketPolicy."""

    def __init__(self, buckets: BucketRecords, settings: BucketSettings, blocks: PublicAccessBlocks) -> None:
        self._buckets = buckets
        self._settings = settings
        self._blocks = blocks

    async def put_bucket_policy(self, call: OperationCall) -> OperationOutput:
        """Replace a bucket's policy; raises `AccessDenied` if it is public and the bucket blocks public policies."""
        bucket, text = self._buckets.requested(call.params), call.params["Policy"]
        policy = BucketPolicy.parse(text)
        if policy.is_public and self._blocks.of(bucket)["BlockPublicPolicy"]:
            raise errors.access_denied()
        await self._settings.put(bucket, SETTING, text)
        return OperationOutput({}, 204)

    async def get_bucket_policy(self, call: OperationCall) -> Members:
        """Return a bucket's policy; raises `NoSuchBucketPolicy` if it has none."""
        return {"Policy": self._policy(call)}

    async def get_bucket_policy_status(self, call: OperationCall) -> Members:
        """Return True if a bucket's policy is public; raises `NoSuchBucketPolicy` if it has none."""
        return {"PolicyStatus": {"IsPublic": BucketPolicy.parse(self._policy(call)).is_public}}

    async def delete_bucket_policy(self, call: OperationCall) -> Members:
        """Remove a bucket's policy."""
        await self._settings.put(self._buckets.requested(call.params), SETTING, None)
        return {}

    def _policy(self, call: OperationCall) -> str:
        text: str | None = self._settings.get(self._buckets.requested(call.params), SETTING)
        if text is None:
            raise errors.no_such_setting(
                call.params["Bucket"], "NoSuchBucketPolicy", "The bucket policy does not exist"
            )
        return text
