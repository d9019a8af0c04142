"""Classification of single images by the deployed workflow, with the verdict of its confidence gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from scones.settings import Settings
from scones.workflow.executions import Execution, execute
from scones.workflow.model_card import ModelCard
from scones.workflow.observer import silent
from scones.workflow.provision import state_machine_arn
from scones.workflow.target import Target
from scones.workflow.upload_image import upload_image


@dataclass(frozen=True)
class Classification:
    """An image, its predicted class (None if the endpoint was not reached), and the execution that classified it."""

    image: Path
    label: str | None
    execution: Execution

    @property
    def confidence(self) -> float | None:
        """Highest inference, 0 to 1; None if the endpoint was not reached."""
        return max(self.execution.inferences, default=None)

    @property
    def verdict(self) -> Literal["passed", "gated", "failed"]:
        """The result: the image passed the confidence gate, was stopped by it, or the execution failed."""
        return "passed" if self.execution.succeeded else "gated" if self.execution.gated else "failed"


def classify_images(
    target: Target, settings: Settings, card: ModelCard, images: Sequence[Path]
) -> list[Classification]:
    """Upload images, start an execution for each, and wait for all; `card` is the card of the endpoint's model.

    Raises NotAnImageError before the first execution if a file is not an image.
    """
    bucket, machine = settings.bucket(target.account, target.region), state_machine_arn(target, settings)
    keys = [upload_image(target, bucket, image) for image in images]
    executions = execute(target, machine, bucket, keys, concurrency=settings.concurrency, progress=silent)
    return [
        Classification(image, _label(card, execution), execution)
        for image, execution in zip(images, executions.ended, strict=True)
    ]


def _label(card: ModelCard, execution: Execution) -> str | None:
    """Return the class with the highest inference, the first one if several are equal."""
    scores = execution.inferences
    return card.classes[scores.index(max(scores))] if scores else None
