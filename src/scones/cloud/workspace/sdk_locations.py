"""The SageMaker SDKs of a workspace, which functions and jobs borrow."""

from __future__ import annotations

import os
from pathlib import Path

from scones.cloud.workspace.environment import SDKS

ENVIRONMENTS = "SCONES_ENVIRONMENTS"


def sdk_locations(data_dir: Path, release: str, python: str) -> list[Path]:
    """Return the folders that contain an SDK of a release, `v2` or `v3`, for an interpreter such as `python3.11`.

    The first is that of the SDK which a program of the workspace imported last, as the start-up hook recorded; the
    second is that of the SDK which `scones studio` installed. Blocks.
    """
    environments = Path(os.environ.get(ENVIRONMENTS, data_dir / "environments")).absolute()
    record = data_dir / SDKS / (python if release == "v2" else f"{python}-{release}")
    recorded = [Path(record.read_text())] if record.is_file() else []
    known = [*recorded, environments / f"sdk-{release}" / "lib" / python / "site-packages"]
    return [folder for folder in known if (folder / "sagemaker" / "__init__.py").is_file()]
