"""Training recipes: the initial weights, the image size, and the update after a batch."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

import torch
from torch import Tensor, nn

from scones.containers.contract import CustomerError
from scones.containers.image_classification.builtin_optimizer import builtin_optimizer, rate_after
from scones.containers.image_classification.device import CPU, layout
from scones.containers.image_classification.efficientnet import EfficientNetLite0, pretrained, working_size
from scones.containers.image_classification.hyperparameters import Hyperparameters, OptimizerSettings
from scones.containers.image_classification.incremental import Weights
from scones.containers.image_classification.network import Network
from scones.containers.image_classification.optimizer import AdamW, Muon, Sgd
from scones.containers.image_classification.rotations import Rotations

Classifier: TypeAlias = Network | EfficientNetLite0
"""Both map images in [0, 1] to logits."""


class Optimizer(Protocol):
    """The common interface of torch's optimizers and ours: a state that checkpoints keep."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state for a checkpoint."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state from a checkpoint."""
        ...


class Recipe(Protocol):
    """A way to train. `learn` updates the weights; `rate`, from 0 to 1, is a share of the highest learning rate.

    A rate is a zero-dimensional tensor on the network's device.
    """

    network: Classifier
    optimizers: list[Optimizer]
    max_passes: int
    """Maximum number of passes over the images per epoch."""
    rotations: Rotations | None
    """The rotation task that the network learns in addition, or None."""
    needs_full_batch: bool
    """True if the network must see a batch in one piece, because it normalises by the batch's statistics."""
    smoothing: float
    """Label smoothing: share of a label that is spread over all classes. It keeps the confidences of sure and unsure
    predictions close together."""
    supports_cuda_graphs: bool
    """True if each step does the same operations on other values, so that a GPU can record and replay it."""
    temperature: float
    """Divisor of the logits, measured on folds of training images: label smoothing makes networks underconfident, and
    without it they are overconfident."""

    def size(self, done: float) -> tuple[int, int]:
        """Return the height and width of training images when a share `done` of the steps is done."""
        ...

    def learn(self, rate: Tensor) -> None:
        """Update the weights by their gradients, and clear the gradients."""
        ...


class FromScratch:
    """The small residual network, trained with Muon for its convolutions and SGD for all other weights.

    Training begins with smaller images: the network learns as well from them at half the cost, so that there is time
    for twice as many.
    """

    max_passes, needs_full_batch, supports_cuda_graphs = 2, True, True
    smoothing, temperature = 0.1, 0.8
    SMALLER, BEGINNING = 0.75, 0.6
    """Side length of the first images, and the part of training that uses them, both as shares."""
    MUON_RATE = 0.1
    """Highest relative change of a convolution per step."""
    RATE, MOMENTUM, WEIGHT_DECAY = 0.05, 0.9, 5e-4

    def __init__(self, parameters: Hyperparameters, device: torch.device, sample: Tensor) -> None:
        network = Network(parameters.num_classes)
        network.learn_whitening(sample)
        self.network: Classifier = _moved(network, device)
        self._shape = height, width = parameters.image_shape[1:]
        turned = height == width and not parameters.multi_label and parameters.optimizer_settings is None
        self.rotations = Rotations(network, parameters.num_classes).to(device) if turned else None
        filters = [module.weight for module in network.stages.modules() if isinstance(module, nn.Conv2d)]
        own = {id(weight) for weight in filters}
        others = [value for value in network.parameters() if value.requires_grad and id(value) not in own]
        others += self.rotations.parameters() if self.rotations else []
        self._muon = Muon(filters)
        self._sgd = Sgd(others, self.MOMENTUM, self.WEIGHT_DECAY)
        self.optimizers: list[Optimizer] = [self._muon, self._sgd]

    def size(self, done: float) -> tuple[int, int]:
        """Return the height and width of training images when a share `done` of the steps is done."""
        share = self.SMALLER if done < self.BEGINNING else 1
        height, width = self._shape
        return round(height * share), round(width * share)

    def learn(self, rate: Tensor) -> None:
        """Update the weights by their gradients, and clear the gradients."""
        self._muon.step(self.MUON_RATE * rate)
        self._sgd.step(self.RATE * rate)


