"""Tag sets of buckets and objects."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from urllib.parse import parse_qsl

from scones.cloud.errors import ServiceError
from scones.cloud.services.s3 import errors
from scones.cloud.wire.members import Members

BUCKET_TAGS = 50
"""Maximum number of a bucket's tags."""
OBJECT_TAGS = 10
"""Maximum number of an object's tags."""

_RESERVED = (
    'User-defined tag keys can\'t start with "aws:". This prefix is reserved for system tags. Remove "aws:" from your '
    "tag keys and try again."
)
_TEXT = re.compile(r"[\w\s.:/=+\-@]*")
"""Characters of keys and values: letters, digits, spaces and a few others."""


def check_tags(tags: Sequence[Members], most: int, *, new_bucket: bool = False) -> str:
    """Return a tag set as JSON; raises S3's error if it breaks a rule.

    `most` is the maximum number of tags: `BUCKET_TAGS` or `OBJECT_TAGS`. CreateBucket has its
    own error for reserved keys.
    """
    if len(tags) > most:
        kind = "Object" if most == OBJECT_TAGS else "Bucket"
        raise ServiceError("BadRequest", f"{kind} tags cannot be greater than {most}")
    keys: set[str] = set()
    for tag in tags:
        key, value = tag["Key"], tag["Value"]
        if key in keys:
            raise ServiceError("InvalidTag", "Cannot provide multiple Tags with the same key", TagKey=key)
        keys.add(key)
        if key.startswith("aws:"):
            of_object = "Your TagKey cannot be prefixed with aws:"
            message = of_object if most == OBJECT_TAGS else "System tags cannot be added/updated by requester"
            if new_bucket:
                raise ServiceError("InvalidTag", _RESERVED)
            raise ServiceError("InvalidTag", message, TagKey=key)
        if not 1 <= len(key) <= 128 or not _TEXT.fullmatch(key):
            raise ServiceError("InvalidTag", "The TagKey you have provided is invalid", TagKey=key)
        if len(value) > 256 or not _TEXT.fullmatch(value):
            raise ServiceError("InvalidTag", "The TagValue you have provided is invalid", TagKey=key, TagValue=value)
    return json.dumps(tags)


def tags_in_header(header: str) -> str:
    """Return the tag set of an x-amz-tagging header (`a=1&b=2`) as JSON; a name without `=` has an empty value."""
    pairs = parse_qsl(header, keep_blank_values=True)
    if len(dict(pairs)) < len(pairs) or not all(_TEXT.fullmatch(text) for pair in pairs for text in pair):
        raise errors.invalid_argument(
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag "
            "name duplicates.",
            "x-amz-tagging",
            header,
        )
    return check_tags([{"Key": key, "Value": value} for key, value in pairs], OBJECT_TAGS)
