"""A container's model, put where its program finds it."""

from __future__ import annotations

import asyncio
import shutil
import tarfile
from functools import partial
from pathlib import Path
from typing import Any

from scones.cloud.errors import ServiceError
from scones.cloud.services.sagemaker.archive import unpack
from scones.cloud.services.sagemaker.hosting.models import model_data
from scones.cloud.services.sagemaker.objects import Location, Objects, below, relative


class ModelDataError(Exception):
    """Model data could not be had; the message is as AWS words it."""


async def fetch_model(objects: Objects, container: dict[str, Any], base: Path) -> None:
    """Fetch a container's model into `base / "model"`, unless an earlier run has; raises `ModelDataError`."""
    uri = model_data(container)
    if (base / "model").exists():
        return
    await asyncio.to_thread(base.mkdir, parents=True, exist_ok=True)
    try:
        if not uri:
            await asyncio.to_thread((base / "model").mkdir)
        elif container.get("ModelDataSource", {}).get("S3DataSource", {}).get("CompressionType") == "None":
            await _fetch_files(objects, Location.of(uri), base)
        else:
            archive = base / "model.tar.gz"
            await objects.download(Location.of(uri), archive)
            await asyncio.to_thread(unpack, archive, base / "model")
            await asyncio.to_thread(archive.unlink)
    except (ServiceError, ExceptionGroup) as error:
        raise ModelDataError(
            f'Failed to download model data for container "container_1" from URL: "{uri}". Please ensure that '
            "there is an object located at the URL and that the role passed to CreateModel has permissions to "
            "download the object."
        ) from error
    except (tarfile.TarError, OSError, ValueError) as error:
        raise ModelDataError(
            f'Failed to extract model data archive from URL "{uri}" for container "container_1": {error} Please '
            "ensure that the object is a valid tar.gz archive."
        ) from error


async def _fetch_files(objects: Objects, place: Location, base: Path) -> None:
    draft = base / "model.partial"
    await asyncio.to_thread(partial(shutil.rmtree, ignore_errors=True), draft)
    draft.mkdir()
    paths = {key: relative(key, place.key) async for key in objects.keys(place)}
    await objects.download_all((Location(place.bucket, key), below(draft, path)) for key, path in paths.items() if path)
    draft.rename(base / "model")