class FineTuning:
    """EfficientNet-Lite0 from ImageNet's weights, trained with AdamW; the new head learns ten times as fast.

    The first layers are frozen: they detect edges and colours, which all images have in common. This saves a tenth of
    the training time and costs no accuracy. Labels are not smoothed: on folds, this costs no accuracy either, and
    images that pass the confidence gate are right more often.
    """

    max_passes, needs_full_batch, supports_cuda_graphs = 1, False, True
    smoothing, temperature = 0.0, 2.2
    rotations: Rotations | None = None
    RATE, HEAD = 3e-4, 10.0
    """At a rate of 1e-3, one fold of five diverged."""
    WEIGHT_DECAY = 0.05
    FIXED_BLOCKS = 3
    NORM = 1.0
    """Maximum norm of the gradients; longer ones are clipped."""

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
        """Return the height and width of training images."""
        return self._size

    def learn(self, rate: Tensor) -> None:
        """Update the weights by their gradients, and clear the gradients."""
        nn.utils.clip_grad_norm_(self._weights, self.NORM)
        self._body.step(self.RATE * rate)
        self._head.step(self.RATE * self.HEAD * rate)


class BuiltinRecipe:
    """A recipe's network, trained like AWS's built-in algorithm: a named optimizer whose rate falls at given epochs."""

    max_passes, supports_cuda_graphs = 1, False
    rotations: Rotations | None = None

    def __init__(
        self, recipe: FromScratch | FineTuning, parameters: Hyperparameters, settings: OptimizerSettings
    ) -> None:
        self.network, self._size = recipe.network, recipe.size(1)
        self.needs_full_batch, self.smoothing, self.temperature = (
            recipe.needs_full_batch,
            recipe.smoothing,
            recipe.temperature,
        )
        self._rule = settings
        self._steps_per_epoch = max(1, parameters.num_training_samples // parameters.mini_batch_size)
        self._optimizer = builtin_optimizer(
            settings, (value for value in self.network.parameters() if value.requires_grad)
        )
        self.optimizers: list[Optimizer] = [self._optimizer]

    def size(self, done: float) -> tuple[int, int]:  # noqa: ARG002 - always the same
        """Return the height and width of training images."""
        return self._size

    def learn(self, rate: Tensor) -> None:  # noqa: ARG002 - the rule has its own rate
        """Update the weights by their gradients, and clear the gradients."""
        for group in self._optimizer.param_groups:
            done = group.setdefault("steps_done", 0)  # in the optimizer's state, so that checkpoints include it
            group["lr"] = rate_after(self._rule, done // self._steps_per_epoch)
            group["steps_done"] = done + 1
        self._optimizer.step()
        self._optimizer.zero_grad()


def choose(
    parameters: Hyperparameters, sample: Tensor, initial_weights: Weights | None = None, device: torch.device = CPU
) -> Recipe:
    """Return the recipe on a device: the one that the hyperparameters select, or that an earlier model's weights fit.

    A sample of images, shape (n, 3, h, w), initialises the whitening layer. Raises `CustomerError` for weights that do
    not fit.
    """
    if parameters.use_pretrained_model if initial_weights is None else "stem.layer.weight" in initial_weights:
        recipe: FromScratch | FineTuning = FineTuning(parameters, device, empty=initial_weights is not None)
    else:
        recipe = FromScratch(parameters, device, sample)
    if initial_weights is not None:
        _begin(recipe.network, initial_weights)
    return (
        recipe
        if parameters.optimizer_settings is None
        else BuiltinRecipe(recipe, parameters, parameters.optimizer_settings)
    )


def _moved(network: Classifier, device: torch.device) -> Classifier:
    """Move a network to its training device, before an optimizer holds its weights."""
    # PyTorch's type hints lack memory_format together with a device.
    return network.to(device=device, memory_format=layout(device))  # type: ignore[call-overload, no-any-return]


def _begin(network: Classifier, initial_weights: Weights) -> None:
    """Load the weights of an earlier model into a network."""
    fixed = ("mean", "deviation", "num_batches_tracked")  # not part of an exported model
    names = [name for name in network.state_dict() if name.split(".")[-1] not in fixed]
    if missing := [name for name in names if name not in initial_weights]:
        raise CustomerError(f"The model in the channel model was not made by this algorithm: it has no {missing[0]}.")
    classes = len(initial_weights["head.bias"])
    if classes != network.head.out_features:
        raise CustomerError(f"The model in the channel model has {classes} classes: set num_classes to {classes}.")
    network.load_state_dict({name: initial_weights[name] for name in names}, strict=False)
