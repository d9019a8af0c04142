"""Where a network learns: on the first GPU where PyTorch finds one, else on the processors.

Initial weights and variations of pictures are drawn on a processor either way, so that a seed means the same on both,
and a checkpoint of one goes on on the other, with the same build of PyTorch. The last digits differ. None of this has
been run on a GPU.
"""

from __future__ import annotations

import os

import torch

CPU = torch.device("cpu")


def find_device() -> torch.device:
    """Return the device to train on; a GPU is told to repeat itself exactly, as far as its kernels can."""
    if not torch.cuda.is_available():
        return CPU
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when cuBLAS begins, so not too late
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False
    return torch.device("cuda")
