"""Training steps recorded as CUDA graphs.

A step of our networks is about a thousand small operations. Launching them one by one takes the processor ten times as
long as the GPU needs to run them; replaying a recorded graph is one command.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Generic, TypeVar

import torch
from torch import Tensor

Result = TypeVar("Result", bound=tuple[Tensor, ...])
WARM_UPS = 2
"""Steps that run without recording first, as CUDA requires: in them, libraries choose their algorithms."""


def repeatable(work: Callable[..., Result], device: torch.device) -> Callable[..., Result]:
    """Return a function that does the same work: on a GPU it is recorded and replayed, elsewhere it is `work`."""
    return GraphedFunction(work) if device.type == "cuda" else work


class GraphedFunction(Generic[Result]):
    """A function on GPU tensors, recorded once for each combination of shapes.

    The returned tensors are valid until the next call. The function must not read values back to the CPU, and the
    memory that it reads and changes, other than its arguments, must not move.
    """

    def __init__(self, work: Callable[..., Result]) -> None:
        self._work = work
        self._stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # PyTorch has no types for it
        self._warmed: Counter[tuple[torch.Size, ...]] = Counter()
        self._graphs: dict[tuple[torch.Size, ...], _Graph[Result]] = {}

    def __call__(self, *given: Tensor) -> Result:
        """Run the function, or replay its recording."""
        shapes = tuple(each.shape for each in given)
        if self._warmed[shapes] < WARM_UPS:
            self._warmed[shapes] += 1
            return self._warm_up(given)
        if shapes not in self._graphs:
            self._graphs[shapes] = _Graph(self._work, given)
        return self._graphs[shapes].replay(given)

    def _warm_up(self, given: tuple[Tensor, ...]) -> Result:
        """Run the function on a separate stream, as for recording."""
        current = torch.cuda.current_stream()
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            outcome = self._work(*given)
        current.wait_stream(self._stream)
        return outcome


class _Graph(Generic[Result]):
    """A recording for one combination of shapes; recording does not run the function."""

    def __init__(self, work: Callable[..., Result], given: tuple[Tensor, ...]) -> None:
        self._given = [each.clone() for each in given]
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._outcome = work(*self._given)

    def replay(self, given: tuple[Tensor, ...]) -> Result:
        for own, each in zip(self._given, given, strict=True):
            own.copy_(each)
        self._graph.replay()
        return self._outcome
