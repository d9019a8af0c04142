"""Gradients computed in parts on several threads equal those of the whole batch."""

from __future__ import annotations

import numpy as np
import torch

from scones.containers.image_classification.efficientnet import EfficientNetLite0
from scones.containers.image_classification.gradients import Gradients
from scones.containers.image_classification.objective import Objective

LABELS = torch.tensor([0, 1, 1, 0, 1])


def test_dividing_a_batch_among_threads_does_not_change_its_gradients(threads):
    torch.manual_seed(0)
    network = EfficientNetLite0(2, (32, 32)).train()
    objective = Objective(LABELS.numpy().astype(np.int64), 2, weighted=True)
    images = torch.rand(5, 3, 32, 32)
    logits, loss = Gradients(network, objective, needs_full_batch=False).compute(images, LABELS)
    by_parts = [weight.grad.clone() for weight in network.parameters()]
    again, whole_loss = Gradients(network, objective, needs_full_batch=True).compute(images, LABELS)
    torch.testing.assert_close(logits, again, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(loss, whole_loss, rtol=1e-4, atol=1e-5)
    for part, weight in zip(by_parts, network.parameters(), strict=True):
        torch.testing.assert_close(part, weight.grad, rtol=1e-2, atol=1e-3 * float(weight.grad.abs().max()) + 1e-7)


def test_a_nan_loss_in_one_part_makes_the_loss_of_the_batch_nan(threads):
    network = EfficientNetLite0(2, (32, 32)).train()
    images = torch.rand(5, 3, 32, 32)
    images[4] = torch.nan
    _, loss = Gradients(network, Objective(LABELS.numpy(), 2), needs_full_batch=False).compute(images, LABELS)
    assert torch.isnan(loss)
