"""A kept-alive connection that sends raw bytes."""

from __future__ import annotations

import contextlib
import http.client
import socket

from .judgement import Answered


class Connection:
    """One connection to the cloud, opened when needed and reopened after it was closed."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._socket: socket.socket | None = None

    def exchange(self, method: str, content: bytes, timeout: float) -> Answered:
        """Send a request and read its response. Raises `TimeoutError`, or `ConnectionError` if no response arrived."""
        fresh = self._socket is None
        try:
            return self._attempt(method, content, timeout)
        except (http.client.HTTPException, ConnectionError):
            self.close()
            if fresh:
                raise
        try:  # the server may have closed an idle connection
            return self._attempt(method, content, timeout)
        except http.client.HTTPException as error:
            self.close()
            raise ConnectionError(repr(error)) from error

    def _attempt(self, method: str, content: bytes, timeout: float) -> Answered:
        if self._socket is None:
            self._socket = socket.create_connection(self._address, timeout=timeout)
        self._socket.settimeout(timeout)
        try:
            with contextlib.suppress(ConnectionError):  # rejected before its end: there may be a response
                self._socket.sendall(content)
            response = http.client.HTTPResponse(self._socket, method=method)
            response.begin()
            body = response.read()
        except TimeoutError:
            self.close()
            raise
        headers = {name.lower(): value for name, value in response.getheaders()}
        if response.will_close:
            self.close()
        return Answered(response.status, headers, body)

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
