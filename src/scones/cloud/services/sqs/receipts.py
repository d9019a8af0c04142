"""Receipt handles, which identify a queue, a message and one receive of it."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from scones.cloud.errors import ServiceError

_FORM = re.compile(r"([0-9]{1,18})\.([0-9]{1,18})\.([0-9a-f]{24})")


@dataclass(frozen=True, slots=True)
class ReceiptHandle:
    """A parsed receipt handle: the row IDs of queue and message, and the token of one receive."""

    queue: int
    message: int
    receive_token: str

    @classmethod
    def parse(cls, handle: str) -> ReceiptHandle:
        """Parse a handle; raises `ReceiptHandleIsInvalid`."""
        try:
            found = _FORM.fullmatch(base64.b64decode(handle, validate=True).decode())
        except ValueError:
            found = None
        if found is None:
            raise ServiceError(
                "ReceiptHandleIsInvalid", f'The input receipt handle "{handle}" is not a valid receipt handle.'
            )
        return cls(int(found[1]), int(found[2]), found[3])

    def __str__(self) -> str:
        return base64.b64encode(f"{self.queue}.{self.message}.{self.receive_token}".encode()).decode()
