"""Training on several instances: each learns from its own images, and all update their weights by the mean gradient.

It does not use DistributedDataParallel, which aborts the process if another instance has ended. The instances connect
as in AWS's PyTorch image: at port 7777, or MASTER_PORT, of the first host in resourceconfig.json.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import torch
from torch import distributed, nn

from scones.containers.contract import MASTER_PORT, AlgorithmError, Container
from scones.containers.image_classification.images import ImageSet

TIMEOUT = timedelta(minutes=10)
"""Time that an instance waits for the others; an instance that ends is noticed at once."""


@dataclass(frozen=True, slots=True)
class InstanceGroup:
    """The instances of a job; `rank` is the index of this one.

    Collective operations raise `AlgorithmError` if an instance has ended.
    """

    rank: int = 0
    size: int = 1

    @property
    def is_leader(self) -> bool:
        """True for the instance that logs, decides and stores for all."""
        return self.rank == 0

    def share(self, images: ImageSet) -> ImageSet:
        """Return the images that this instance learns from, if all instances have all images.

        They are a random sample: lists often alternate between classes, and each instance needs all classes.
        """
        return images.subset(np.random.default_rng(0).permutation(len(images.labels))[self.rank :: self.size])

    def any(self, flag: bool) -> bool:
        """Return True if the flag is true on any instance."""
        return bool(self._all_reduce(int(flag), distributed.ReduceOp.MAX))

    def least(self, number: int) -> int:
        """Return the smallest of the instances' numbers."""
        return self._all_reduce(number, distributed.ReduceOp.MIN)

    def _all_reduce(self, number: int, how: distributed.ReduceOp.RedOpType) -> int:
        if self.size == 1:
            return number
        value = torch.tensor(number)
        with _collective_errors():
            distributed.all_reduce(value, how)
        return int(value)

    def begin(self, network: nn.Module) -> None:
        """Copy the first instance's weights to every instance."""
        if self.size > 1:
            with _collective_errors():
                for value in network.state_dict().values():
                    cpu_copy = value.cpu()
                    distributed.broadcast(cpu_copy, 0)
                    value.copy_(cpu_copy)

    def average(self, network: nn.Module) -> None:
        """Replace every instance's gradients by their mean."""
        if self.size > 1:
            gradients = [weight.grad for weight in network.parameters() if weight.grad is not None]
            whole = torch.cat([gradient.flatten() for gradient in gradients]).cpu()
            with _collective_errors():
                distributed.all_reduce(whole)
            whole /= self.size
            parts = torch.split(whole, [gradient.numel() for gradient in gradients])
            for gradient, part in zip(gradients, parts, strict=True):
                gradient.copy_(part.view(gradient.shape))


SINGLE_INSTANCE = InstanceGroup()


@contextmanager
def join_group(container: Container) -> Iterator[InstanceGroup]:
    """Connect to the job's other instances, if any; raises `AlgorithmError` if one of them ends too early."""
    config = container.config("resourceconfig")
    hosts = sorted(config.get("hosts", []))
    if len(hosts) < 2:
        yield SINGLE_INSTANCE
        return
    rank = hosts.index(config["current_host"])
    try:
        with _collective_errors():
            distributed.init_process_group(
                "gloo",
                init_method=f"tcp://{hosts[0]}:{os.environ.get('MASTER_PORT', MASTER_PORT)}",
                rank=rank,
                world_size=len(hosts),
                timeout=TIMEOUT,
            )
        yield InstanceGroup(rank, len(hosts))
        with _collective_errors():
            distributed.barrier()
    finally:
        if distributed.is_initialized():
            distributed.destroy_process_group()


@contextmanager
def _collective_errors() -> Iterator[None]:
    """Turn the failure of a collective operation into `AlgorithmError`; other exceptions propagate."""
    try:
        yield
    except RuntimeError as error:
        raise AlgorithmError(f"Another instance of this job ended prematurely; see its log. ({error})") from error
