"""Early stopping."""

from __future__ import annotations

from scones.containers.image_classification.hyperparameters import Hyperparameters


class EarlyStopping:
    """The rule of AWS's built-in algorithm, derived from 15 logs of jobs on AWS; it agrees with all of them."""

    def __init__(self, parameters: Hyperparameters) -> None:
        self._parameters = parameters
        self._highest = self._reference = -1.0
        self._reference_epoch = 0

    def state(self) -> list[float]:
        """Return the state for a checkpoint."""
        return [self._highest, self._reference, self._reference_epoch]

    def restore(self, state: list[float]) -> None:
        """Restore the state from a checkpoint."""
        self._highest, self._reference = state[:2]
        self._reference_epoch = int(state[2])

    def is_best(self, accuracy: float) -> bool:
        """Return True if the accuracy is higher than in all earlier epochs."""
        if accuracy <= self._highest:
            return False
        self._highest = accuracy
        return True

    def should_stop(self, epoch: int, accuracy: float) -> bool:
        """Return True after too many epochs without an improvement by more than the tolerance."""
        parameters = self._parameters
        if self._reference <= 0 or (accuracy - self._reference) / self._reference > parameters.early_stopping_tolerance:
            self._reference, self._reference_epoch = accuracy, epoch
        since = max(self._reference_epoch, parameters.early_stopping_min_epochs)
        return epoch - since >= parameters.early_stopping_patience
