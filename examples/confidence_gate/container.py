"""The container program of this example: the brighter an image is, the likelier it shows a bicycle.

SageMaker starts a container with the argument `serve`. It must answer GET /ping and POST /invocations on port
SAGEMAKER_BIND_TO_PORT.
"""

import io
import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from PIL import Image, ImageStat


class Model(BaseHTTPRequestHandler):
    """The model server; its prediction is [probability of a bicycle, probability of a motorcycle]."""

    def do_GET(self) -> None:
        """Answer /ping."""
        self._respond(b"")

    def do_POST(self) -> None:
        """Answer /invocations."""
        image = Image.open(io.BytesIO(self.rfile.read(int(self.headers["Content-Length"]))))
        brightness = ImageStat.Stat(image.convert("L")).mean[0] / 255
        self._respond(json.dumps([brightness, 1 - brightness]).encode())

    def _respond(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Model).serve_forever()
