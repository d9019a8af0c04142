"""Writing of scalars as text: in headers, in XML, and times in JSON."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from email.utils import format_datetime

from botocore.model import Shape

from scones.cloud.core.clock import iso_milliseconds
from scones.cloud.wire.members import MemberValue


def scalar_text(value: MemberValue, shape: Shape, timestamp_format: str) -> str:
    """Return a scalar as text; `timestamp_format` is the format if the model states none."""
    match shape.type_name:
        case "boolean":
            return "true" if value else "false"
        case "timestamp":
            return _timestamp(value, shape.serialization.get("timestampFormat", timestamp_format))
        case "blob":
            return base64.b64encode(value).decode()
    return str(value)


def _timestamp(value: datetime | float, form: str) -> str:
    moment = datetime.fromtimestamp(epoch(value), UTC)
    match form:
        case "rfc822":
            return format_datetime(moment.replace(microsecond=0), usegmt=True)
        case "unixTimestamp":
            return str(int(moment.timestamp()))
    return iso_milliseconds(moment)


def epoch(value: datetime | float) -> float:
    """Return seconds since 1970, rounded to milliseconds, as AWS does."""
    seconds = value.timestamp() if isinstance(value, datetime) else value
    return round(seconds, 3)
