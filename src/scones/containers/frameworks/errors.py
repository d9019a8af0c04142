"""Exceptions for failures of a user's script, with the messages of AWS's toolkit; `contract` has the base classes.

ScriptError
├── ExecuteUserScriptError     the script ended with a nonzero exit status
├── InstallRequirementsError   requirements.txt could not be installed
└── InstallModuleError         a source folder with a setup.py could not be installed
"""

from __future__ import annotations

from collections.abc import Sequence

from scones.containers.contract import JobError


class ScriptError(JobError):
    """The user's script cannot be found, prepared or run."""


class _CommandError(ScriptError):
    def __init__(self, command: Sequence[str], status: int, output: str) -> None:
        super().__init__(
            f'{type(self).__name__}:\nExitCode {status}\nErrorMessage "{output}"\nCommand "{" ".join(command)}"'
        )


class ExecuteUserScriptError(_CommandError):
    """The user's script failed."""


class InstallRequirementsError(_CommandError):
    """pip could not install requirements.txt."""


class InstallModuleError(_CommandError):
    """pip could not install the source folder."""
