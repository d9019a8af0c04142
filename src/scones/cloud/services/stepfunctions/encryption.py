"""The encryption configuration of a state machine or an activity, and the checks that AWS makes.

The configuration has no effect. The reasons were measured on AWS by a third party (badmintoncryer/cdk-preflight); the
words before them follow those of an invalid logging configuration.
"""

from __future__ import annotations

from typing import Any

from scones.cloud.errors import ServiceError

AWS_OWNED_KEY = {"type": "AWS_OWNED_KEY"}
"""The encryption of a resource without an encryptionConfiguration."""
_KEY_SETTINGS = ("kmsKeyId", "kmsDataKeyReusePeriodSeconds")


def check_encryption(configuration: dict[str, Any] | None) -> None:
    """Raise InvalidEncryptionConfiguration unless exactly a configuration with a customer's key names a key."""
    if configuration is None:
        return
    if configuration["type"] != AWS_OWNED_KEY["type"]:
        if not configuration.get("kmsKeyId"):
            raise _invalid("Must set a valid kmsKeyId.")
        return
    for setting in _KEY_SETTINGS:
        if configuration.get(setting) is not None:
            raise _invalid(f"Custom {setting} is not allowed when selecting AWS_OWNED_KEY.")


def _invalid(reason: str) -> ServiceError:
    return ServiceError("InvalidEncryptionConfiguration", f"Invalid Encryption Configuration: {reason}")
