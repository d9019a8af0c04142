"""A container's output, line by line into CloudWatch Logs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from scones.cloud.cloud import Cloud
from scones.cloud.untrusted_files import Listing

if TYPE_CHECKING:
    from scones.cloud.services.logs import Logs

LONGEST = 256 << 10
"""Bytes after which a line without an end is taken for one: CloudWatch Logs' limit of an event."""


LEFT_OUT_LINES = 20
"""Maximum number of lines about files that are not stored, for one folder."""


class LogStream:
    """One stream of a group, fed with bytes as they come; `also` sees every line as well."""

    def __init__(self, cloud: Cloud, group: str, name: str, also: Callable[[str], None] | None = None) -> None:
        self._cloud = cloud
        self._group = group
        self._also = also
        self._rest = b""
        self.name = name

    def feed(self, chunk: bytes) -> None:
        """Take what a program wrote, and hand in the lines that are whole without waiting for their storage."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > LONGEST:
            lines.append(self._rest)
            self._rest = b""
        self._write(lines)

    def finish(self) -> None:
        """Hand in a last line without an end."""
        rest, self._rest = self._rest, b""
        if rest:
            self._write([rest])

    def write(self, line: str) -> None:
        """Hand in a line of the cloud's own."""
        self._write([line.encode()])

    def write_left_out(self, listing: Listing) -> None:
        """Hand in a line for each file that is not stored, up to a bound."""
        reasons = listing.left_out
        for reason in reasons[:LEFT_OUT_LINES]:
            self.write(f"Not stored: {reason}.")
        if len(reasons) > LEFT_OUT_LINES:
            self.write(f"Not stored: {len(reasons) - LEFT_OUT_LINES} more.")

    def _write(self, lines: list[bytes]) -> None:
        now = int(time.time() * 1e3)
        texts = [line.decode(errors="replace").removesuffix("\r") for line in lines]
        cast("Logs", self._cloud.services["logs"]).append(self._group, self.name, [(now, text) for text in texts])
        if self._also is not None:
            for text in texts:
                self._also(text)


def log_group(endpoint: str) -> str:
    """Return the log group of an endpoint."""
    return f"/aws/sagemaker/Endpoints/{endpoint}"
