"""What can go wrong with a user's script, in the toolkit's words.

ScriptError
├── CustomerError              the request or the data: exit status 2, as AWS's own algorithms end
├── ExecuteUserScriptError     the script ended with another status than 0
├── InstallRequirementsError   requirements.txt could not be installed
└── InstallModuleError         a source folder with a setup.py could not be installed
"""

from __future__ import annotations

from collections.abc import Sequence


class ScriptError(Exception):
    """The job cannot go on; the message is what /opt/ml/output/failure gets."""

    exit_status = 1


class CustomerError(ScriptError):
    """Hyperparameters or data that the user must change."""

    exit_status = 2


class _CommandError(ScriptError):
    def __init__(self, command: Sequence[str], status: int, output: str) -> None:
        super().__init__(
            f'{type(self).__name__}:\nExitCode {status}\nErrorMessage "{output}"\nCommand "{" ".join(command)}"'
        )


class ExecuteUserScriptError(_CommandError):
    """The user's script failed."""


class InstallRequirementsError(_CommandError):
    """pip could not install what requirements.txt names."""


class InstallModuleError(_CommandError):
    """pip could not install the source folder."""
