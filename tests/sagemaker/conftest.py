"""An image that the clouds of SageMaker's tests know, and a workbench on one of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sagemaker_workbench import Workbench

# Clouds inherit it: it is set before the first of them starts.
os.environ.setdefault("SCONES_IMAGES", f"test-image={Path(__file__).with_name('image_program.py')}")


@pytest.fixture
def bench(cloud: Any) -> Iterator[Workbench]:
    """The worker's cloud with a new bucket; endpoints made with it are deleted at the end."""
    made = Workbench(cloud)
    yield made
    made.close()
