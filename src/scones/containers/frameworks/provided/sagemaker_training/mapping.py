"""Conversion of dictionaries to command-line arguments and environment variables."""

from __future__ import annotations

from scones.containers.frameworks.training_environment import command_line_arguments as to_cmd_args
from scones.containers.frameworks.training_environment import environment_variables as to_env_vars

__all__ = ["to_cmd_args", "to_env_vars"]
