"""The built-in algorithm's optimizers, selected by its hyperparameters: MXNet's sgd, nag, adam and rmsprop."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from scones.containers.image_classification.hyperparameters import Rule


def builtin_optimizer(rule: Rule, weights: Iterable[Tensor]) -> torch.optim.Optimizer:
    """Return the optimizer that a rule names; momentum and weight decay apply only to sgd and nag, as documented."""
    rate = rule.learning_rate
    match rule.optimizer:
        case "adam":
            return torch.optim.Adam(weights, lr=rate, betas=(rule.beta_1, rule.beta_2), eps=rule.eps)
        case "rmsprop":
            return torch.optim.RMSprop(weights, lr=rate, alpha=rule.gamma, eps=rule.eps)
        case name:
            return torch.optim.SGD(
                weights,
                lr=rate,
                momentum=rule.momentum,
                weight_decay=rule.weight_decay,
                nesterov=name == "nag" and rule.momentum > 0,
            )


def rate_after(rule: Rule, epochs: int) -> float:
    """Return the learning rate after the given number of epochs."""
    return float(
        rule.learning_rate * rule.lr_scheduler_factor ** sum(step <= epochs for step in rule.lr_scheduler_step)
    )
