"""Exceptions for failures of a user's script, in the toolkit's words.

ScriptError
├── CustomerError              invalid request or data: exit status 2, as with AWS's own algorithms
├── ExecuteUserScriptError     the script ended with a nonzero exit status
├── InstallRequirementsError   requirements.txt could not be installed
└── InstallModuleError         a source folder with a setup.py could not be installed
"""

from __future__ import annotations

from collections.abc import Sequence


class ScriptError(Exception):
    """The job cannot continue; the message is written to /opt/ml/output/failure."""

    exit_status = 1


class CustomerError(ScriptError):
    """Invalid hyperparameters or data, which the user must change."""

    exit_status = 2


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
