"""How a network learns: what it starts from, at what size it sees pictures, and how a batch changes it."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

import torch
from torch import Tensor, nn

from scones.algorithm.builtin_optimizer import builtin_optimizer, rate_after
from scones.algorithm.device import CPU, layout
from scones.algorithm.efficientnet import EfficientNetLite0, pretrained, working_size
from scones.algorithm.failure import CustomerError
from scones.algorithm.hyperparameters import Hyperparameters, Rule
from scones.algorithm.incremental import Weights
from scones.algorithm.network import Network
from scones.algorithm.optimizer import AdamW, Muon, Sgd
from scones.algorithm.turns import Turns

Classifier: TypeAlias = Network | EfficientNetLite0
"""Both map pictures in [0, 1] to logits."""


class Optimizer(Protocol):
    """What torch's optimizers and ours have in common: a state that checkpoints keep."""

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        ...


class Recipe(Protocol):
    """One way to train; `learn` changes the weights, at `rate`, from 0 to 1, of the highest rate.

    A rate is a tensor of no dimension, where the network is.
    """

    network: Classifier
    optimizers: list[Optimizer]
    passes: int
    """How often an epoch goes through the pictures, at most."""
    turns: Turns | None
    """A second task that the network learns by beside its own."""
    whole: bool
    """Whether the network must see a batch in one piece, for it normalises by the batch's own statistics."""
    smoothing: float
    """Share of a label that is spread over all classes: it keeps answers close together, the sure and the unsure."""
    recordable: bool
    """Whether each step does the same operations with other values, so that a GPU can record and repeat them."""
    temperature: float
    """What logits are divided by, as folds of training pictures gave it: smoothed labels leave networks too modest,
    and others too sure of themselves."""

    def size(self, done: float) -> tuple[int, int]:
        """Return height and width of the pictures that the network learns from when a share of the steps is done."""
        ...

    def learn(self, rate: Tensor) -> None:
        """Change the weights by their gradients, and forget these."""
        ...


class FromScratch:
    """The small residual network: Muon for its convolutions, SGD for everything else.

    It begins with smaller pictures, of which it learns as well for half the work, and has time for twice as many.
    """

    passes, whole, recordable = 2, True, True
    smoothing, temperature = 0.1, 0.8
    SMALLER, BEGINNING = 0.75, 0.6
    """The sides that pictures begin with, and how long, both as shares."""
    MUON_RATE = 0.1
    """Relative change of a convolution per step, at its highest."""
    RATE, MOMENTUM, WEIGHT_DECAY = 0.05, 0.9, 5e-4

    def __init__(self, parameters: Hyperparameters, device: torch.device, sample: Tensor) -> None:
        network = Network(parameters.num_classes)
        network.learn_whitening(sample)
        self.network: Classifier = _moved(network, device)
        self._shape = height, width = parameters.image_shape[1:]
        turned = height == width and not parameters.multi_label and parameters.rule is None
        self.turns = Turns(network, parameters.num_classes).to(device) if turned else None
        filters = [module.weight for module in network.stages.modules() if isinstance(module, nn.Conv2d)]
        own = {id(weight) for weight in filters}
        others = [value for value in network.parameters() if value.requires_grad and id(value) not in own]
        others += self.turns.parameters() if self.turns else []
        self._muon = Muon(filters)
        self._sgd = Sgd(others, self.MOMENTUM, self.WEIGHT_DECAY)
        self.optimizers: list[Optimizer] = [self._muon, self._sgd]

    def size(self, done: float) -> tuple[int, int]:
        """Return height and width of the pictures that the network learns from when a share of the steps is done."""
        share = self.SMALLER if done < self.BEGINNING else 1
        height, width = self._shape
        return round(height * share), round(width * share)

    def learn(self, rate: Tensor) -> None:
        """Change the weights by their gradients, and forget these."""
        self._muon.step(self.MUON_RATE * rate)
        self._sgd.step(self.RATE * rate)


