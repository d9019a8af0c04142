"""Training of the network.

Results on CIFAR-100's bicycles and motorcycles (1,000 training images, 200 official test images), mean and standard
deviation of 5 seeds, as `python -m benchmarks.classifier` measures them on two x86 cores with PyTorch 2.13:

- from scratch, 30 epochs: held-back fifths of the training images .940 ± .017, test .949 ± .010, 155 s on a slow
  machine; at a confidence gate of .93, .845 of the test images pass, .988 of them right; expected calibration error
  .025;
- with `use_pretrained_model=1`, 8 epochs: folds .960 ± .013, test .962 ± .008, 129 s on that machine; at a gate of
  .93, .912 of the test images pass, .984 of them right (on the folds .851 and .992); expected calibration error .029.

Expect results on new images closer to the folds'; one standard error of 200 images is 1.5 points. Nothing was chosen on
the test images. docs/explanation/classifier.md lists every seed.
"""

from __future__ import annotations

import copy
import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from scones.containers.contract import CustomerError
from scones.containers.image_classification.augment import AUGMENTATIONS, augment
from scones.containers.image_classification.calibration import split_held_out, temperature
from scones.containers.image_classification.checkpoints import Checkpoints
from scones.containers.image_classification.cuda_graphs import repeatable
from scones.containers.image_classification.device import CPU, layout, moved
from scones.containers.image_classification.distributed import SINGLE_INSTANCE, InstanceGroup
from scones.containers.image_classification.efficientnet import EfficientNetLite0
from scones.containers.image_classification.gradients import BatchResult, Gradients
from scones.containers.image_classification.hyperparameters import Hyperparameters
from scones.containers.image_classification.images import ImageSet, Pixels
from scones.containers.image_classification.incremental import Weights
from scones.containers.image_classification.objective import Objective
from scones.containers.image_classification.recipes import Classifier, choose

WARM_UP = 0.15
"""Share of the steps in which the learning rates rise; afterwards they fall to zero."""
AVERAGING = 0.98
"""Decay of the moving average of the weights, per step."""
SAMPLES_PER_EPOCH = 2000
"""Images per epoch: from scratch, an epoch passes twice over a data set of at most half as many, with different
augmentation. The algorithm's default of 30 epochs would be too few single passes over a thousand images."""
MEASURED_PIXELS = 16 * 96 * 96
"""Maximum number of pixels of all images in one batch of evaluation on the CPU; larger batches are slower."""
LOG_EVERY = 20
"""Batches between progress lines, as in the built-in."""


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """The averaged network, on the CPU, and its accuracy on the validation channel."""

    network: Classifier
    objective: Objective
    validation_accuracy: float


def train(
    training: ImageSet,
    validation: ImageSet,
    parameters: Hyperparameters,
    *,
    log: Callable[[str], None],
    checkpoints: Checkpoints | None = None,
    stopping: Callable[[], bool] = lambda: False,
    group: InstanceGroup = SINGLE_INSTANCE,
    initial_weights: Weights | None = None,
    device: torch.device = CPU,
    seed: int = 0,
) -> TrainingResult:
    """Train a network, from an earlier model's weights if given.

    `stopping` is called after each batch; if it returns True, training ends and keeps the current model.

    The result is the last epoch's moving average, not the best epoch on the validation channel: the learning rates fall
    to zero, so the last epoch is the best in expectation, and the validation accuracy remains an unbiased estimate.
    With early stopping, which uses that channel anyway, the best epoch is kept, as in the built-in.

    A job that finds its own checkpoints continues from them and ends with the same model as an uninterrupted one. In a
    group of instances with different images, all end with the same weights; the batch statistics by which the network
    from scratch normalises are separate for each instance.
    """
    torch.manual_seed(seed)
    learned, held_back = (_subset(training, chosen) for chosen in split_held_out(training.labels, seed))
    run = _TrainingLoop(learned, parameters, seed, group, initial_weights, device)
    stopper = _EarlyStopping(parameters)
    job = job_digest(training, parameters, initial_weights, seed) if checkpoints else ""
    kept = copy.deepcopy(run.average) if parameters.early_stopping else run.average
    begin = 0
    if checkpoints and (state := checkpoints.load(job)):
        begin = run.restore(state)
        kept.load_state_dict(state["kept"])
        stopper.restore(state["stopper"])
        log(f"Resuming after epoch {begin - 1} from a checkpoint")
    for epoch in range(begin, parameters.epochs):
        began = time.monotonic()
        right = run.epoch(epoch, log, stopping)
        log(f"Epoch[{epoch}] Train-accuracy={right:.6f}")
        log(f"Epoch[{epoch}] Time cost={time.monotonic() - began:.3f}")
        accuracy = accuracy_of(run.average, validation, run.objective, run.at_once)
        log(f"Epoch[{epoch}] Validation-accuracy={accuracy:.6f}")
        if parameters.early_stopping and stopper.is_best(accuracy):
            log(f"Storing the best model with validation accuracy: {accuracy:.6f}")
            kept.load_state_dict(run.average.state_dict())
        if run.stopped:
            log("Stopping: keeping the current model.")
            break
        if group.any(group.is_leader and parameters.early_stopping and stopper.should_stop(epoch, accuracy)):
            log("Early stopping criteria met.")
            break
        if checkpoints and (epoch + 1) % parameters.checkpoint_frequency == 0:
            kept_state = kept.state_dict()
            checkpoints.save({"job": job, "kept": kept_state, "stopper": stopper.state(), **run.state(epoch + 1)})
    if len(held_back.labels):
        labels = torch.from_numpy(held_back.labels)
        run.objective.temperature = temperature(run.objective, logits_of(kept, held_back.pixels, run.at_once), labels)
        log(f"Temperature={run.objective.temperature:.3f}, calibrated on {len(labels)} held-out images")
    return TrainingResult(kept.to(CPU), run.objective, accuracy_of(kept, validation, run.objective))


