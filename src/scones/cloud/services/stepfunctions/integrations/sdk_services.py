"""Names of services in `aws-sdk:` integrations, from botocore's models."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import botocore

_DATA = Path(botocore.__file__).parent / "data"
_HEAD_BYTES = 2048
"""Bytes at the start of a model that contain its metadata."""


@cache
def sdk_services() -> dict[str, str]:
    """Map the service names in `aws-sdk:` integrations to botocore's service names, for all services.

    The name in an integration is the service ID in lower case, without spaces, hyphens and a final "Service". The first
    call reads the heads of some 400 models, which takes about a second.
    """
    return _names(_DATA.glob("*/*/service-2.json*"))


@cache
def sdk_service(name: str, supported: frozenset[str]) -> str | None:
    """Return botocore's name for a service name in an `aws-sdk:` integration, or None if `supported` lacks it."""
    paths = (path for service in sorted(supported) for path in (_DATA / service).glob("*/service-2.json*"))
    return _names(paths).get(name)


def _names(paths: Iterable[Path]) -> dict[str, str]:
    services = {}
    for path in paths:
        open_: Callable[..., Any] = gzip.open if path.suffix == ".gz" else open
        with open_(path, "rb") as file:
            found = re.search(rb'"serviceId"\s*:\s*"([^"]+)"', file.read(_HEAD_BYTES))
        if found:
            # The SDK for Java names services this way: "Config Service" is config.
            services[re.sub(r"[\s-]|Service$", "", found[1].decode()).lower()] = path.parent.parent.name
    return services
