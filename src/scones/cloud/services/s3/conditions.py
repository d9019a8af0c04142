"""Conditional requests (S3 User Guide, "Add preconditions to S3 operations with conditional requests")."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from email.utils import format_datetime

from scones.cloud.errors import ServiceError
from scones.cloud.services.s3 import errors
from scones.cloud.services.s3.object_record import ObjectRecord
from scones.cloud.wire.members import Members

_COPY_SOURCE = "CopySource"
_DIRECTORY_BUCKETS = {
    "IfMatchLastModifiedTime": "x-amz-if-match-last-modified-time",
    "IfMatchSize": "x-amz-if-match-size",
}


def check_read(params: Members, record: ObjectRecord) -> None:
    """Check a GET's or HEAD's conditions; raises `PreconditionFailed` (412) or `NotModified` (304)."""
    failed = _failed_condition(params, record)
    if failed in ("If-None-Match", "If-Modified-Since"):
        raise _not_modified(record)
    if failed is not None:
        raise errors.precondition_failed(failed)


def http_date(moment: int) -> str:
    """Return a time, in milliseconds since 1970, in the form of an HTTP header."""
    return format_datetime(datetime.fromtimestamp(moment // 1000, UTC), usegmt=True)


def check_copy(params: Members, record: ObjectRecord) -> None:
    """Check a copy's conditions on its source; raises `PreconditionFailed` (412) even where a read answers 304."""
    conditions = {
        name.removeprefix(_COPY_SOURCE): value for name, value in params.items() if name.startswith(f"{_COPY_SOURCE}If")
    }
    failed = _failed_condition(conditions, record)
    if failed is not None:
        raise errors.precondition_failed(f"x-amz-copy-source-{failed}")


def _failed_condition(params: Members, record: ObjectRecord) -> str | None:
    """Return the header whose condition on an object fails, or None.

    If-Match takes precedence over If-Unmodified-Since, and If-None-Match over If-Modified-Since. A date in the future
    is ignored, as RFC 9110 requires.
    """
    modified, now = record.modified // 1000, time.time()
    if (expected := params.get("IfMatch")) is not None:
        if not _matches(expected, record.etag):
            return "If-Match"
    elif (since := params.get("IfUnmodifiedSince")) is not None and modified > since.timestamp():
        return "If-Unmodified-Since"
    if (other := params.get("IfNoneMatch")) is not None:
        if _matches(other, record.etag):
            return "If-None-Match"
    elif (since := params.get("IfModifiedSince")) is not None and modified <= since.timestamp() <= now:
        return "If-Modified-Since"
    return None


def check_conditional_write(params: Members) -> None:
    """Raise `NotImplemented`, as S3 does, for conditions on a write other than `If-None-Match: *` and an If-Match."""
    other, expected = params.get("IfNoneMatch"), params.get("IfMatch")
    if other is not None and expected is not None:
        raise _unusable("If-Match,If-None-Match", "Multiple conditional request headers present in the request")
    if other not in (None, "*"):
        raise _unusable("If-None-Match", "We don't accept the provided value of If-None-Match header for this API")
    if expected == "*":
        raise _unusable("If-Match", "We don't accept the provided value of If-Match header for this API")


def check_conditional_delete(params: Members) -> None:
    """Raise the errors of S3 for members that general purpose buckets without Object Lock do not have.

    They are `InvalidArgument` for a retention to be bypassed, and `NotImplemented` for the conditions that only
    directory buckets have.
    """
    if "BypassGovernanceRetention" in params:
        header = "x-amz-bypass-governance-retention"
        message = f"{header} is only applicable to Object Lock enabled buckets."
        raise ServiceError("InvalidArgument", message, ArgumentName=header)
    for member, header in _DIRECTORY_BUCKETS.items():
        if member in params:
            raise _unusable(header)


def _unusable(header: str, reason: str | None = None) -> ServiceError:
    return ServiceError(
        "NotImplemented",
        "A header you provided implies functionality that is not implemented",
        501,
        Header=header,
        **({"additionalMessage": reason} if reason else {}),
    )


def check_write(params: Members, old: ObjectRecord | None, key: str) -> None:
    """Check a write's conditions: `If-None-Match: *` (the key is free) and If-Match (the ETag is unchanged)."""
    if params.get("IfNoneMatch") is not None and old is not None:
        raise errors.precondition_failed("If-None-Match")
    if (expected := params.get("IfMatch")) is not None:
        if old is None:
            raise errors.no_such_key(key)
        if not _matches(expected, old.etag):
            raise errors.precondition_failed("If-Match")


def _matches(header: str, etag: str) -> bool:
    tags = [tag.strip().removeprefix("W/").strip('"') for tag in header.split(",")]
    return "*" in tags or etag in tags


def _not_modified(record: ObjectRecord) -> ServiceError:
    headers = {"etag": f'"{record.etag}"', "last-modified": http_date(record.modified)}
    return ServiceError("NotModified", "Not Modified", 304, Headers=headers)
