"""Retry and Catch: the delay before the next attempt, and the catcher of a failure."""

from __future__ import annotations

import random

from scones.cloud.services.stepfunctions.asl.definition import Catcher, Retrier
from scones.cloud.services.stepfunctions.asl.failures import StateFailedError


class RetryCounter:
    """The attempts of one visit to a state; each retrier counts its own attempts, as on AWS."""

    def __init__(self, retriers: tuple[Retrier, ...]) -> None:
        self._retriers = retriers
        self._attempts_used = [0] * len(retriers)
        self.count = 0

    def next_delay(self, failure: StateFailedError) -> float | None:
        """Count a failure; return the seconds until the next attempt, or None if there is no further attempt."""
        index = find_retrier(self._retriers, failure)
        if index is None:
            return None
        retrier, used = self._retriers[index], self._attempts_used[index]
        if used >= retrier.attempts:
            return None
        self._attempts_used[index] += 1
        self.count += 1
        return backoff(retrier, used)


def find_retrier(retriers: tuple[Retrier, ...], failure: StateFailedError) -> int | None:
    """Return the index of the first retrier that matches the failure, or None."""
    return next((index for index, retrier in enumerate(retriers) if failure.matches(retrier.errors)), None)


def backoff(retrier: Retrier, used: int) -> float:
    """Return the seconds before the next attempt of a retrier that has used `used` attempts."""
    try:
        seconds = retrier.interval * retrier.backoff**used
    except OverflowError:
        seconds = float("inf")
    if retrier.max_delay is not None:
        seconds = min(seconds, retrier.max_delay)
    # AWS's FULL jitter draws evenly between 0 and the delay.
    return random.uniform(0, seconds) if retrier.jitter else seconds


def find_catcher(catchers: tuple[Catcher, ...], failure: StateFailedError) -> Catcher | None:
    """Return the first catcher that matches the failure, or None."""
    return next((catcher for catcher in catchers if failure.matches(catcher.errors)), None)
