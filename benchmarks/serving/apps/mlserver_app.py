"""MLServer: a custom runtime with the V2 protocol and the image in base64; one parallel worker per processor."""

from __future__ import annotations

import numpy as np
from mlserver import MLModel
from mlserver.codecs import Base64Codec, NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse
from predictor import Predictor


class Classifier(MLModel):
    """One image per request."""

    async def load(self) -> bool:
        """Load the model."""
        self.model = Predictor()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Classify an image."""
        (image,) = Base64Codec.decode_input(payload.inputs[0])
        answer = NumpyCodec.encode_output("probabilities", np.array([self.model(image)]))
        return InferenceResponse(model_name=self.name, outputs=[answer])
