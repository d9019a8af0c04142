"""Rotations as a second training task: the network predicts the class of an image and its rotation."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from scones.containers.image_classification.gradients import Gradients
from scones.containers.image_classification.network import Network
from scones.containers.image_classification.objective import Objective
from scones.containers.image_classification.rotations import WEIGHT, Rotations

LABELS = torch.tensor([0, 1, 1, 0, 1, 0, 0])


@pytest.fixture
def images() -> Tensor:
    torch.manual_seed(0)
    return torch.rand(len(LABELS), 3, 32, 32)


def made(network: Network) -> tuple[Objective, Rotations, Tensor]:
    quarters = Rotations.draw(len(LABELS), torch.Generator().manual_seed(5))
    return Objective(LABELS.numpy(), 2), Rotations(network, 2), quarters


def test_each_image_is_classified_unrotated_and_rotated(images):
    network = Network(2)
    objective, turns, drawn = made(network)
    plain, other = (part() for part in turns.parts(objective, images, LABELS, drawn))

    quarters = drawn.tolist()
    assert set(quarters) == {1, 2, 3}
    turned = torch.stack([torch.rot90(one, by, (1, 2)) for one, by in zip(images, quarters, strict=True)])
    answers = torch.cat([turns.head(network.features(some)) for some in (images, turned)])
    right = [*LABELS.tolist(), *(2 * by + label for by, label in zip(quarters, LABELS.tolist(), strict=True))]
    second = WEIGHT * functional.cross_entropy(answers, torch.tensor(right))
    torch.testing.assert_close(plain[0], network(images), rtol=1e-4, atol=1e-5)
    assert other[0] is None
    expected = objective.loss(network(images), LABELS) + second
    torch.testing.assert_close(plain[1] + other[1], expected, rtol=1e-4, atol=1e-5)


def test_the_running_statistics_are_those_of_unrotated_images(images):
    """The rotated images do not change the batch normalization statistics."""
    torch.manual_seed(0)
    network, alone = Network(2), Network(2)
    alone.load_state_dict(network.state_dict())
    objective, turns, quarters = made(network)
    for part in turns.parts(objective, images, LABELS, quarters):
        part()
    alone(images)
    for name, value in alone.state_dict().items():
        torch.testing.assert_close(network.state_dict()[name], value)


def test_concurrent_and_sequential_parts_give_the_same_gradients(images, threads):
    torch.manual_seed(0)
    network = Network(2)
    objective, turns, quarters = made(network)
    gradients = []
    for count in (2, 1):
        torch.set_num_threads(count)
        Gradients(network, objective, needs_full_batch=True, rotations=turns).compute(images, LABELS, quarters)
        gradients.append([weight.grad for weight in (*network.parameters(), *turns.parameters())])
    for one, two in zip(*gradients, strict=True):
        assert torch.equal(one, two)


def test_rotations_are_not_used_for_images_that_are_not_square(job):
    done = job.train(image_shape="3,24,32", epochs="1")
    assert done.returncode == 0, done.stdout + done.stderr