def job_digest(training: ImageSet, parameters: Hyperparameters, initial_weights: Weights | None, seed: int) -> str:
    """Return a digest of everything that determines the model: jobs with the same digest end with the same model."""
    digest = hashlib.sha256()
    for values in (training.pixels, training.labels, *(value.numpy() for value in (initial_weights or {}).values())):
        digest.update(np.ascontiguousarray(values).data)
    digest.update(f"{parameters} {seed} {torch.__version__}".encode())
    return digest.hexdigest()


def instance_share(images: ImageSet, group: InstanceGroup) -> ImageSet:
    """Return the images that one instance of a group learns from, if all instances have all images.

    They are a random sample: lists often alternate between classes, and each instance needs all classes.
    """
    return _subset(images, np.random.default_rng(0).permutation(len(images.labels))[group.rank :: group.size])


def _subset(images: ImageSet, chosen: NDArray[np.int64]) -> ImageSet:
    return ImageSet(images.pixels[chosen], images.labels[chosen])


class _TrainingLoop:
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


class _EarlyStopping:
    """The built-in's rule, derived from 15 logs of jobs on AWS; it agrees with all of them."""

    def __init__(self, parameters: Hyperparameters) -> None:
        self._parameters = parameters
        self._highest = self._reference = -1.0
        self._reference_epoch = 0

    def state(self) -> list[float]:
        """Return the state for a checkpoint."""
        return [self._highest, self._reference, self._reference_epoch]

    def restore(self, state: list[float]) -> None:
        """Restore the state from a checkpoint."""
        self._highest, self._reference = state[:2]
        self._reference_epoch = int(state[2])

    def is_best(self, accuracy: float) -> bool:
        """Return True if the accuracy is higher than in all earlier epochs."""
        if accuracy <= self._highest:
            return False
        self._highest = accuracy
        return True

    def should_stop(self, epoch: int, accuracy: float) -> bool:
        """Return True after too many epochs without an improvement by more than the tolerance."""
        parameters = self._parameters
        if self._reference <= 0 or (accuracy - self._reference) / self._reference > parameters.early_stopping_tolerance:
            self._reference, self._reference_epoch = accuracy, epoch
        since = max(self._reference_epoch, parameters.early_stopping_min_epochs)
        return epoch - since >= parameters.early_stopping_patience


def to_tensor(pixels: Pixels, device: torch.device = CPU) -> Tensor:
    """Turn pixels, shape (n, h, w, 3), into images in [0, 1], shape (n, 3, h, w), on a device."""
    return moved(torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))), device).float().div_(255)


def fastest_batch_size(network: Classifier, pixels: Pixels) -> int:
    """Return the fastest number of images per batch for evaluation on a CPU."""
    height, width = network.size if isinstance(network, EfficientNetLite0) else pixels.shape[1:3]
    return max(1, MEASURED_PIXELS // int(height * width))


@torch.no_grad()
def logits_of(network: Classifier, pixels: Pixels, batch_size: int | None = None) -> Tensor:
    """Return a network's logits, shape (n, classes), on the CPU.

    With `batch_size`, every batch has that many images if there are as many; the last batch then repeats some of the
    previous.
    """
    device, count = network.head.weight.device, batch_size or fastest_batch_size(network, pixels)
    logits = []
    for begin in range(0, len(pixels), count):
        end = min(begin + count, len(pixels))
        first = max(0, end - count) if batch_size else begin
        images = to_tensor(pixels[first:end], device).contiguous(memory_format=layout(device))
        logits.append(network(images)[begin - first :])
    return torch.cat(logits).to(CPU)


def probabilities(network: Classifier, pixels: Pixels, objective: Objective) -> NDArray[np.float32]:
    """Return the probabilities of the served model, shape (n, classes)."""
    answers: NDArray[np.float32] = objective.probabilities(logits_of(network, pixels)).numpy()
    return answers


def accuracy_of(network: Classifier, images: ImageSet, objective: Objective, batch_size: int | None = None) -> float:
    """Return a network's accuracy."""
    right = objective.count_correct(logits_of(network, images.pixels, batch_size), torch.from_numpy(images.labels))
    return float(right) / len(images.labels)
