"""The encoding of jobs and replies on a socket: frames of a four-byte length and that many bytes.

A job is a four-byte count of frames, followed by the frames. Each reply is a frame; an empty frame ends the replies.
"""

from __future__ import annotations

import socket
import struct

LENGTH = struct.Struct("!I")


def framed(data: bytes) -> bytes:
    """Return data preceded by its length."""
    return LENGTH.pack(len(data)) + data


def send(connection: socket.socket, data: bytes) -> None:
    """Send one frame."""
    connection.sendall(framed(data))


def receive(connection: socket.socket) -> list[bytes] | None:
    """Return the frames of the next job, or None if the other side has closed the socket."""
    head = _read(connection, LENGTH.size)
    if head is None:
        return None
    frames = []
    for _ in range(LENGTH.unpack(head)[0]):
        length = _read(connection, LENGTH.size)
        data = None if length is None else _read(connection, LENGTH.unpack(length)[0])
        if data is None:
            return None
        frames.append(data)
    return frames


def _read(connection: socket.socket, size: int) -> bytes | None:
    data = bytearray()
    while len(data) < size:
        chunk = connection.recv(min(size - len(data), 1 << 20))
        if not chunk:
            return None
        data += chunk
    return bytes(data)
