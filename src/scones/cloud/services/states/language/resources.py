"""What a Task's Resource names: a function, an activity, or a service's operation and how its end is waited for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_FUNCTION = re.compile(r"arn:aws[\w-]*:lambda:[^:]*:[^:]*:function:[^:]+(?::[^:]+)?")
"""AWS looks no closer: a region and an account of `your-region` and `your-account-id` are recorded as valid."""
_ACTIVITY = re.compile(r"arn:aws[\w-]*:states:[a-z0-9-]+:\d{12}:activity:[^:]+")
PATTERNS = ("sync", "sync:2", "waitForTaskToken")
"""The ways in which an integration waits for more than the answer to its request."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A Resource taken apart.

    Of `arn:aws:states:::aws-sdk:sfn:startExecution.sync:2` the `type` is `aws-sdk:sfn`, the `action` all after it,
    the `operation` `startExecution` and the `pattern` `sync:2`; functions and activities have none of these.
    """

    arn: str
    type: str = ""
    action: str = ""
    operation: str = ""
    pattern: str = ""

    @property
    def is_function(self) -> bool:
        """Whether it is a Lambda function's ARN."""
        return _FUNCTION.fullmatch(self.arn) is not None

    @property
    def is_activity(self) -> bool:
        """Whether it is an activity's ARN."""
        return _ACTIVITY.fullmatch(self.arn) is not None

    @property
    def takes_token(self) -> bool:
        """Whether the task waits until somebody sends its token back."""
        return self.pattern == "waitForTaskToken"

    @property
    def waits(self) -> bool:
        """Whether the task waits until what it started has ended."""
        return self.pattern.startswith("sync")

    @property
    def name(self) -> str:
        """The integration's name without its pattern: `sqs:sendMessage`."""
        return f"{self.type}:{self.operation}"


@lru_cache(maxsize=4096)
def read_resource(arn: str) -> Resource:
    """Take a Resource apart; one that is no integration has its ARN alone."""
    rest = integration_name(arn)
    if rest is None:
        return Resource(arn)
    head, _, pattern = rest.partition(".")
    kind, _, operation = head.rpartition(":")
    return Resource(arn, kind, rest[len(kind) + 1 :], operation, pattern)


def integration_name(resource: str) -> str | None:
    """Return what follows `arn:aws:states:::` in the ARN of a service integration, or None.

    AWS's own samples deploy some that name a region and an account.
    """
    parts = resource.split(":", 5)
    if len(parts) == 6 and parts[0] == "arn" and parts[2] == "states" and not parts[5].startswith("activity:"):
        return parts[5]
    return None
