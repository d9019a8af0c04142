"""Model data: fetched from S3, unpacked and put into a container's model folder."""

from __future__ import annotations

import asyncio
import os
import tarfile
from pathlib import Path

from scones.cloud.errors import ServiceError
from scones.cloud.process.untrusted_files import remove_tree
from scones.cloud.services.sagemaker.archive import unpack
from scones.cloud.services.sagemaker.hosting.models import model_data
from scones.cloud.services.sagemaker.s3_access import S3Access, S3Location, below, relative
from scones.cloud.wire.members import Members


class ModelDataError(Exception):
    """Model data could not be fetched or unpacked; the message has AWS's wording."""


async def fetch_model(objects: S3Access, container: Members, base: Path) -> None:
    """Fetch a container's model into `base / "model"`, unless that exists already; raises `ModelDataError`.

    The model is downloaded and unpacked next to `base`, because the container's program can create links in `base`.
    """
    uri = model_data(container)
    if await asyncio.to_thread(os.path.lexists, base / "model"):
        return
    await asyncio.to_thread(base.mkdir, parents=True, exist_ok=True)
    try:
        if not uri:
            await asyncio.to_thread((base / "model").mkdir)
        elif container.get("ModelDataSource", {}).get("S3DataSource", {}).get("CompressionType") == "None":
            await _fetch_files(objects, S3Location.of(uri), base)
        else:
            archive, folder = base.with_name("model.tar.gz"), base.with_name("model")
            await objects.download(S3Location.of(uri), archive)
            await asyncio.to_thread(remove_tree, folder)
            await asyncio.to_thread(unpack, archive, folder)
            await asyncio.to_thread(archive.unlink)
            folder.rename(base / "model")
    except (ServiceError, ExceptionGroup) as error:
        raise ModelDataError(
            f'Failed to download model data for container "container_1" from URL: "{uri}". Please ensure that '
            "there is an object located at the URL and that the role passed to CreateModel has permissions to "
            "download the object."
        ) from error
    except (tarfile.TarError, OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error  # without paths of the host
        raise ModelDataError(
            f'Failed to extract model data archive for container "container_1" from URL "{uri}". Please ensure that '
            f"the object located at the URL is a valid tar.gz archive: {reason}"
        ) from error


async def _fetch_files(objects: S3Access, location: S3Location, base: Path) -> None:
    draft = base.with_name("model.partial")
    await asyncio.to_thread(remove_tree, draft)
    draft.mkdir()
    paths = {key: relative(key, location.key) async for key in objects.keys(location)}
    await objects.download_all(
        (S3Location(location.bucket, key), below(draft, path)) for key, path in paths.items() if path
    )
    draft.rename(base / "model")
