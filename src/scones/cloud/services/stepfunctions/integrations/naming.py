"""Names of services, members and exceptions in AWS's SDK for Java, which integrations show."""

from __future__ import annotations

import re
from functools import cache

from scones.cloud.wire.model import error_shape, service_model

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z]*|[a-z]+|[0-9]+")


def pascal(name: str) -> str:
    """Return a member's or an operation's name with a capital first letter."""
    return name[:1].upper() + name[1:]


@cache
def java_service(service: str) -> str:
    """Return a service's name in the SDK for Java: `Sfn`, `DynamoDb`, `S3`, `SageMakerRuntime`."""
    identity = str(service_model(service).metadata["serviceId"])
    return "".join(word.capitalize() for word in _WORD.findall(identity))


def java_exception(service: str, code: str) -> str | None:
    """Return the name of an error's exception in the SDK for Java, or None if the service's model has no such error."""
    shape = error_shape(service, code)
    if shape is None:
        return None
    name = re.sub("Fault$", "", shape.name)
    return name if name.endswith("Exception") else f"{name}Exception"
