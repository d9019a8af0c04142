"""A training job, from the container's input to the model; the program for the argument `train`."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from dataclasses import replace
from types import FrameType

from scones.containers.contract import Container, CustomerError, JobError
from scones.containers.image_classification.channels import read_channel
from scones.containers.image_classification.hyperparameters import Hyperparameters, given_hyperparameters
from scones.containers.image_classification.job_log import log


def main() -> int:
    """Run the job and return its exit status: 0, 1 (the algorithm failed) or 2 (the customer made an error)."""
    # Waiting threads must sleep: on a machine with other load, spinning costs 10 times as much.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    container = Container.here()
    print("Docker entrypoint called with argument(s): train", flush=True)  # noqa: T201 - the first line of AWS's log
    log("Running default environment configuration script")
    try:
        run(container)
    except JobError as error:
        log(f"{'Customer' if isinstance(error, CustomerError) else 'Algorithm'} Error: {error}", "ERROR")
        return _fail(container, str(error), error.exit_status)
    except Exception as error:
        traceback.print_exc()
        return _fail(container, f"{type(error).__name__}: {error}", 1)
    return 0


def run(container: Container) -> None:
    """Read the channels, train, and store the model; raises `JobError`."""
    given = given_hyperparameters(container)
    log(f"Merging with provided configuration from {container.base}/input/config/hyperparameters.json: {given}")
    parameters, warnings = Hyperparameters.read(given)
    for warning in warnings:
        log(warning, "WARNING")
    if "checkpoint_frequency" in given and not container.checkpoints.is_dir():
        log("checkpoint_frequency has no effect without a CheckpointConfig.", "WARNING")
    stopping = _StopFlag()

    training, validation = (
        read_channel(container, name, parameters, log, lambda text: log(text, "WARNING"))
        for name in ("train", "validation")
    )
    if len(training.labels) < parameters.mini_batch_size and "mini_batch_size" in given:
        raise CustomerError("The number of input images must be bigger or equal to the mini_batch_size.")
    _log_parameters(parameters, len(training.labels))

    from scones.containers.image_classification.checkpoints import Checkpoints
    from scones.containers.image_classification.device import CPU, find_device
    from scones.containers.image_classification.distributed import join_group
    from scones.containers.image_classification.export import store
    from scones.containers.image_classification.incremental import load_initial_weights
    from scones.containers.image_classification.train import train

    seed = int(os.environ.get("SCONES_SEED", "0"))
    device = find_device()
    if device != CPU:
        log(f"Training on {device}.")
    checkpoints = Checkpoints(container.checkpoints, log) if container.checkpoints.is_dir() else None
    earlier = load_initial_weights(container.channel("model"))
    if earlier is not None:
        log("Starting from the model in the channel model.")
    with join_group(container) as group:
        if group.size > 1:
            training = training if container.is_sharded("train") else group.share(training)
            if "mini_batch_size" not in given:  # a given one is for each instance, as on AWS
                parameters = replace(parameters, mini_batch_size=max(1, parameters.mini_batch_size // group.size))
            if checkpoints:
                log("Checkpoints are stored only for jobs with one instance.", "WARNING")
                checkpoints = None
        trained = train(
            training,
            validation,
            parameters,
            log=log if group.is_leader else _discard_log,
            checkpoints=checkpoints,
            stopping=stopping,
            group=group,
            initial_weights=earlier,
            device=device,
            seed=seed,
        )
    if not group.is_leader:
        log("The first instance stores the model.")
        return
    labels = [str(index) for index in range(parameters.num_classes)]
    difference = store(
        trained.network, trained.objective, parameters.image_shape, labels, validation.pixels, container.model
    )
    log(f"Storing the model with validation accuracy: {trained.validation_accuracy:.6f}")
    log(f'Saved the model to "{container.model}/model.onnx" (within {difference:.1e} of PyTorch)')


def _discard_log(message: str) -> None:
    """Discard a message: only the first instance logs."""


class _StopFlag:
    """Callable that returns True after SIGTERM; training then ends with its model, as StopTrainingJob promises."""

    def __init__(self) -> None:
        self._asked = False
        signal.signal(signal.SIGTERM, self._ask)

    def _ask(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self._asked = True

    def __call__(self) -> bool:
        return self._asked


def _log_parameters(parameters: Hyperparameters, samples: int) -> None:
    log("---- Parameters ----")
    for line in parameters.described():
        log(line)
    if samples != parameters.num_training_samples:
        log(
            f"The train channel contains {samples} images, but num_training_samples is "
            f"{parameters.num_training_samples}.",
            "WARNING",
        )
    log("--------------------")


def _fail(container: Container, message: str, status: int) -> int:
    container.write_failure(message)
    sys.stdout.flush()
    return status
