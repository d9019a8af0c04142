"""LitServe: JSON with the image in base64, as in its examples; one inference worker per processor.

LitServe reads the annotations at its start, so they must not be postponed here.
"""

import base64
import sys
from typing import Any

import litserve
from predictor import WORKERS, Predictor


class Classifier(litserve.LitAPI):
    """One image per request."""

    def setup(self, device: str) -> None:  # noqa: ARG002 - LitServe's signature
        """Load the model."""
        self.model = Predictor()

    def decode_request(self, request: dict[str, Any]) -> bytes:
        """Extract the image from the request."""
        return base64.b64decode(request["image"])

    def predict(self, x: bytes) -> list[float]:
        """Classify an image."""
        return self.model(x)

    def encode_response(self, output: list[float]) -> dict[str, Any]:
        """Put the probabilities into the response."""
        return {"probabilities": output}


if __name__ == "__main__":
    server = litserve.LitServer(Classifier(), accelerator="cpu", workers_per_device=WORKERS, timeout=60)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", generate_client_file=False)
