"""Steps that a GPU records and repeats.

A step of our networks is about a thousand small operations. To tell a GPU each of them takes a processor ten times as
long as the GPU needs; to tell it to repeat them all is one command.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Generic, TypeVar

import torch
from torch import Tensor

Outcome = TypeVar("Outcome", bound=tuple[Tensor, ...])
WARM_UPS = 2
"""Steps that are told operation by operation, in which libraries choose what they do them with, as CUDA asks for."""


class Recorded(Generic[Outcome]):
    """Work on tensors of a GPU, recorded for each of their shapes; what it returns stands until it is done again.

    The work reads nothing back, and all that it reads and changes beside what it is given stays where it is.
    """

    def __init__(self, work: Callable[..., Outcome]) -> None:
        self._work = work
        self._stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # PyTorch says no types of it
        self._warmed: Counter[tuple[torch.Size, ...]] = Counter()
        self._recordings: dict[tuple[torch.Size, ...], _Recording[Outcome]] = {}

    def __call__(self, *given: Tensor) -> Outcome:
        """Do the work."""
        shapes = tuple(each.shape for each in given)
        if self._warmed[shapes] < WARM_UPS:
            self._warmed[shapes] += 1
            return self._warm_up(given)
        if shapes not in self._recordings:
            self._recordings[shapes] = _Recording(self._work, given)
        return self._recordings[shapes].repeat(given)

    def _warm_up(self, given: tuple[Tensor, ...]) -> Outcome:
        """Do the work on a stream of its own, as it is recorded."""
        current = torch.cuda.current_stream()
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            outcome = self._work(*given)
        current.wait_stream(self._stream)
        return outcome


class _Recording(Generic[Outcome]):
    """Work on tensors of some shapes; to record it does none of it."""

    def __init__(self, work: Callable[..., Outcome], given: tuple[Tensor, ...]) -> None:
        self._given = [each.clone() for each in given]
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._outcome = work(*self._given)

    def repeat(self, given: tuple[Tensor, ...]) -> Outcome:
        for own, each in zip(self._given, given, strict=True):
            own.copy_(each)
        self._graph.replay()
        return self._outcome
