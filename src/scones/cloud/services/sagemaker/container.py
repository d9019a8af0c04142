"""What every container is given: its command, its environment, and its folders."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from scones.cloud import images
from scones.cloud.cloud import Cloud
from scones.cloud.sandbox import isolation
from scones.cloud.services.sagemaker.errors import invalid

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


async def image_command(image: str, argument: str) -> list[str]:
    """Return the command behind an image URI; raises `ServiceError` (ValidationException) that names those known."""
    try:
        return await asyncio.to_thread(images.command, image, argument)
    except images.UnknownImageError as error:
        raise invalid(str(error)) from error


def environment(cloud: Cloud, role_arn: str, session: str, hours: float) -> dict[str, str]:
    """Return the variables of every container: where the cloud is, and the keys of the role for some hours."""
    keys = cloud.credentials.session(role_arn, session, hours * 3600)
    variables = {
        "AWS_ACCESS_KEY_ID": keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
        "AWS_SESSION_TOKEN": keys.session_token,
        "AWS_REGION": cloud.settings.region,
        "AWS_DEFAULT_REGION": cloud.settings.region,
        "AWS_ENDPOINT_URL": cloud.url,
        "HOME": "/tmp",  # noqa: S108 - the container's own
        "LANG": "C.UTF-8",
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONUNBUFFERED": "1",
        "SAGEMAKER_REGION": cloud.settings.region,
    }
    if "PYTHONPATH" in os.environ:  # a user's own image may be a module there
        variables["PYTHONPATH"] = os.environ["PYTHONPATH"]
    return variables


async def base_directory(mounts: dict[str, Path]) -> dict[str, str]:
    """Return the variable that tells a program where its /opt/ml is: elsewhere, where nothing can be mounted."""
    isolated = await asyncio.to_thread(isolation) is None
    return {"SAGEMAKER_BASE_DIR": "/opt/ml" if isolated else str(mounts["/opt/ml"])}


def folders(base: Path) -> dict[str, Path]:
    """Make a container's private folders below `base` and return them by the path that the container sees."""
    mounts = {"/opt/ml": base / "ml", "/tmp": base / "tmp"}  # noqa: S108 - the container's own
    for folder in mounts.values():
        folder.mkdir(parents=True, exist_ok=True)
    return mounts
