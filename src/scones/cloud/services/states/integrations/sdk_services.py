"""The services and operations that `aws-sdk:` integrations name, from botocore's models."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import botocore

_DATA = Path(botocore.__file__).parent / "data"
_HEAD = 2048
"""Bytes of a model that hold its metadata, which comes first."""


@cache
def sdk_services() -> dict[str, str]:
    """Return botocore's name of every service by the name that `aws-sdk:` integrations have: its id in one word.

    Reads the heads of some 400 models, which takes about a second the first time.
    """
    return _names(_DATA.glob("*/*/service-2.json*"))


@cache
def sdk_service(name: str, offered: frozenset[str]) -> str | None:
    """Return botocore's name of a service that the local cloud offers, by its name in `aws-sdk:` integrations."""
    paths = (path for service in sorted(offered) for path in (_DATA / service).glob("*/service-2.json*"))
    return _names(paths).get(name)


def _names(paths: Iterable[Path]) -> dict[str, str]:
    services = {}
    for path in paths:
        open_: Callable[..., Any] = gzip.open if path.suffix == ".gz" else open
        with open_(path, "rb") as file:
            found = re.search(rb'"serviceId"\s*:\s*"([^"]+)"', file.read(_HEAD))
        if found:
            # As the SDK for Java names a service: Config Service is config.
            services[re.sub(r"[\s-]|Service$", "", found[1].decode()).lower()] = path.parent.parent.name
    return services
