"""Installations of AWS clients in several versions, each made on first use in `build/environments`."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from pathlib import Path

import pytest

from scones.studio.environments import InstallationError, VirtualEnvironment

ENVIRONMENTS = Path(__file__).resolve().parents[2] / "build" / "environments"
DATA = ("aiobotocore>=3,<4", "awswrangler>=3.12,<4", "pandas>=2.2,<3", "pyarrow>=20", "s3fs")
STORES = ("aiobotocore>=3,<4", "boto3", "dvc[s3]>=3.60,<4", "mlflow-skinny>=3,<4", "s3cmd>=2.4,<3")
PYTHON_CLIENTS = {
    name: VirtualEnvironment(name, name, requirements)
    for name, requirements in {
        "boto3-1.26": ("boto3==1.26.*",),
        "boto3-1.34": ("boto3==1.34.*",),
        "boto3-1.40": ("boto3==1.40.*",),
        "awscli-1.32": ("awscli==1.32.*",),
        "data-frames": DATA,
        "stores": STORES,
    }.items()
}
JAVASCRIPT = tuple(f"@aws-sdk/client-{name}@3" for name in ("cloudwatch", "s3", "sfn", "sns", "sqs"))
# Debian 12's AWS CLI 2 (2.9) and rclone (1.60), with the packages that the CLI imports.
DEBIAN = (
    *("awscli", "python3-awscrt", "python3-cffi-backend", "python3-colorama", "python3-cryptography"),
    *("python3-dateutil", "python3-distro", "python3-docutils", "python3-jmespath", "python3-openssl"),
    *("python3-prompt-toolkit", "python3-pyasn1", "python3-roman", "python3-ruamel.yaml"),
    *("python3-ruamel.yaml.clib", "python3-six", "python3-urllib3", "python3-wcwidth", "rclone"),
)


def python_of(name: str) -> Path:
    """Return the interpreter of an environment; skip the test if it cannot be installed."""
    environment = PYTHON_CLIENTS[name]
    try:
        return environment.install(ENVIRONMENTS)
    except InstallationError as error:
        pytest.skip(f"pip could not install {' '.join(environment.requirements)}: {error}")


def javascript() -> Path:
    """Return a folder with the AWS SDK for JavaScript; skip the test without Node.js, npm or a network."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node.js and npm are not on PATH; on Debian: apt-get install nodejs npm")
    folder = ENVIRONMENTS / "javascript"
    command = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(folder), *JAVASCRIPT]
    _install(folder, [command])
    return folder


def debian() -> Path:
    """Return a folder with Debian's packages; skip the test on another system or without a network."""
    release = Path("/etc/os-release")
    if not release.exists() or 'VERSION_ID="12"' not in release.read_text() or shutil.which("apt-get") is None:
        pytest.skip("the AWS CLI 2.9 and rclone 1.60 are packages of Debian 12, and this is another system")
    folder = ENVIRONMENTS / "debian"
    unpack = 'for package in *.deb; do dpkg -x "$package" .; rm "$package"; done'
    _install(folder, [["apt-get", "download", "--quiet", *DEBIAN], ["sh", "-c", unpack]])
    return folder


def _install(folder: Path, commands: list[list[str]]) -> None:
    """Run commands in a new folder unless they have succeeded before; skip the test if one fails."""
    folder.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        marker, content = folder / "commands.txt", repr(commands)
        if marker.exists() and marker.read_text() == content:
            return
        shutil.rmtree(folder)
        folder.mkdir()
        for command in commands:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
            if done.returncode:
                pytest.skip(f"{' '.join(command[:3])} failed: {done.stderr.strip()[-300:]}")
        marker.write_text(content)
