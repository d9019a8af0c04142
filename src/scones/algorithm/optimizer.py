"""The optimizers of the network from scratch: Muon for the weights of convolutions, SGD for everything else.

PyTorch's own optimizers import its compiler when they are made, which takes two seconds: longer than a small job.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor


class Muon:
    """Nesterov momentum whose updates are made orthogonal; filters are kept at norm 1: `rate` is a relative change.

    Keller Jordan and others, "Muon: an optimizer for hidden layers in neural networks" (2024).
    """

    def __init__(self, weights: Iterable[Tensor], momentum: float = 0.6) -> None:
        self._weights = list(weights)
        self._momentum = momentum
        self._buffers = [torch.zeros_like(weight) for weight in self._weights]

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Change the weights by their gradients, and forget these."""
        for weight, buffer in zip(self._weights, self._buffers, strict=True):
            if weight.grad is None:
                continue
            buffer.mul_(self._momentum).add_(weight.grad)
            gradient = weight.grad + self._momentum * buffer
            weight.mul_(len(weight) ** 0.5 / weight.norm())
            weight.sub_(rate * orthogonal(gradient.reshape(len(gradient), -1)).view_as(weight))
            weight.grad = None

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        return {"buffers": self._buffers}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        for buffer, kept in zip(self._buffers, state["buffers"], strict=True):
            buffer.copy_(kept)


class Sgd:
    """Stochastic gradient descent with Nesterov momentum and weight decay, in the very steps of torch.optim.SGD."""

    def __init__(self, weights: Iterable[Tensor], momentum: float, weight_decay: float) -> None:
        self._weights = list(weights)
        self._momentum = momentum
        self._weight_decay = weight_decay
        self._buffers = [torch.zeros_like(weight) for weight in self._weights]

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Change the weights by their gradients, and forget these."""
        for weight, buffer in zip(self._weights, self._buffers, strict=True):
            if weight.grad is None:
                continue
            gradient = weight.grad.add(weight, alpha=self._weight_decay)
            buffer.mul_(self._momentum).add_(gradient)
            weight.sub_(gradient.add(buffer, alpha=self._momentum), alpha=rate)
            weight.grad = None

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        return {"buffers": self._buffers}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        for buffer, kept in zip(self._buffers, state["buffers"], strict=True):
            buffer.copy_(kept)


def orthogonal(matrix: Tensor, steps: int = 3) -> Tensor:
    """Return nearly the closest orthogonal matrix, by a quintic Newton-Schulz iteration.

    Each step multiplies x from the left by a polynomial of x xᵀ; all of them commute, so that the iteration runs on
    the small square matrix alone, and x itself is multiplied once, at the end.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix / (matrix.norm() + 1e-7)
    x = x if x.size(0) <= x.size(1) else x.T
    square = x @ x.T
    product = identity = torch.eye(len(square), device=square.device)
    for _ in range(steps):
        factor = a * identity + b * square + c * square @ square
        product = factor @ product
        square = factor @ square @ factor
    nearest: Tensor = product @ x
    return nearest if nearest.shape == matrix.shape else nearest.T
