"""Remote functions: training jobs that SageMaker's SDK creates for a function with the decorator `@remote`.

The container loads the function with the SDK. On AWS, the image or its requirements must contain an SDK of the client's
release. Here, the container borrows the SDK of the workspace.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from scones.cloud.services.sagemaker.resources import Document
from scones.cloud.workspace.sdk_locations import sdk_locations

_VERSION = "--client_sagemaker_pysdk_version"
"""The argument by which the SDK gives its own version to the container."""


def borrowed_sdk(request: Document, data_dir: Path) -> list[Path]:
    """Return the folder of the SDK that a training job's container borrows: [] if it needs none or there is none.

    Blocks.
    """
    arguments: Sequence[str] = request["AlgorithmSpecification"].get("ContainerArguments", [])
    if _VERSION not in arguments[:-1]:
        return []
    release = f"v{arguments[arguments.index(_VERSION) + 1].partition('.')[0]}"
    return sdk_locations(data_dir, release, "python{}.{}".format(*sys.version_info[:2]))[:1]
