"""Tag sets of buckets and objects."""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import parse_qsl

from scones.cloud.errors import ServiceError
from scones.cloud.services.s3 import errors
from scones.cloud.wire.members import Members


def check_tags(tags: Sequence[Members], most: int) -> str:
    """Return a tag set as JSON; raises S3's error if it breaks a rule.

    `most` is the maximum number of tags: 50 for a bucket, 10 for an object.
    """
    if len(tags) > most:
        kind = "Object" if most == 10 else "Bucket"
        raise ServiceError("BadRequest", f"{kind} tags cannot be greater than {most}")
    keys = [tag["Key"] for tag in tags]
    if len(set(keys)) != len(keys):
        raise ServiceError("InvalidTag", "Cannot provide multiple Tags with the same key")
    for tag in tags:
        if not 1 <= len(tag["Key"]) <= 128:
            raise ServiceError("InvalidTag", "The TagKey you have provided is invalid", TagKey=tag["Key"])
        if len(tag["Value"]) > 256:
            raise ServiceError("InvalidTag", "The TagValue you have provided is invalid", TagValue=tag["Value"])
    return json.dumps(tags)


def tags_in_header(header: str) -> str:
    """Return the tag set of an x-amz-tagging header (`a=1&b=2`) as JSON."""
    try:
        pairs = parse_qsl(header, keep_blank_values=True, strict_parsing=bool(header))
    except ValueError as error:
        raise errors.invalid_argument(
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag "
            "name duplicates.",
            "x-amz-tagging",
            header,
        ) from error
    return check_tags([{"Key": key, "Value": value} for key, value in pairs], 10)
