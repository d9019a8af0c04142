"""The training loop: epochs of steps on batches of images."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from scones.containers.contract import CustomerError
from scones.containers.image_classification.augment import AUGMENTATIONS, augment
from scones.containers.image_classification.cuda_graphs import repeatable
from scones.containers.image_classification.device import CPU, layout, moved, to_tensor
from scones.containers.image_classification.distributed import InstanceGroup
from scones.containers.image_classification.gradients import BatchResult, Gradients
from scones.containers.image_classification.hyperparameters import Hyperparameters
from scones.containers.image_classification.images import ImageSet
from scones.containers.image_classification.incremental import Weights
from scones.containers.image_classification.objective import Objective
from scones.containers.image_classification.recipes import choose

WARM_UP = 0.15
"""Share of the steps in which the learning rates rise; afterwards they fall to zero."""
AVERAGING = 0.98
"""Decay of the moving average of the weights, per step."""
SAMPLES_PER_EPOCH = 2000
"""Images per epoch: from scratch, an epoch passes twice over a data set of at most half as many, with different
augmentation. The algorithm's default of 30 epochs would be too few single passes over a thousand images."""
LOG_EVERY = 20
"""Batches between progress lines, as in the built-in."""


class TrainingLoop:
    """The state of training: network, average, optimizers, and the order of images."""

    def __init__(
        self,
        training: ImageSet,
        parameters: Hyperparameters,
        seed: int,
        group: InstanceGroup,
        initial_weights: Weights | None,
        device: torch.device,
    ) -> None:
        self._device = device
        self._pixels = training.pixels
        self._augmentation = AUGMENTATIONS[parameters.augmentation_type]
        self._labels = torch.from_numpy(training.labels)
        weighted = bool(parameters.use_weighted_loss)
        self.objective = Objective(training.labels, parameters.num_classes, weighted=weighted, device=device)
        self._top_k = 0 if self.objective.several else parameters.top_k or 0
        self._batch = min(parameters.mini_batch_size, len(self._labels))
        self.at_once = None if device == CPU else self._batch
        """Images per batch of evaluation, or None for the default: a GPU is prepared for the training batch size."""
        self._generator = torch.Generator().manual_seed(seed + group.rank)
        self._group = group
        self.stopped = False
        """True if the last epoch was stopped before its end, on any instance."""
        self._recipe = choose(parameters, to_tensor(training.pixels[:1000]), initial_weights, device)
        self._network = self._recipe.network
        self._rotations = self._recipe.rotations
        self._learning = nn.ModuleList([self._network, *([self._rotations] if self._rotations else [])])
        group.begin(self._learning)
        self._gradients = Gradients(
            self._network, self.objective, needs_full_batch=self._recipe.needs_full_batch, rotations=self._rotations
        )
        self._update: Callable[..., BatchResult] = self._change_weights
        if self._recipe.supports_cuda_graphs and group.size == 1:
            self._update = repeatable(self._change_weights, device)
        if not self.objective.several:
            self.objective.smoothing = self._recipe.smoothing
            self.objective.temperature = self._recipe.temperature
        self.average = copy.deepcopy(self._network).eval()
        pairs = zip(self.average.state_dict().values(), self._network.state_dict().values(), strict=True)
        self._averaged = [(mean, value) for mean, value in pairs if mean.is_floating_point()]
        self._passes = min(self._recipe.max_passes, max(1, SAMPLES_PER_EPOCH // len(self._labels)))
        self._batches_per_pass = group.least(len(self._labels) // self._batch)
        self._steps = parameters.epochs * self._passes * self._batches_per_pass
        self._step = 0

    def epoch(self, epoch: int, log: Callable[[str], None], stopping: Callable[[], bool]) -> float:
        """Train one epoch in full batches; return the training accuracy.

        Raises `CustomerError`, at the next progress line or the end of the epoch, if the loss is NaN or infinite.
        """
        self._network.train()
        losses, right, among = torch.zeros(3, device=self._device)  # on the device: reading from a GPU waits for it
        seen = 0
        began = time.monotonic()
        for batch, chosen in enumerate(self._batches()):
            labels = moved(self._labels[chosen], self._device)
            logits, loss = self._learn(chosen, labels)
            losses += loss
            right += self.objective.count_correct(logits, labels)
            if self._top_k:
                among += self.objective.count_correct_in_top(self._top_k, logits, labels)
            seen += len(chosen)
            if batch and batch % LOG_EVERY == 0:
                _check(losses)
                accuracy, speed = float(right) / seen, seen / (time.monotonic() - began)
                log(f"Epoch[{epoch}] Batch [{batch}]\tSpeed: {speed:.3f} samples/sec\taccuracy={accuracy:.6f}")
            if self._group.any(stopping()):
                self.stopped = True
                break
        _check(losses)
        if self._top_k:
            log(f"Epoch[{epoch}] Train-top_k_accuracy_{self._top_k}={float(among) / seen:.6f}")
        return float(right) / seen

    def _batches(self) -> Iterator[Tensor]:
        whole = self._batches_per_pass * self._batch
        for _ in range(self._passes):
            order = torch.randperm(len(self._labels), generator=self._generator)
            yield from torch.split(order[:whole], self._batch)

    def _learn(self, chosen: Tensor, labels: Tensor) -> BatchResult:
        """Train on one batch, the images with the indices `chosen`."""
        images = to_tensor(self._pixels[chosen.numpy()], self._device)
        images = augment(images, self._generator, self._augmentation, self._recipe.size(self._step / self._steps))
        images = images.contiguous(memory_format=layout(self._device))
        quarters = [moved(self._rotations.draw(len(chosen), self._generator), self._device)] if self._rotations else []
        rate = self._rate()
        self._step += 1
        decay = min(AVERAGING, self._step / (self._step + 10))
        rates = moved(torch.tensor([rate, 1 - decay]), self._device)
        return self._update(images, labels, rates, *quarters)

    def _change_weights(self, images: Tensor, labels: Tensor, rates: Tensor, *quarters: Tensor) -> BatchResult:
        """Update the weights, then their average; `rates` are the learning rate and the rate of the average."""
        rate, averages = rates
        judged = self._gradients.compute(images, labels, *quarters)
        self._group.average(self._learning)
        self._recipe.learn(rate)
        with torch.no_grad():
            for mean, value in self._averaged:
                mean.lerp_(value, averages)
        return judged

    def state(self, epoch: int) -> dict[str, Any]:
        """Return the state from which `epoch`, the next one, starts."""
        return {
            "epoch": epoch,
            "step": self._step,
            "network": self._learning.state_dict(),
            "average": self.average.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self._recipe.optimizers],
            "generators": [self._generator.get_state(), torch.get_rng_state()],
        }

    def restore(self, state: dict[str, Any]) -> int:
        """Restore a state; return its epoch."""
        self._step = state["step"]
        self._learning.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        for optimizer, kept in zip(self._recipe.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)
        own, torchs = state["generators"]
        self._generator.set_state(own)
        torch.set_rng_state(torchs)
        epoch: int = state["epoch"]
        return epoch

    def _rate(self) -> float:
        done = self._step / self._steps
        return done / WARM_UP if done < WARM_UP else (1 - done) / (1 - WARM_UP)


def _check(losses: Tensor) -> None:
    if not torch.isfinite(losses):
        raise CustomerError("Training diverged: the loss is NaN or infinite; use a smaller learning_rate.")
