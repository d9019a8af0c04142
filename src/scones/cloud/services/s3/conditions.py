"""Conditional requests (S3 User Guide, "Add preconditions to S3 operations with conditional requests")."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

from scones.cloud.errors import ServiceError
from scones.cloud.services.s3 import errors
from scones.cloud.services.s3.object_record import ObjectRecord
from scones.cloud.wire.members import Members


def check_read(params: Members, record: ObjectRecord) -> None:
    """Check a GET's or HEAD's conditions; raises `PreconditionFailed` (412) or `NotModified` (304).

    If-Match takes precedence over If-Unmodified-Since, and If-None-Match over If-Modified-Since.
    """
    modified = record.modified // 1000
    if (expected := params.get("IfMatch")) is not None:
        if not _matches(expected, record.etag):
            raise errors.precondition_failed("If-Match")
    elif (since := params.get("IfUnmodifiedSince")) is not None and modified > since.timestamp():
        raise errors.precondition_failed("If-Unmodified-Since")
    if (other := params.get("IfNoneMatch")) is not None:
        if _matches(other, record.etag):
            raise _not_modified(record)
    elif (since := params.get("IfModifiedSince")) is not None and modified <= since.timestamp():
        raise _not_modified(record)


def check_copy(params: Members, record: ObjectRecord) -> None:
    """Check a copy's conditions on its source; raises `PreconditionFailed` (412) even where a read answers 304."""
    prefix = "CopySource"
    conditions = {name[len(prefix) :]: value for name, value in params.items() if name.startswith(prefix + "If")}
    try:
        check_read(conditions, record)
    except ServiceError as error:
        failed = next(iter(conditions))
        name = "-".join(["x-amz-copy-source", *_words(failed)])
        raise errors.precondition_failed(name) from error


def check_write(params: Members, old: ObjectRecord | None, key: str) -> None:
    """Check a write's conditions: `If-None-Match: *` (the key is free) and If-Match (the ETag is unchanged)."""
    if (other := params.get("IfNoneMatch")) is not None:
        if other != "*":
            raise errors.not_implemented("If-None-Match")
        if old is not None:
            raise errors.precondition_failed("If-None-Match")
    if (expected := params.get("IfMatch")) is not None:
        if old is None:
            raise errors.no_such_key(key)
        if not _matches(expected, old.etag):
            raise errors.precondition_failed("If-Match")


def _matches(header: str, etag: str) -> bool:
    tags = [tag.strip().removeprefix("W/").strip('"') for tag in header.split(",")]
    return "*" in tags or etag in tags


def _words(name: str) -> list[str]:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).strip("-").split("-")


def _not_modified(record: ObjectRecord) -> ServiceError:
    moment = datetime.fromtimestamp(record.modified // 1000, UTC)
    headers = {"etag": f'"{record.etag}"', "last-modified": format_datetime(moment, usegmt=True)}
    return ServiceError("NotModified", "Not Modified", 304, Headers=headers)
