"""Muon: momentum whose updates are made orthogonal, for the weights of convolutions.

Keller Jordan and others, "Muon: an optimizer for hidden layers in neural networks" (2024).
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


class Muon:
    """Muon with Nesterov momentum; filters are kept at norm 1, so that `rate` is a relative change per step."""

    def __init__(self, weights: Iterable[Tensor], momentum: float = 0.6) -> None:
        self._weights = list(weights)
        self._momentum = momentum
        self._buffers = [torch.zeros_like(weight) for weight in self._weights]

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Change the weights by their gradients."""
        for weight, buffer in zip(self._weights, self._buffers, strict=True):
            if weight.grad is None:
                continue
            buffer.mul_(self._momentum).add_(weight.grad)
            gradient = weight.grad + self._momentum * buffer
            weight.mul_(len(weight) ** 0.5 / weight.norm())
            weight.sub_(rate * orthogonal(gradient.reshape(len(gradient), -1)).view_as(weight))
            weight.grad = None


def orthogonal(matrix: Tensor, steps: int = 3) -> Tensor:
    """Return nearly the closest orthogonal matrix, by a quintic Newton-Schulz iteration."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix / (matrix.norm() + 1e-7)
    tall = x.size(0) > x.size(1)
    x = x.T if tall else x
    for _ in range(steps):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    result: Tensor = x.T if tall else x
    return result
