"""Calibration of confidences: one temperature, fitted to images that training holds back."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scones.containers.image_classification.calibration import split_held_out, temperature
from scones.containers.image_classification.objective import Objective


def drawn(count: int, *, several: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw logits, and labels with exactly the probabilities that the logits give."""
    logits = torch.randn(count, 3, generator=torch.Generator().manual_seed(1)) * 2
    chance = torch.Generator().manual_seed(2)
    if several:
        return logits, torch.bernoulli(torch.sigmoid(logits), generator=chance)
    return logits, torch.multinomial(torch.softmax(logits, 1), 1, generator=chance)[:, 0]


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("overstated", [0.5, 1.0, 2.0])
def test_overconfident_logits_are_divided_by_their_temperature(several, overstated):
    logits, labels = drawn(5000, several=several)
    objective = Objective(labels.numpy(), 3)
    assert temperature(objective, logits * overstated, labels) == pytest.approx(overstated, rel=0.08)


def test_few_images_move_the_default_temperature_less_than_many():
    logits, labels = drawn(1000, several=False)
    objective = Objective(labels.numpy(), 3)
    objective.temperature = 0.7
    few, many = (temperature(objective, logits[:count] * 2, labels[:count]) for count in (5, 1000))
    assert 0.7 < few < many < 2.2


def test_a_tenth_is_held_back_and_not_used_for_training():
    learned, held = split_held_out(np.arange(1000) % 2, seed=3)
    assert len(held) == 100
    assert sorted([*learned, *held]) == list(range(1000))
    assert not np.array_equal(held, split_held_out(np.arange(1000) % 2, seed=4)[1])


def test_nothing_of_a_small_channel_is_held_back():
    learned, held = split_held_out(np.arange(400) % 2, seed=3)
    assert (len(learned), len(held)) == (400, 0)
