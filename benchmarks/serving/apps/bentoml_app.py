"""BentoML: a service with one worker per processor; the image is the body."""

from __future__ import annotations

from typing import Annotated

import bentoml
from bentoml.validators import ContentType
from predictor import WORKERS, Predictor


@bentoml.service(workers=WORKERS, traffic={"timeout": 60}, logging={"access": {"enabled": False}})
class Classifier:
    """One image per request."""

    def __init__(self) -> None:
        self.model = Predictor()

    @bentoml.api(route="/invocations")
    def invocations(self, image: Annotated[bytes, ContentType("image/png")], /) -> list[float]:
        """Classify the image in the body."""
        return self.model(image)
