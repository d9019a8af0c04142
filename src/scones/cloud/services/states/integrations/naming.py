"""Names as AWS's SDK for Java has them, which integrations show: services, members and exceptions."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import botocore

from scones.cloud.wire.model import error_shape, service_model

_HEAD = 2048
"""Bytes of a model that hold its metadata, which comes first."""
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z]*|[a-z]+|[0-9]+")


@cache
def sdk_services() -> dict[str, str]:
    """Return botocore's name of every service by the name that `aws-sdk:` integrations have: its id in one word.

    Reads the head of every model: half a second, once.
    """
    services = {}
    for path in (Path(botocore.__file__).parent / "data").glob("*/*/service-2.json*"):
        open_: Callable[..., Any] = gzip.open if path.suffix == ".gz" else open
        with open_(path, "rb") as file:
            found = re.search(rb'"serviceId"\s*:\s*"([^"]+)"', file.read(_HEAD))
        if found:
            services[re.sub(r"[\s-]", "", found[1].decode()).lower()] = path.parent.parent.name
    return services


def pascal(name: str) -> str:
    """Return a member's or an operation's name with a capital first letter."""
    return name[:1].upper() + name[1:]


@cache
def java_service(service: str) -> str:
    """Return a service's name in the SDK for Java: `Sfn`, `DynamoDb`, `S3`, `SageMakerRuntime`."""
    identity = str(service_model(service).metadata["serviceId"])
    return "".join(word.capitalize() for word in _WORD.findall(identity))


def java_exception(service: str, code: str) -> str | None:
    """Return the name of an error's exception in the SDK for Java, or None where the service's model has none."""
    shape = error_shape(service, code)
    if shape is None:
        return None
    name = re.sub("Fault$", "", shape.name)
    return name if name.endswith("Exception") else f"{name}Exception"
