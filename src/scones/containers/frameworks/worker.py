"""One worker of a model server: it loads the model and answers one request at a time over a socket to the server.

Run as `python -m scones.containers.frameworks.worker HANDLERS DESCRIPTOR [CODE]`. Both ends send frames: the lengths
of a head and a body, the head as JSON, the body. The worker's first frame reports that the model is loaded.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import traceback
from pathlib import Path
from typing import Any

FRAME = struct.Struct(">IQ")


def pack(head: dict[str, Any], body: bytes) -> bytes:
    """Return a frame."""
    encoded_head = json.dumps(head).encode()
    return FRAME.pack(len(encoded_head), len(body)) + encoded_head + body


def main() -> None:
    """Serve until the other end closes the socket; exit with status 3 if the model cannot be loaded."""
    from scones.containers.frameworks.handlers import Handlers

    defaults, descriptor, *code = sys.argv[1:]
    channel = socket.socket(fileno=int(descriptor))
    try:
        handlers = Handlers(defaults, Path(code[0]) if code else None)
    except Exception:
        traceback.print_exc()
        sys.exit(3)
    channel.sendall(pack({}, b""))
    stream = channel.makefile("rb")
    while lengths := stream.read(FRAME.size):
        head, body = FRAME.unpack(lengths)
        headers = json.loads(stream.read(head))
        reply = handlers.handle(headers, stream.read(body))
        sys.stdout.flush()
        channel.sendall(pack({"status": reply.status, "content_type": reply.content_type}, reply.body))


if __name__ == "__main__":
    main()
