"""Policies of uploads by forms (API Reference, "Browser-Based Uploads Using POST", "POST Policy")."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from scones.cloud.errors import ServiceError
from scones.cloud.wire import numbers

_UNCHECKED = frozenset({"awsaccesskeyid", "file", "policy", "signature", "x-amz-signature"})
_IGNORED_PREFIX = "x-ignore-"
_SIZE = "content-length-range"
_LARGEST = 5 << 30
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z")


class UploadPolicy(NamedTuple):
    """What a policy says about the size of the file, in bytes."""

    least: int
    most: int

    def check_size(self, size: int) -> None:
        """Raise `EntityTooSmall` or `EntityTooLarge` for a file of another size."""
        if size < self.least:
            raise ServiceError(
                "EntityTooSmall",
                "Your proposed upload is smaller than the minimum allowed size",
                ProposedSize=size,
                MinSizeAllowed=self.least,
            )
        if size > self.most:
            raise ServiceError(
                "EntityTooLarge",
                "Your proposed upload exceeds the maximum allowed size",
                ProposedSize=size,
                MaxSizeAllowed=self.most,
            )


WITHOUT_POLICY = UploadPolicy(0, _LARGEST)
"""The policy of an unsigned form: it limits only the size of the upload."""


def checked_policy(encoded: str, fields: Mapping[str, str], bucket: str) -> UploadPolicy:
    """Check a form against its policy; `fields` are the fields by name in lower case.

    Raises `InvalidPolicyDocument` for an invalid policy, and `AccessDenied` for an expired one, a condition that fails,
    or a field without a condition.
    """
    document = _document(encoded)
    _check_expiration(document["expiration"])
    values = {**fields, "bucket": bucket}
    covered: set[str] = set()
    least, most = 0, _LARGEST
    for condition in document["conditions"]:
        match _elements(condition):
            case [str(kind), first, last] if kind.lower() == _SIZE:
                least, most = _size_range(condition, first, last)
            case [str(kind), str(name), str(value)] if kind.lower() in ("eq", "starts-with"):
                field = name.removeprefix("$").lower()
                covered.add(field)
                if not name.startswith("$") or not _holds(kind.lower(), values.get(field), value):
                    raise _failed(_elements(condition))
            case elements:
                raise _failed(elements)
    extra = [
        name
        for name in fields
        if name not in covered and name not in _UNCHECKED and not name.startswith(_IGNORED_PREFIX)
    ]
    if extra:
        raise _denied(f"Extra input fields: {', '.join(sorted(extra))}")
    return UploadPolicy(least, most)


def _document(encoded: str) -> dict[str, Any]:
    try:
        document = json.loads(base64.b64decode(encoded))
    except (ValueError, RecursionError) as error:
        raise _invalid("Invalid JSON.") from error
    if not isinstance(document, dict):
        raise _invalid("Invalid JSON.")
    for name in ("expiration", "conditions"):
        if name not in document:
            raise _invalid(f"Policy missing {name}.")
    if not isinstance(document["conditions"], list):
        raise _invalid("Invalid 'conditions' value: must be a List.")
    return document


def _check_expiration(expiration: Any) -> None:
    try:
        valid = isinstance(expiration, str) and _TIME.fullmatch(expiration)
        moment = numbers.timestamp(expiration) if valid else None
    except ValueError:
        moment = None
    if moment is None:
        raise _invalid(f"Invalid 'expiration' value: '{expiration}'")
    if moment < datetime.now(UTC):
        raise _denied("Policy expired.")


def _elements(condition: Any) -> list[Any]:
    """Return a condition as a list: `{"acl": "private"}` is `["eq", "$acl", "private"]`."""
    if isinstance(condition, dict):
        if len(condition) != 1:
            raise _invalid("Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.")
        name, value = next(iter(condition.items()))
        return ["eq", f"${name}", value]
    if not isinstance(condition, list) or len(condition) != 3:
        raise _invalid("Invalid Condition: Conditions must have three elements.")  # AWS's words are not known
    return condition


def _size_range(condition: Any, first: Any, last: Any) -> tuple[int, int]:
    try:
        least, most = numbers.integer(str(first)), numbers.integer(str(last))
    except ValueError as error:
        raise _failed(_elements(condition)) from error
    if least < 0 or most < 0:
        raise _invalid("Invalid content-length-range: sizes must not be negative.")  # AWS's words are not known
    return least, most


def _holds(kind: str, given: str | None, value: str) -> bool:
    if kind == "eq":
        return given == value
    return (given or "").startswith(value)


def _failed(elements: list[Any]) -> ServiceError:
    shown = json.dumps([str(element) for element in elements], ensure_ascii=False)
    return _denied(f"Policy Condition failed: {shown}")


def _denied(reason: str) -> ServiceError:
    return ServiceError("AccessDenied", f"Invalid according to Policy: {reason}", 403)


def _invalid(reason: str) -> ServiceError:
    return ServiceError("InvalidPolicyDocument", f"Invalid Policy: {reason}")
