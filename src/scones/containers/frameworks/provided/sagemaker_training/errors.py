"""Exceptions of the toolkit."""

from __future__ import annotations

from scones.containers.frameworks.errors import ExecuteUserScriptError, InstallModuleError, InstallRequirementsError

__all__ = ["ClientError", "ExecuteUserScriptError", "InstallModuleError", "InstallRequirementsError"]


class ClientError(Exception):
    """An error in a user's request or script, not in the framework."""
