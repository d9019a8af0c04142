"""The optimizers of our recipes: Muon and SGD for the network from scratch, AdamW for fine-tuning.

PyTorch's own optimizers import its compiler when they are created; this takes two seconds, longer than a small job. A
learning rate is a zero-dimensional tensor on the weights' device, so that a GPU can replay a recorded step with another
rate.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim.adamw import adamw


class _Momentum:
    """Weights with a momentum buffer each."""

    def __init__(self, weights: Iterable[Tensor], momentum: float) -> None:
        self._weights = list(weights)
        self._momentum = momentum
        self._buffers = [torch.zeros_like(weight) for weight in self._weights]

    def state_dict(self) -> dict[str, Any]:
        """Return the state for a checkpoint."""
        return {"buffers": self._buffers}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state from a checkpoint."""
        for buffer, kept in zip(self._buffers, state["buffers"], strict=True):
            buffer.copy_(kept)


class Muon(_Momentum):
    """Nesterov momentum with orthogonalised updates. Filters are kept at norm 1, so `rate` is a relative change.

    Source: Keller Jordan and others, "Muon: an optimizer for hidden layers in neural networks" (2024).
    """

    def __init__(self, weights: Iterable[Tensor], momentum: float = 0.6) -> None:
        super().__init__(weights, momentum)

    @torch.no_grad()
    def step(self, rate: Tensor) -> None:
        """Update the weights by their gradients, and clear the gradients."""
        for weight, buffer in zip(self._weights, self._buffers, strict=True):
            if weight.grad is None:
                continue
            buffer.mul_(self._momentum).add_(weight.grad)
            gradient = weight.grad + self._momentum * buffer
            weight.mul_(len(weight) ** 0.5 / weight.norm())
            weight.sub_(rate * orthogonal(gradient.reshape(len(gradient), -1)).view_as(weight))
            weight.grad = None


class Sgd(_Momentum):
    """SGD with Nesterov momentum and weight decay; the same steps as torch.optim.SGD except for rounding."""

    def __init__(self, weights: Iterable[Tensor], momentum: float, weight_decay: float) -> None:
        super().__init__(weights, momentum)
        self._weight_decay = weight_decay

    @torch.no_grad()
    def step(self, rate: Tensor) -> None:
        """Update the weights by their gradients, and clear the gradients."""
        for weight, buffer in zip(self._weights, self._buffers, strict=True):
            if weight.grad is None:
                continue
            gradient = weight.grad.add(weight, alpha=self._weight_decay)
            buffer.mul_(self._momentum).add_(gradient)
            weight.sub_(rate * gradient.add(buffer, alpha=self._momentum))
            weight.grad = None


class AdamW:
    """AdamW in PyTorch's fused form, one operation for all weights; as torch.optim.AdamW except for rounding."""

    BETAS, EPSILON = (0.9, 0.999), 1e-8

    def __init__(self, weights: Iterable[Tensor], weight_decay: float) -> None:
        self._weights = list(weights)
        self._weight_decay = weight_decay
        self._means = [torch.zeros_like(weight) for weight in self._weights]
        self._squares = [torch.zeros_like(weight) for weight in self._weights]
        self._steps = [torch.zeros((), device=weight.device) for weight in self._weights]

    @torch.no_grad()
    def step(self, rate: Tensor) -> None:
        """Update the weights by their gradients, which all weights must have, and clear the gradients."""
        gradients = [weight.grad for weight in self._weights if weight.grad is not None]
        first, second = self.BETAS
        adamw(
            self._weights,
            gradients,
            self._means,
            self._squares,
            [],
            self._steps,
            fused=True,
            amsgrad=False,
            beta1=first,
            beta2=second,
            lr=rate,
            weight_decay=self._weight_decay,
            eps=self.EPSILON,
            maximize=False,
        )
        for weight in self._weights:
            weight.grad = None

    def state_dict(self) -> dict[str, Any]:
        """Return the state for a checkpoint."""
        return {"means": self._means, "squares": self._squares, "steps": self._steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state from a checkpoint."""
        for name, own in self.state_dict().items():
            for value, kept in zip(own, state[name], strict=True):
                value.copy_(kept)


def orthogonal(matrix: Tensor, steps: int = 3) -> Tensor:
    """Return approximately the closest orthogonal matrix, by a quintic Newton-Schulz iteration.

    Each step multiplies x from the left by a polynomial of x xᵀ. These polynomials commute, so the iteration runs on
    the small square matrix only, and x is multiplied once, at the end.
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
