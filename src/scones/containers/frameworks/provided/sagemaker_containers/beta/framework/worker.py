"""The response object that an output_fn may return."""

from __future__ import annotations

from collections.abc import Mapping


class Response:
    """A response with a body, a status and a content type; the default content type is JSON."""

    def __init__(
        self,
        response: str | bytes | None = None,
        accept: str | None = None,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        mimetype: str | None = None,
    ) -> None:
        self._body = response.encode() if isinstance(response, str) else response or b""
        self.status_code = int(status)
        self.headers = dict(headers or {})
        self.mimetype = mimetype or accept or "application/json"
        self.content_type = f"{self.mimetype}; charset=utf-8" if self.mimetype.startswith("text/") else self.mimetype

    def get_data(self) -> bytes:
        """Return the body."""
        return self._body
