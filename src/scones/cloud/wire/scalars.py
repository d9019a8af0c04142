"""Values as text in a path, a query, a header, a form or an XML element."""

from __future__ import annotations

from botocore.model import Shape

from scones.cloud.wire import json_document, numbers
from scones.cloud.wire.members import MemberValue


def scalar(text: str, shape: Shape) -> MemberValue:
    """Parse a text as a value of a shape's type; raises `ValueError`."""
    match shape.type_name:
        case "string":
            return text
        case "integer" | "long":
            return numbers.integer(text, shape.type_name)
        case "float" | "double":
            return numbers.decimal(text)
        case "boolean":
            if text.lower() not in ("true", "false"):
                raise ValueError(f"{numbers.shorten(text)} is not a boolean")
            return text.lower() == "true"
        case "timestamp":
            return numbers.timestamp(text)
        case "blob":
            return json_document.decoded(text)
    raise ValueError(f"a {shape.type_name} was expected, not text")
