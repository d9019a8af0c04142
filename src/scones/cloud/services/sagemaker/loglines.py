"""A container's output, line by line into CloudWatch Logs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from scones.cloud.cloud import Cloud

if TYPE_CHECKING:
    from scones.cloud.services.logs import Logs


@dataclass(frozen=True, slots=True)
class LogStream:
    """One stream of a group; `also` sees every line as well."""

    cloud: Cloud
    group: str
    name: str
    also: Callable[[str], None] | None = None

    def write(self, line: str) -> None:
        """Hand in a line without waiting for it to be stored."""
        logs = cast("Logs", self.cloud.services["logs"])
        logs.append(self.group, self.name, [(int(time.time() * 1e3), line)])
        if self.also is not None:
            self.also(line)
