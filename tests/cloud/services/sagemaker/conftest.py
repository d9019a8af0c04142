"""The container image of the SageMaker tests, and a workbench on a local cloud."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.sagemaker_workbench import Workbench

# Clouds inherit the variable, so it must be set before the first cloud starts.
os.environ.setdefault("SCONES_IMAGES", f"test-image={Path(__file__).parents[3] / 'support' / 'image_program.py'}")


@pytest.fixture
def bench(cloud: Any) -> Iterator[Workbench]:
    """A workbench on the test worker's cloud, with a new bucket; its endpoints are deleted at the end."""
    made = Workbench(cloud)
    yield made
    made.close()
