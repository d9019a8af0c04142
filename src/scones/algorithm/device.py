"""Where a network learns: on the first GPU where PyTorch finds one, else on the processors.

Initial weights and variations of pictures are drawn on a processor either way, so that a seed means the same on both,
and a checkpoint of one goes on on the other, with the same build of PyTorch. The last digits differ.
"""

from __future__ import annotations

import os

import torch
from torch import Tensor

CPU = torch.device("cpu")


def find_device() -> torch.device:
    """Return the device to train on; a GPU is told to repeat itself exactly, as far as its kernels can."""
    if not torch.cuda.is_available():
        return CPU
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when cuBLAS begins, so not too late
    torch.set_deterministic_debug_mode("warn")  # as use_deterministic_algorithms, which imports the compiler: 5 seconds
    # That fills all memory before its first use, an operation of seven, for programs that read what they never wrote.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # a property, set so
    torch.backends.cudnn.benchmark = False
    return torch.device("cuda")


def moved(value: Tensor, device: torch.device) -> Tensor:
    """Return a tensor of the CPU on a device, without waiting for the device where its driver need not."""
    return value.to(device, non_blocking=True)


def layout(device: torch.device) -> torch.memory_format:
    """Return how pictures and filters lie in memory where networks learn.

    On processors channels-last is the faster. On an H100 a step takes as long either way, but for channels-last cuDNN
    gets ready for each convolution and size of batch: 5 seconds more for EfficientNet's first step.
    """
    return torch.channels_last if device.type == "cpu" else torch.contiguous_format
