"""The command, environment variables and folders that every container gets."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from scones.cloud.context import CloudContext
from scones.cloud.core.endpoint_variables import endpoint_variables
from scones.cloud.process import container_images as images
from scones.cloud.process.sandbox import isolation
from scones.cloud.services.sagemaker import python_environment as interpreter
from scones.cloud.services.sagemaker.errors import invalid
from scones.cloud.workspace.environment import STARTUP

_CERTIFICATES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


async def image_command(image: str, argument: str) -> list[str]:
    """Return the command of the container program for an image URI.

    The command runs in the container's own Python environment, which is first in the PATH of `base_directory`. Raises
    `ServiceError` (ValidationException), which lists the known images, if there is no program for the image.
    """
    try:
        _, *rest = await asyncio.to_thread(images.command, image, argument)
    except images.UnknownImageError as error:
        raise invalid(str(error)) from error
    return ["python", *rest]


def container_variables(cloud: CloudContext, role_arn: str, session: str, hours: float) -> dict[str, str]:
    """Return the variables of every container: the cloud's URL, credentials of the role, and pip's settings.

    The credentials are valid for `hours` hours.
    """
    keys = cloud.credentials.session(role_arn, session, hours * 3600)
    variables = {
        "AWS_ACCESS_KEY_ID": keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
        "AWS_SESSION_TOKEN": keys.session_token,
        "AWS_REGION": cloud.settings.region,
        "AWS_DEFAULT_REGION": cloud.settings.region,
        **endpoint_variables(cloud.url),
        "HOME": "/tmp",  # noqa: S108 - the container's own
        "LANG": "C.UTF-8",
        "PATH": os.environ.get("PATH", os.defpath),
        # STARTUP has the hook that Python runs in a workspace too. The host's PYTHONPATH follows, because the program
        # for a user's own image may be a module in it.
        "PYTHONPATH": os.pathsep.join(filter(None, [str(STARTUP), os.environ.get("PYTHONPATH", "")])),
        "PYTHONUNBUFFERED": "1",
        "SAGEMAKER_REGION": cloud.settings.region,
    }
    if (configuration := Path.home() / ".config" / "pip" / "pip.conf").exists():
        variables["PIP_CONFIG_FILE"] = str(configuration)
    own = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    own.pop("PIP_CACHE_DIR", None)  # no shared pip cache: one container could store what another installs
    return variables | own


def visible_paths(command: Sequence[str]) -> list[Path]:
    """Return the host paths that a container sees besides the system: its program, and the files that configure pip."""
    given = [Path(value) for name, value in os.environ.items() if name.startswith("PIP_") or name in _CERTIFICATES]
    given += [Path.home() / ".config" / "pip" / "pip.conf"]
    programs = [Path(part).parent for part in command if part.startswith("/") and part.endswith(".py")]
    return [path for path in (*given, *programs) if path.is_absolute() and path.exists()]


async def base_directory(mounts: dict[str, Path], borrowed: Sequence[Path] = ()) -> dict[str, str]:
    """Create a container's Python environment, and return the variables with its path and that of /opt/ml.

    The environment also sees the packages in the folders `borrowed`, after all others. If the machine cannot mount
    folders, both paths are folders of the host.
    """
    isolated = await asyncio.to_thread(isolation) is None
    base, python = "/opt/ml", interpreter.MOUNT_PATH
    if not isolated:
        base, python = str(mounts[base]), str(mounts[python])
    await asyncio.to_thread(interpreter.create_environment, mounts[interpreter.MOUNT_PATH], python, borrowed)
    path = os.pathsep.join([f"{python}/bin", os.environ.get("PATH", os.defpath)])
    return {"SAGEMAKER_BASE_DIR": base, "VIRTUAL_ENV": python, "PATH": path}


def create_folders(base: Path) -> dict[str, Path]:
    """Create a container's private folders below `base`, and return them by the path that the container sees.

    `base_directory` creates the folder of the Python environment.
    """
    mounts = {"/opt/ml": base / "ml", "/tmp": base / "tmp"}  # noqa: S108 - the container's own
    for folder in mounts.values():
        folder.mkdir(parents=True, exist_ok=True)
    return mounts | {interpreter.MOUNT_PATH: base / "environment"}
