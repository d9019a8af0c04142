"""A workspace's virtual environments, each installed on first use."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scones.studio import distribution

PIP_NOTICE = Path(__file__).with_name("pip_notice.py")


class InstallationError(Exception):
    """An environment could not be installed; the message contains pip's last line."""


@dataclass(frozen=True, slots=True)
class VirtualEnvironment:
    """A named set of requirements."""

    name: str
    title: str
    requirements: tuple[str, ...]
    constraint: str = ""
    """Requirement that every later `pip install` in the environment must satisfy."""
    reason: str = ""
    """Sentences that `pip install sagemaker` prints about the constraint."""

    def python(self, folder: Path) -> Path:
        """Return the path of this environment's interpreter below `folder`."""
        return folder / self.name / "bin" / "python"

    def installed(self, folder: Path) -> bool:
        """Return True if the environment is completely installed with exactly these requirements."""
        marker = self._marker(folder)
        return marker.exists() and marker.read_text() == self._content()

    def install(self, folder: Path, on_message: Callable[[str], None] = lambda _line: None) -> Path:
        """Install the environment below `folder` unless it is installed; return its interpreter.

        Concurrent installations of the same environment wait for each other. Packages that a notebook installs later
        remain. Raises `InstallationError`.
        """
        folder.mkdir(parents=True, exist_ok=True)
        with _install_lock(folder / f"{self.name}.lock"):
            if not self.installed(folder):
                on_message(
                    f"Installing the environment {self.name} ({self.title}); the first installation takes a "
                    "minute or two"
                )
                self._install(folder)
        return self.python(folder)

    def _install(self, folder: Path) -> None:
        _run(sys.executable, "-P", "-m", "venv", "--clear", str(folder / self.name))
        pip = (str(self.python(folder)), "-P", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        _run(*pip, *self.requirements)
        if self.constraint:
            self._write_constraint(folder / self.name)
        self._marker(folder).write_text(self._content())

    def _write_constraint(self, environment: Path) -> None:
        file = environment / "constraints.txt"
        file.write_text(f"# {self.reason}\n{self.constraint}\n")
        (environment / "pip.conf").write_text(f"[install]\nconstraint = {file}\n")
        packages = next(environment.glob("lib/python*/site-packages"))
        shutil.copy(PIP_NOTICE, packages / "scones_pip_notice.py")
        (packages / "scones_pip_notice.pth").write_text("import scones_pip_notice\n")

    def _marker(self, folder: Path) -> Path:
        return folder / self.name / "requirements.txt"

    def _content(self) -> str:
        lines = [*self.requirements, *([f"# {self.constraint}: {self.reason}"] if self.constraint else [])]
        return "".join(f"{line}\n" for line in lines)


LAB = VirtualEnvironment("lab", "JupyterLab", ("jupyterlab>=4.4,<5",))
SDK_V2 = VirtualEnvironment(
    "sdk-v2",
    "SageMaker Python SDK v2",
    distribution.PACKAGES,
    "sagemaker<3",
    "This kernel keeps SageMaker SDK v2: notebooks for v2 do not run with v3. For v3, run: scones studio --sdk v3",
)
# SDK v3 needs s3fs, whose aiobotocore accepts few releases of botocore. With aiobotocore first, pip chooses boto3 and
# awscli to match; otherwise it takes the newest boto3, and tries hundreds of old releases of s3fs and aiobotocore.
SDK_V3 = VirtualEnvironment(
    "sdk-v3",
    "SageMaker Python SDK v3",
    (
        "aiobotocore>=3,<4",
        "awscli",
        "boto3",
        "imageio",
        "ipykernel",
        "jsonlines",
        distribution.MATPLOTLIB,
        distribution.PANDAS,
        "pillow",
        "plotly",
        "requests",
        "scikit-learn",
        "seaborn",
        "sagemaker>=3.27,<4",
    ),
    "sagemaker>=3",
    "This kernel keeps SageMaker SDK v3: notebooks for v3 do not run with v2. For v2, run: scones studio --sdk v2",
)
SDKS = {"v2": SDK_V2, "v3": SDK_V3}


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        output_lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        last = output_lines[-1].strip() if output_lines else f"exit status {done.returncode}"
        raise InstallationError(f"{' '.join(command[2:5])} failed: {last}; check the network connection and try again")


@contextmanager
def _install_lock(lock: Path) -> Iterator[None]:
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
