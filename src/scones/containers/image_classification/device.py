"""The training device: the first GPU if PyTorch finds one, else the CPU.

Initial weights and augmentation are drawn on the CPU in both cases, so that a seed means the same on both, and a
checkpoint from one continues on the other, with the same build of PyTorch. Results differ in the last digits.
"""

from __future__ import annotations

import os

import numpy as np
import torch
from torch import Tensor

from scones.containers.image_classification.images import Pixels

CPU = torch.device("cpu")


def find_device() -> torch.device:
    """Return the device to train on; a GPU is set to deterministic results, as far as its kernels allow."""
    if not torch.cuda.is_available():
        return CPU
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # before cuBLAS starts, which reads it
    # The same as use_deterministic_algorithms, which would import the compiler (5 seconds).
    torch.set_deterministic_debug_mode("warn")
    # By default, the mode fills all memory before its first use, which adds one operation in seven. This only helps
    # programs that read uninitialised memory.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # a property of the module
    torch.backends.cudnn.benchmark = False
    return torch.device("cuda")


def moved(value: Tensor, device: torch.device) -> Tensor:
    """Copy a CPU tensor to a device, without waiting for the device if its driver allows that."""
    return value.to(device, non_blocking=True)


def to_tensor(pixels: Pixels, device: torch.device = CPU) -> Tensor:
    """Turn pixels, shape (n, h, w, 3), into images in [0, 1], shape (n, 3, h, w), on a device."""
    return moved(torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))), device).float().div_(255)


def layout(device: torch.device) -> torch.memory_format:
    """Return the memory format of images and filters during training.

    On the CPU, channels-last is faster. On an H100, a step takes the same time in both formats, but with channels-last
    cuDNN prepares each convolution and batch size: EfficientNet's first step takes 5 seconds longer.
    """
    return torch.channels_last if device.type == "cpu" else torch.contiguous_format
