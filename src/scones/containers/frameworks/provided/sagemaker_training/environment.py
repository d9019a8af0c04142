"""The environment of a training container."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

from scones.containers.contract import CORES, Container
from scones.containers.frameworks.training_environment import TrainingEnvironment, gpus

_container = Container.here()
base_dir = str(_container.base)
code_dir = str(_container.code)
input_config_dir = str(_container.input / "config")
input_data_dir = str(_container.input / "data")
input_dir = str(_container.input)
model_dir = str(_container.model)
output_data_dir = str(_container.output / "data")
output_dir = str(_container.output)
output_intermediate_dir = str(_container.output / "intermediate")


class Environment:
    """The environment of this container, as attributes and items: `hyperparameters`, `channel_input_dirs`, `hosts`."""

    def __init__(self, resource_config: dict[str, Any] | None = None) -> None:
        job = TrainingEnvironment(Container.here())
        if resource_config is not None:
            vars(job)["resources"] = resource_config
        self._job = job
        vars(self).update(job.described)

    def properties(self) -> list[str]:
        """Return the names of the attributes."""
        return sorted(self._job.described)

    def to_cmd_args(self) -> list[str]:
        """Return the hyperparameters as command-line arguments."""
        return self._job.arguments()

    def to_env_vars(self) -> dict[str, str]:
        """Return the SM_* variables."""
        return self._job.variables()

    def __getitem__(self, name: str) -> Any:
        return self._job.described[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._job.described)

    def keys(self) -> Iterator[str]:
        """Return the names of the attributes, so that `dict(environment)` works."""
        return iter(self)

    def __len__(self) -> int:
        return len(self._job.described)

    def __str__(self) -> str:
        return json.dumps(self._job.described, indent=4, sort_keys=True)


def num_cpus() -> int:
    """Return the number of processor cores."""
    return CORES


def num_gpus() -> int:
    """Return the number of GPUs."""
    return gpus()


def read_hyperparameters() -> dict[str, Any]:
    """Return all hyperparameters, those of the toolkit included; values that are JSON are decoded."""
    job = TrainingEnvironment(Container.here())
    return {**job.framework_parameters, **job.hyperparameters}


def read_input_data_config() -> dict[str, Any]:
    """Return the channels' configuration."""
    return Container.here().config("inputdataconfig")


def read_resource_config() -> dict[str, Any]:
    """Return the hosts of the job."""
    return Container.here().config("resourceconfig")


def write_env_vars(env_vars: dict[str, str] | None = None) -> None:
    """Add variables to this process's environment."""
    os.environ.update(env_vars or {})
