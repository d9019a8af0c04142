"""A training job from its script's point of view: the SM_* variables and the command-line arguments."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from scones.containers.contract import Container

# Hyperparameters for the toolkit. All others that begin with sagemaker_ are for the framework.
TOOLKIT = (
    "sagemaker_program",
    "sagemaker_submit_directory",
    "sagemaker_enable_cloudwatch_metrics",
    "sagemaker_region",
    "sagemaker_container_log_level",
    "sagemaker_job_name",
    "default_user_module_name",
    "_tuning_objective_metric",
    "sagemaker_s3_output",
)
DISTRIBUTIONS = (
    "sagemaker_mpi_enabled",
    "sagemaker_parameter_server_enabled",
    "sagemaker_distributed_dataparallel_enabled",
    "sagemaker_pytorch_ddp_enabled",
    "sagemaker_pytorch_xla_multi_worker_enabled",
    "sagemaker_multi_worker_mirrored_strategy_enabled",
    "sagemaker_torch_distributed_enabled",
)


@dataclass(frozen=True)
class TrainingEnvironment:
    """The contents of the three files in /opt/ml/input/config; `module` is AWS's framework module in the log."""

    container: Container
    module: str | None = None

    @cached_property
    def _given(self) -> dict[str, Any]:
        return {name: _decoded(value) for name, value in self.container.config("hyperparameters").items()}

    @cached_property
    def hyperparameters(self) -> dict[str, Any]:
        """The user's own hyperparameters; values that are JSON are decoded."""
        user_parameters = {name: value for name, value in self._given.items() if name not in TOOLKIT}
        return {name: value for name, value in user_parameters.items() if not name.startswith("sagemaker_")}

    @cached_property
    def framework_parameters(self) -> dict[str, Any]:
        """Parameters for the framework, such as those of the SDK's `distribution`."""
        return {
            name: value for name, value in self._given.items() if name.startswith("sagemaker_") and name not in TOOLKIT
        }

    @cached_property
    def resources(self) -> dict[str, Any]:
        """resourceconfig.json."""
        return self.container.config("resourceconfig")

    @cached_property
    def channels(self) -> dict[str, Any]:
        """inputdataconfig.json."""
        return self.container.config("inputdataconfig")

    @property
    def entry_point(self) -> str | None:
        """The script to run, relative to the code."""
        return os.environ.get("SAGEMAKER_PROGRAM") or self._given.get("sagemaker_program")

    @property
    def source(self) -> str:
        """The location of the code: an s3:// URI or a folder."""
        given = self._given.get("sagemaker_submit_directory") or os.environ.get("SAGEMAKER_SUBMIT_DIRECTORY")
        return str(given or self.container.code)

    @property
    def log_level(self) -> int:
        """The level of the toolkit's own log lines."""
        try:
            return int(self._given.get("sagemaker_container_log_level", logging.INFO))
        except (TypeError, ValueError):
            return logging.INFO

    @property
    def hosts(self) -> list[str]:
        """All hosts of the job."""
        return list(self.resources["hosts"])

    @property
    def host(self) -> str:
        """The current host."""
        return str(self.resources["current_host"])

    @property
    def group(self) -> str:
        """The instance group of this host."""
        return str(self.resources.get("current_group_name", "homogeneousCluster"))

    @property
    def distributed_groups(self) -> list[str]:
        """The instance groups that the SDK's `distribution` covers."""
        given = self.framework_parameters.get("sagemaker_distribution_instance_groups")
        if given is not None:
            return list(given)
        return [self.group] if any(self.framework_parameters.get(name) for name in DISTRIBUTIONS) else []

    @property
    def distributed_hosts(self) -> list[str]:
        """The hosts of those groups."""
        groups = {group["instance_group_name"]: group["hosts"] for group in self.resources.get("instance_groups", [])}
        return [host for name in self.distributed_groups for host in groups.get(name, [])]

    @property
    def master(self) -> str:
        """The host at which the other hosts meet."""
        return (self.distributed_hosts or self.hosts)[0]

    def arguments(self) -> list[str]:
        """Return the hyperparameters as command-line arguments, `--name value`, sorted by name."""
        return command_line_arguments(self.hyperparameters)

    @cached_property
    def described(self) -> dict[str, Any]:
        """SM_TRAINING_ENV: the complete environment in the toolkit's format."""
        output, groups = self.container.output, self.resources.get("instance_groups", [])
        program = self.entry_point or ""
        return {
            "additional_framework_parameters": self.framework_parameters,
            "channel_input_dirs": {name: str(self.container.channel(name)) for name in self.channels},
            "current_host": self.host,
            "current_instance_group": self.group,
            "current_instance_group_hosts": next(
                (group["hosts"] for group in groups if group["instance_group_name"] == self.group), []
            ),
            "current_instance_type": self.resources.get("current_instance_type", "local"),
            "distribution_hosts": self.distributed_hosts,
            "distribution_instance_groups": self.distributed_groups,
            "framework_module": self.module,
            "hosts": self.hosts,
            "hyperparameters": self.hyperparameters,
            "input_config_dir": str(self.container.input / "config"),
            "input_data_config": self.channels,
            "input_dir": str(self.container.input),
            "instance_groups": [group["instance_group_name"] for group in groups],
            "instance_groups_dict": {group["instance_group_name"]: group for group in groups},
            "is_hetero": len(groups) > 1,
            "is_master": self.host == self.master,
            "job_name": os.environ.get("TRAINING_JOB_NAME"),
            "log_level": self.log_level,
            "master_hostname": self.master,
            "model_dir": str(self.container.model),
            "module_dir": self.source,
            "module_name": program.removesuffix(".py"),
            "network_interface_name": self.resources.get("network_interface_name", "eth0"),
            "num_cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
            "num_gpus": gpus(),
            "num_neurons": 0,
            "output_data_dir": str(output / "data"),
            "output_dir": str(output),
            "output_intermediate_dir": str(output / "intermediate"),
            "resource_config": self.resources,
            "user_entry_point": program,
        }

    def variables(self) -> dict[str, str]:
        """Return the SM_* variables; names are only upper-cased."""
        environment = self.described
        own = (
            "additional_framework_parameters",
            "channel_input_dirs",
            "distribution_hosts",
            "hyperparameters",
            "is_master",
            "job_name",
            "master_hostname",
        )
        named: dict[str, Any] = {name: value for name, value in environment.items() if name not in own}
        named |= {
            "channels": sorted(self.channels),
            "framework_params": self.framework_parameters,
            "hps": self.hyperparameters,
            "training_env": environment,
            "user_args": self.arguments(),
        }
        named |= {f"channel_{name}": path for name, path in environment["channel_input_dirs"].items()}
        named |= {f"hp_{name}": value for name, value in self.hyperparameters.items()}
        return environment_variables(named)


def command_line_arguments(values: Mapping[str, Any]) -> list[str]:
    """Return values as command-line arguments, `--name value`, sorted by name."""
    found = []
    for name, value in sorted(values.items()):
        found += [f"--{name}" if len(name) > 1 else f"-{name}", _argument(value)]
    return found


def environment_variables(values: Mapping[str, Any]) -> dict[str, str]:
    """Return values as SM_* variables; names are only upper-cased."""
    return {f"SM_{name.upper()}": _variable(value) for name, value in values.items()}


def _decoded(value: Any) -> Any:
    try:
        return json.loads(value)
    except (TypeError, ValueError):
        return value  # the SDK's plain Estimator sends strings without JSON encoding


def _argument(value: Any) -> str:
    if isinstance(value, dict):
        return ",".join(f"{name}={item}" for name, item in sorted(value.items()))
    return "" if value is None else str(value)


def _variable(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def gpus() -> int:
    """Return the number of GPUs of this machine, as nvidia-smi lists them."""
    if shutil.which("nvidia-smi") is None:
        return 0
    listed = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True, check=False)
    return sum(line.startswith("GPU ") for line in listed.stdout.splitlines())
