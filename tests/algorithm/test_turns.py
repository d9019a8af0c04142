"""The second task: which class is this, and how far was it turned?"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from scones.algorithm.network import Network
from scones.algorithm.objective import Objective
from scones.algorithm.turns import WEIGHT, Turns

LABELS = torch.tensor([0, 1, 1, 0, 1, 0, 0])


def test_each_picture_is_judged_as_it_is_and_turned():
    torch.manual_seed(0)
    network, objective = Network(2).eval(), Objective(LABELS.numpy().astype(np.int64), 2)
    turns = Turns(network, 2)
    pictures = torch.rand(len(LABELS), 3, 32, 32)
    logits, loss = turns.judge(objective, torch.Generator().manual_seed(5), pictures, LABELS)

    quarters = torch.randint(1, 4, (len(LABELS),), generator=torch.Generator().manual_seed(5)).tolist()
    assert set(quarters) == {1, 2, 3}
    turned = torch.stack([torch.rot90(one, by, (1, 2)) for one, by in zip(pictures, quarters, strict=True)])
    answers = torch.cat([turns.head(network.features(some)) for some in (pictures, turned)])
    right = [*LABELS.tolist(), *(2 * by + label for by, label in zip(quarters, LABELS.tolist(), strict=True))]
    expected = objective.loss(network(pictures), LABELS) + WEIGHT * functional.cross_entropy(
        answers, torch.tensor(right)
    )
    torch.testing.assert_close(logits, network(pictures), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(loss, expected, rtol=1e-4, atol=1e-5)


def test_pictures_that_are_not_square_are_learned_without_it(job):
    done = job.train(image_shape="3,24,32", epochs="1")
    assert done.returncode == 0, done.stdout + done.stderr
