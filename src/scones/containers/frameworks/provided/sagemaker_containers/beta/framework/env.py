"""The environment of a serving or a training container."""

from __future__ import annotations

import os

from scones.containers.contract import Container
from scones.containers.frameworks.training_environment import TrainingEnvironment

model_dir = str(Container.here().model)


class ServingEnv:
    """The environment of a serving container."""

    def __init__(self) -> None:
        program = os.environ.get("SAGEMAKER_PROGRAM", "inference.py")
        self.module_name = program.removesuffix(".py")
        self.module_dir = os.environ.get("SAGEMAKER_SUBMIT_DIRECTORY", str(Container.here().code))
        self.model_dir = model_dir
        self.default_accept = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "application/json")


class TrainingEnv:
    """The environment of a training container, as attributes: `hyperparameters`, `channel_input_dirs`, `hosts`, ..."""

    def __init__(self) -> None:
        vars(self).update(TrainingEnvironment(Container.here()).described)
