"""Training on a separate device, such as a GPU: no part of a step may remain on the CPU.

Most test machines have no GPU. PyTorch's `meta` device, whose tensors have shapes but no values, replaces it; values
that a program reads back from it are made up. One test needs a GPU: only a GPU records and repeats steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from scones.containers.image_classification.checkpoints import Checkpoints
from scones.containers.image_classification.device import find_device
from scones.containers.image_classification.hyperparameters import Hyperparameters
from scones.containers.image_classification.images import ImageSet
from scones.containers.image_classification.train import train
from support.image_classification_jobs import needs_weights

META = torch.device("meta")
BETWEEN_DEVICES = {"aten::_to_copy", "aten::copy_"}
"""Operations that CUDA allows on tensors of two devices."""


class _Strict(TorchDispatchMode):
    """Rejects operations that mix devices, as CUDA does, and counts the operations on the device.

    While `recorded` is true, during a step that a GPU would record, it also rejects operations that a recording would
    not repeat: reading a value back, and using a tensor of the CPU.
    """

    done = 0
    steps = 0
    recorded = False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = func.name()
        tensors = [value for value in tree_leaves((args, kwargs)) if isinstance(value, torch.Tensor)]
        on_device = [value for value in tensors if value.device == META]
        self.done += bool(on_device)
        if self.recorded:
            assert len(on_device) == len(tensors), f"{name} takes a tensor from the CPU"
            assert name != "aten::_local_scalar_dense", "a value is read back"
        if on_device and name == "aten::_local_scalar_dense":
            return 1.0
        if on_device and name == "aten::_to_copy" and kwargs.get("device") == torch.device("cpu"):
            return torch.zeros(tensors[0].shape, dtype=kwargs.get("dtype") or tensors[0].dtype)
        if on_device and name not in BETWEEN_DEVICES:
            left = [tuple(value.shape) for value in tensors if value.device != META and value.dim()]
            assert not left, f"{name} takes {left} from the CPU"
        if on_device and name == "aten::_fused_adamw_.tensor_lr":
            return None  # changes its arguments in place, and is not implemented for `meta`
        return func(*args, **kwargs)


def drawn(count: int, *, several: bool) -> ImageSet:
    chance = np.random.default_rng(count)
    labels = chance.integers(0, 2, (count, 2)).astype(np.float32) if several else np.arange(count, dtype=np.int64) % 2
    return ImageSet(chance.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8), labels)


class _Interrupted(Exception):
    pass


@pytest.mark.parametrize(
    ("given", "records"),
    [
        ({"top_k": "2", "early_stopping": "True"}, True),
        ({"multi_label": "1", "optimizer": "adam"}, False),
        pytest.param(
            {"use_pretrained_model": "1", "augmentation_type": "crop_color_transform"}, True, marks=needs_weights
        ),
    ],
)
def test_training_runs_every_operation_on_the_device_of_the_network(tmp_path, monkeypatch, given, records):
    sizes = {"num_classes": "2", "num_training_samples": "500", "image_shape": "3,32,32"}
    hyperparameters = sizes | {"epochs": "2", "mini_batch_size": "450", "use_weighted_loss": "1"} | given
    parameters, _ = Hyperparameters.read(hyperparameters)
    training, validation = (drawn(count, several="multi_label" in given) for count in (500, 8))
    checkpoints = Checkpoints(tmp_path, lambda message, _: pytest.fail(message))
    reported: list[str] = []

    def interrupt(message: str) -> None:
        if message.startswith("Epoch[1]"):
            raise _Interrupted

    strict = _Strict()

    def strictly(work: Callable[..., Any], device: torch.device) -> Callable[..., Any]:
        def step(*batch: torch.Tensor) -> Any:
            strict.recorded = True
            strict.steps += 1
            try:
                return work(*batch)
            finally:
                strict.recorded = False

        return step

    monkeypatch.setattr("scones.containers.image_classification.training_loop.repeatable", strictly)
    with strict:
        with pytest.raises(_Interrupted):
            train(training, validation, parameters, log=interrupt, checkpoints=checkpoints, device=META)
        trained = train(training, validation, parameters, log=reported.append, checkpoints=checkpoints, device=META)
    assert strict.done > 1000
    assert bool(strict.steps) == records
    assert reported[0] == "Resuming after epoch 0 from a checkpoint"
    assert {value.device.type for value in trained.network.state_dict().values()} == {"cpu"}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch finds no GPU")
@pytest.mark.parametrize("pretrained", ["0", pytest.param("1", marks=needs_weights)])
def test_replayed_steps_give_the_same_model_as_single_steps(monkeypatch, pretrained):
    sizes = {"num_classes": "2", "num_training_samples": "200", "image_shape": "3,32,32", "mini_batch_size": "20"}
    parameters, _ = Hyperparameters.read(sizes | {"epochs": "3", "use_pretrained_model": pretrained})
    training, validation = drawn(200, several=False), drawn(40, several=False)
    device = find_device()

    def model() -> dict[str, torch.Tensor]:
        return train(training, validation, parameters, log=lambda _: None, device=device).network.state_dict()

    replayed: list[int] = []
    replay = torch.cuda.CUDAGraph.replay
    monkeypatch.setattr(torch.cuda.CUDAGraph, "replay", lambda graph: replayed.append(id(graph)) or replay(graph))
    repeated = model()
    assert len(replayed) > 10
    assert len(set(replayed)) == (1 if pretrained == "1" else 2)  # one recording per image size
    monkeypatch.setattr("scones.containers.image_classification.training_loop.repeatable", lambda work, device: work)
    for name, value in model().items():
        torch.testing.assert_close(repeated[name], value, rtol=1e-4, atol=1e-5)
