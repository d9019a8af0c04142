"""A Task's Resource: a function, an activity, or a service integration's operation and pattern."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from scones.cloud.core.arns import Arn, service_of

_FUNCTION = re.compile(r"arn:aws[\w-]*:lambda:[^:]*:[^:]*:function:[^:]+(?::[^:]+)?")
"""AWS checks only this form: the region `your-region` and the account `your-account-id` are recorded as valid."""
_ACTIVITY = re.compile(r"arn:aws[\w-]*:states:[a-z0-9-]+:\d{12}:activity:[^:]+")
PATTERNS = ("sync", "sync:2", "waitForTaskToken")
"""Integration patterns that wait for more than the response to the request."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A Resource split into its parts.

    In `arn:aws:states:::aws-sdk:sfn:startExecution.sync:2`, `type` is `aws-sdk:sfn`, `action` is the text after it,
    `operation` is `startExecution`, and `pattern` is `sync:2`. All four are empty for functions and activities.
    """

    arn: str
    type: str = ""
    action: str = ""
    operation: str = ""
    pattern: str = ""

    @property
    def is_function(self) -> bool:
        """True if it is a Lambda function's ARN."""
        return _FUNCTION.fullmatch(self.arn) is not None

    @property
    def is_activity(self) -> bool:
        """True if it is an activity's ARN."""
        return _ACTIVITY.fullmatch(self.arn) is not None

    @property
    def takes_token(self) -> bool:
        """True if the task has a task token, with which a caller can end it: with `.sync` also before its job ends."""
        return bool(self.pattern)

    @property
    def waits(self) -> bool:
        """True if the task waits until the job or execution that it started has ended."""
        return self.pattern.startswith("sync")

    @property
    def name(self) -> str:
        """The integration's name without its pattern: `sqs:sendMessage`."""
        return f"{self.type}:{self.operation}"


@lru_cache(maxsize=4096)
def read_resource(arn: str) -> Resource:
    """Split a Resource into its parts; if it is not a service integration, only `arn` is set."""
    rest = integration_name(arn)
    if rest is None:
        return Resource(arn)
    head, _, pattern = rest.partition(".")
    kind, _, operation = head.rpartition(":")
    return Resource(arn, kind, rest[len(kind) + 1 :], operation, pattern)


def integration_name(resource: str) -> str | None:
    """Return the text after `arn:aws:states:::` in the ARN of a service integration, or None for other resources.

    The ARN may contain a region and an account, like some in AWS's own samples.
    """
    if service_of(resource) != "states":
        return None
    name = Arn.parse(resource).resource
    return None if name.startswith("activity:") else name
