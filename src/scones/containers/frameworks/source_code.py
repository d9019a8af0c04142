"""The user's source code: download, unpacking, and installation of its requirements."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import tarfile
from pathlib import Path
from urllib.parse import urlsplit

from scones.containers.frameworks import command
from scones.containers.frameworks.errors import InstallModuleError, InstallRequirementsError, ScriptError

log = logging.getLogger("sagemaker-training-toolkit")


def fetch(uri: str, folder: Path) -> None:
    """Copy the code at a URI (s3://, a folder or a tarball) into a folder, unless the folder already has files.

    Raises `ScriptError` if the code cannot be read or is not a tar.gz.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        return
    if uri.startswith("s3://"):
        archive = folder.with_name(folder.name + ".tar.gz")
        _download(uri, archive)
        _unpack(archive, folder, uri)
        archive.unlink()
    elif Path(uri).is_dir():
        shutil.copytree(uri, folder, dirs_exist_ok=True)
    elif Path(uri).is_file():
        _unpack(Path(uri), folder, uri)
    else:
        raise ScriptError(f"The source code was not found at {uri}; specify a folder, or a tar.gz file in S3.")


def _download(uri: str, target: Path) -> None:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    location = urlsplit(uri)
    endpoint = os.environ.get("S3_ENDPOINT_URL")  # the toolkit's own variable
    try:
        client = boto3.client("s3", region_name=os.environ.get("AWS_REGION"), endpoint_url=endpoint)
        body = client.get_object(Bucket=location.netloc, Key=location.path.lstrip("/"))["Body"]
        with target.open("wb") as file:
            shutil.copyfileobj(body, file)
    except (BotoCoreError, ClientError) as error:
        raise ScriptError(f"The source code could not be downloaded from {uri}: {error}") from error


def _unpack(archive: Path, folder: Path, uri: str) -> None:
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
    except (tarfile.TarError, EOFError) as error:
        raise ScriptError(f"The source code at {uri} is not a valid tar.gz file: {error}") from error


def install(folder: Path) -> None:
    """Install a folder's requirements.txt, if it exists, into this container's own Python environment."""
    if not (folder / "requirements.txt").exists():
        return
    log.info("Installing dependencies from requirements.txt")
    pip = [sys.executable, "-m", "pip", "install", "-r", "requirements.txt"]
    status, output = command.run(pip, folder)
    if status:
        raise InstallRequirementsError(pip, status, output)


def install_package(folder: Path) -> None:
    """Install a source folder with a setup.py, and its requirements."""
    log.info("Installing module.")
    more = ["-r", "requirements.txt"] if (folder / "requirements.txt").exists() else []
    pip = [sys.executable, "-m", "pip", "install", ".", *more]
    status, output = command.run(pip, folder)
    if status:
        raise InstallModuleError(pip, status, output)
