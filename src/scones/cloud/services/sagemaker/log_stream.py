"""Log streams: a container's output, written to CloudWatch Logs line by line."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from scones.cloud.context import CloudContext
from scones.cloud.process.program_output import Lines
from scones.cloud.process.untrusted_files import Listing
from scones.cloud.services.logs.service import Logs
from scones.cloud.services.sagemaker.framework_versions import version_note
from scones.cloud.services.sagemaker.last_error import LastError

Follow = Callable[[Sequence[str]], Awaitable[None]]
"""A callback that receives a program's lines, in order."""
MAX_OMITTED_LINES = 20
"""Maximum number of lines per folder about files that are not stored."""


class LogStream:
    """One log stream of a group, which takes a program's output in pieces; `follow` also gets the program's lines."""

    def __init__(self, cloud: CloudContext, group: str, name: str, follow: Follow | None = None) -> None:
        self._cloud = cloud
        self._group = group
        self._follow = follow
        self._lines = Lines()
        self._last_error = LastError()
        self.name = name

    @property
    def last_error(self) -> str:
        """The last exception or error message in the output; "" if there is none."""
        return self._last_error.text

    def add(self, piece: bytes) -> asyncio.Future[None] | None:
        """Log the lines in a piece of a program's output; return a future to await before the next piece, or None."""
        texts = [_text(line) for line in self._lines.add(piece)]
        self._last_error.read(texts)
        stored = self._write(texts)
        return asyncio.ensure_future(self._followed(texts, stored)) if texts and self._follow else stored

    async def finish(self) -> None:
        """Log the last line, if it has no newline."""
        texts = [_text(line) for line in self._lines.end()]
        self._last_error.read(texts)
        self._write(texts)
        await self._followed(texts, None)

    async def _followed(self, texts: Sequence[str], stored: asyncio.Future[None] | None) -> None:
        if texts and self._follow:
            await self._follow(texts)
        if stored:
            await asyncio.wait({stored})

    def write(self, line: str) -> None:
        """Log a line of the cloud itself."""
        self._write([line])

    def read_errors(self, lines: Sequence[str]) -> None:
        """Read the last error from lines that the cloud itself logs."""
        self._last_error.read(lines)

    async def write_version(self, image: str) -> None:
        """Log the installed version of an image's framework, if the image has another one."""
        if note := await asyncio.to_thread(version_note, image):
            self.write(note)

    def write_omitted(self, listing: Listing) -> None:
        """Log a line for each file that is not stored, at most `MAX_OMITTED_LINES`, and then the number of the rest."""
        reasons = listing.omitted
        for reason in reasons[:MAX_OMITTED_LINES]:
            self.write(f"Not stored: {reason}.")
        if len(reasons) > MAX_OMITTED_LINES:
            self.write(f"Not stored: {len(reasons) - MAX_OMITTED_LINES} more files.")

    def _write(self, texts: Sequence[str]) -> asyncio.Future[None] | None:
        now = int(time.time() * 1e3)
        logs = self._cloud.service(Logs)
        return logs.append(self._group, self.name, [(now, text) for text in texts])


def _text(line: bytes) -> str:
    return line.decode(errors="replace").removesuffix("\r")


def log_group(endpoint: str) -> str:
    """Return the log group of an endpoint."""
    return f"/aws/sagemaker/Endpoints/{endpoint}"
