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
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from scones.containers.image_classification.calibration import split_held_out, temperature
from scones.containers.image_classification.checkpoints import Checkpoints
from scones.containers.image_classification.device import CPU
from scones.containers.image_classification.distributed import SINGLE_INSTANCE, InstanceGroup
from scones.containers.image_classification.early_stopping import EarlyStopping
from scones.containers.image_classification.evaluation import accuracy_of, logits_of
from scones.containers.image_classification.hyperparameters import Hyperparameters
from scones.containers.image_classification.images import ImageSet
from scones.containers.image_classification.incremental import Weights
from scones.containers.image_classification.objective import Objective
from scones.containers.image_classification.recipes import Classifier
from scones.containers.image_classification.training_loop import TrainingLoop


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
    learned, held_back = (training.subset(chosen) for chosen in split_held_out(training.labels, seed))
    run = TrainingLoop(learned, parameters, seed, group, initial_weights, device)
    stopper = EarlyStopping(parameters)
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
