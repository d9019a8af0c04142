"""The built-in algorithm's optimizers, selected by its hyperparameters: MXNet's sgd, nag, adam and rmsprop."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from scones.containers.image_classification.hyperparameters import OptimizerSettings


def builtin_optimizer(settings: OptimizerSettings, weights: Iterable[Tensor]) -> torch.optim.Optimizer:
    """Return the optimizer for these settings; momentum and weight decay apply only to sgd and nag, as documented."""
    rate = settings.learning_rate
    match settings.optimizer:
        case "adam":
            return torch.optim.Adam(weights, lr=rate, betas=(settings.beta_1, settings.beta_2), eps=settings.eps)
        case "rmsprop":
            return torch.optim.RMSprop(weights, lr=rate, alpha=settings.gamma, eps=settings.eps)
        case name:
            return torch.optim.SGD(
                weights,
                lr=rate,
                momentum=settings.momentum,
                weight_decay=settings.weight_decay,
                nesterov=name == "nag" and settings.momentum > 0,
            )


def rate_after(settings: OptimizerSettings, epochs: int) -> float:
    """Return the learning rate after the given number of epochs."""
    return float(
        settings.learning_rate
        * settings.lr_scheduler_factor ** sum(step <= epochs for step in settings.lr_scheduler_step)
    )