class FineTuning:
    """EfficientNet-Lite0 from ImageNet's weights: AdamW, and ten times its rate for the new head.

    The first layers stay as they are: they see edges and colours, which all pictures have in common, and learning
    takes a tenth less without them, and is no worse. Labels are not smoothed: by folds that costs no accuracy, and what
    passes a gate is right more often.
    """

    passes, whole, recordable = 1, False, True
    smoothing, temperature = 0.0, 2.2
    turns: Turns | None = None
    RATE, HEAD = 3e-4, 10.0
    """At 1e-3 one fold of five diverged."""
    WEIGHT_DECAY = 0.05
    FIXED_BLOCKS = 3
    NORM = 1.0
    """What longer gradients are shortened to."""

    def __init__(self, parameters: Hyperparameters, device: torch.device, *, empty: bool = False) -> None:
        _, height, width = parameters.image_shape
        self._size = working_size(height, width)
        make = EfficientNetLite0 if empty else pretrained
        network = make(parameters.num_classes, self._size)
        for fixed in (network.stem, *network.blocks[: self.FIXED_BLOCKS]):
            fixed.requires_grad_(False)
        self.network: Classifier = _moved(network, device)
        head = list(network.head.parameters())
        own = {id(weight) for weight in head}
        body = [weight for weight in network.parameters() if weight.requires_grad and id(weight) not in own]
        self._weights = [*body, *head]
        self._body, self._head = AdamW(body, self.WEIGHT_DECAY), AdamW(head, self.WEIGHT_DECAY)
        self.optimizers: list[Optimizer] = [self._body, self._head]

    def size(self, done: float) -> tuple[int, int]:  # noqa: ARG002 - always the same
        """Return height and width of the pictures that the network learns from."""
        return self._size

    def learn(self, rate: Tensor) -> None:
        """Change the weights by their gradients, and forget these."""
        nn.utils.clip_grad_norm_(self._weights, self.NORM)
        self._body.step(self.RATE * rate)
        self._head.step(self.RATE * self.HEAD * rate)


class BuiltinRule:
    """A recipe's network, changed by the built-in's rule: an optimizer by name, its rate lower at some epochs."""

    passes, recordable = 1, False
    turns: Turns | None = None

    def __init__(self, recipe: FromScratch | FineTuning, parameters: Hyperparameters, rule: Rule) -> None:
        self.network, self._size = recipe.network, recipe.size(1)
        self.whole, self.smoothing, self.temperature = recipe.whole, recipe.smoothing, recipe.temperature
        self._rule = rule
        self._steps_per_epoch = max(1, parameters.num_training_samples // parameters.mini_batch_size)
        self._optimizer = builtin_optimizer(rule, (value for value in self.network.parameters() if value.requires_grad))
        self.optimizers: list[Optimizer] = [self._optimizer]

    def size(self, done: float) -> tuple[int, int]:  # noqa: ARG002 - always the same
        """Return height and width of the pictures that the network learns from."""
        return self._size

    def learn(self, rate: Tensor) -> None:  # noqa: ARG002 - the rule has a rate of its own
        """Change the weights by their gradients, and forget these."""
        for group in self._optimizer.param_groups:
            done = group.setdefault("steps_done", 0)  # in the optimizer's own state, so that it is kept with it
            group["lr"] = rate_after(self._rule, done // self._steps_per_epoch)
            group["steps_done"] = done + 1
        self._optimizer.step()
        self._optimizer.zero_grad()


def choose(
    parameters: Hyperparameters, sample: Tensor, earlier: Weights | None = None, device: torch.device = CPU
) -> Recipe:
    """Return the recipe that the hyperparameters ask for, or that an earlier model's weights belong to, on a device.

    A sample of pictures, shape (n, 3, h, w), whitens. Raises `CustomerError` for weights that do not fit.
    """
    if parameters.use_pretrained_model if earlier is None else "stem.layer.weight" in earlier:
        recipe: FromScratch | FineTuning = FineTuning(parameters, device, empty=earlier is not None)
    else:
        recipe = FromScratch(parameters, device, sample)
    if earlier is not None:
        _begin(recipe.network, earlier)
    return recipe if parameters.rule is None else BuiltinRule(recipe, parameters, parameters.rule)


def _moved(network: Classifier, device: torch.device) -> Classifier:
    """Put a network where it learns, before any optimizer knows its weights."""
    # PyTorch's types know no memory_format together with a device.
    return network.to(device=device, memory_format=layout(device))  # type: ignore[call-overload, no-any-return]


def _begin(network: Classifier, earlier: Weights) -> None:
    """Give a network the weights of an earlier model."""
    fixed = ("mean", "deviation", "num_batches_tracked")  # no part of a model
    names = [name for name in network.state_dict() if name.split(".")[-1] not in fixed]
    if missing := [name for name in names if name not in earlier]:
        raise CustomerError(f"The model of the channel model is none of this algorithm's: it has no {missing[0]}.")
    classes = len(earlier["head.bias"])
    if classes != network.head.out_features:
        raise CustomerError(
            f"The model of the channel model tells {classes} classes apart: set num_classes to {classes}."
        )
    network.load_state_dict({name: earlier[name] for name in names}, strict=False)
