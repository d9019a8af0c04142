"""The built-in algorithm's hyperparameters: their effects, and the rejection of invalid ones."""

from __future__ import annotations

import re
from functools import partial

import numpy as np
import pytest
import torch

from scones.containers.blazingtext.parameters import Parameters
from scones.containers.contract import CustomerError
from scones.containers.image_classification.builtin_optimizer import builtin_optimizer, rate_after
from scones.containers.image_classification.hyperparameters import Hyperparameters, OptimizerSettings
from scones.containers.image_classification.objective import Objective
from scones.containers.image_classification.optimizer import AdamW, Sgd
from scones.containers.image_classification.recipes import BuiltinRecipe, FromScratch, choose
from support.image_classification_jobs import make

GIVEN = {"num_classes": "3", "num_training_samples": "40", "mini_batch_size": "10", "image_shape": "3,16,16"}


def read(**given: str) -> Hyperparameters:
    return Hyperparameters.read(GIVEN | given)[0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"kv_store": "dist_async"},
            "kv_store=dist_async is not supported, because instances learn in step; use dist_sync, or",
        ),
        ({"top_k": "1"}, "The hyperparameter top_k must be an integer of at least 2, not '1'."),
        ({"top_k": "4"}, "The hyperparameter top_k must be at most num_classes (3), not '4'."),
        (
            {"epochs": "2", "checkpoint_frequency": "3"},
            "The hyperparameter checkpoint_frequency must be at most",
        ),
        ({"beta_1": "1"}, "The hyperparameter beta_1 must be a number from 0 to below 1, not '1'."),
        ({"learning_rate": "nan"}, "The hyperparameter learning_rate must be a number from 0 to 1, not 'nan'."),
        ({"lr_scheduler_step": "0,5"}, "The hyperparameter lr_scheduler_step must be numbers of epochs separated by"),
        ({"image_shape": "3,15,16"}, "The hyperparameter image_shape must be three integers"),
        ({"image_shape": "3,16,513"}, "The hyperparameter image_shape must be three integers"),
        ({"multi_label": "2"}, "The hyperparameter multi_label must be 0 or 1, not '2'."),
        (
            {"precision_dtype": "int8"},
            "The hyperparameter precision_dtype must be one of float32, float16, not 'int8'.",
        ),
    ],
)
def test_invalid_values_are_rejected_by_name(given, message):
    with pytest.raises(CustomerError) as refused:
        read(**given)
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(("text", "value"), [("0", False), ("1", True), ("False", False), ("tRUE", True)])
def test_booleans_are_numbers_or_words_in_any_case(text, value):
    given = read(early_stopping=text, multi_label=text, use_weighted_loss=text, use_pretrained_model=text)
    assert (given.early_stopping, given.multi_label, given.use_weighted_loss, given.use_pretrained_model) == (
        value,
        value,
        value,
        value,
    )
    assert Parameters.read({"mode": "supervised", "early_stopping": text}).early_stopping == value


def test_defaults_equal_those_of_the_built_in_algorithm():
    assert read(optimizer="sgd").optimizer_settings == OptimizerSettings(
        "sgd", 0.1, 0.9, 1e-4, 0.9, 0.999, 1e-8, 0.9, 0.1, ()
    )


def test_the_default_recipe_is_used_unless_a_hyperparameter_sets_the_optimizer():
    assert read().optimizer_settings is None
    assert isinstance(choose(read(), torch.rand(4, 3, 16, 16)), FromScratch)
    assert isinstance(choose(read(momentum=".5"), torch.rand(4, 3, 16, 16)), BuiltinRecipe)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (OptimizerSettings("sgd", 0.5, momentum=0.5, weight_decay=0.1), [0.45, -0.3475]),
        (OptimizerSettings("nag", 0.5, momentum=0.5, weight_decay=0), [0.25, -0.625]),
        (OptimizerSettings("adam", 0.5, weight_decay=0.1), [0.5, 0.0]),
        (OptimizerSettings("rmsprop", 0.5, gamma=0.75), [0.0, -0.755929]),
    ],
)
def test_two_steps_of_each_optimizer_with_a_gradient_of_one(rule, expected):
    """Expected values are calculated by hand from w = 1: for sgd, v = 1.1 in the first step, then .5 v + 1 + .1 w."""
    weight = torch.nn.Parameter(torch.ones(1))
    optimizer = builtin_optimizer(rule, [weight])
    found = []
    for _ in range(2):
        weight.grad = torch.ones(1)
        optimizer.step()
        found.append(weight.item())
    assert found == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("make", "make_theirs"),
    [
        (
            lambda weights: Sgd(weights, 0.9, 0.1),
            partial(torch.optim.SGD, momentum=0.9, weight_decay=0.1, nesterov=True),
        ),
        (lambda weights: AdamW(weights, 0.1), partial(torch.optim.AdamW, weight_decay=0.1, fused=True)),
    ],
)
def test_our_optimizers_take_the_same_steps_as_those_of_pytorch(make, make_theirs):
    torch.manual_seed(0)
    first = torch.nn.Parameter(torch.rand(5))
    second = torch.nn.Parameter(first.detach().clone())
    ours, theirs = make([first]), make_theirs([second])
    for rate in (0.1, 0.2, 0.05):
        for weight in (first, second):
            (weight.sin() + 1).prod().backward()
        theirs.param_groups[0]["lr"] = rate
        theirs.step()
        theirs.zero_grad()
        ours.step(torch.tensor(rate))
        torch.testing.assert_close(first, second, rtol=1e-6, atol=1e-7)


def test_the_rate_falls_after_the_epochs_of_the_schedule():
    rule = read(lr_scheduler_step="2,3", lr_scheduler_factor="0.5", learning_rate="0.8").optimizer_settings
    assert [rate_after(rule, epochs) for epochs in range(5)] == pytest.approx([0.8, 0.8, 0.4, 0.2, 0.2])


def test_steps_without_a_factor_are_ignored_as_the_built_in_does():
    parameters, warnings = Hyperparameters.read(GIVEN | {"lr_scheduler_step": "2"})
    assert parameters.optimizer_settings.lr_scheduler_step == ()
    assert warnings == ["lr_scheduler_step defined without lr_scheduler_factor, will be ignored..."]


def test_the_schedule_counts_epochs_by_its_batches():
    parameters = read(learning_rate="0.0001", lr_scheduler_step="1", lr_scheduler_factor="0", weight_decay="0")
    recipe = choose(parameters, torch.rand(4, 3, 16, 16))
    head = recipe.network.head.weight
    changed = []
    for _ in range(5):  # 40 images are 4 batches of 10; then the rate is 0
        before = head.detach().clone()
        recipe.network(torch.rand(4, 3, 16, 16)).square().sum().backward()
        recipe.learn(torch.ones(()))
        changed.append(not torch.equal(before, head))
    assert changed == [True, True, True, True, False]


def test_diverging_training_is_reported(job):
    assert job.train(epochs="50", optimizer="sgd", learning_rate="1", weight_decay="1", momentum="1").returncode == 2
    assert job.failure.startswith("Training diverged: the loss is NaN or infinite; use a smaller learning_rate.")


def test_diverging_training_is_reported_within_an_epoch(tmp_path):
    job = make(tmp_path / "ml", train=120)
    rule = {"optimizer": "sgd", "learning_rate": "1", "weight_decay": "1", "momentum": "1"}
    done = job.train(epochs="1", mini_batch_size="1", **rule)
    assert done.returncode == 2
    assert job.failure.startswith("Training diverged: ")
    assert "Train-accuracy" not in done.stdout
    assert "Batch [20]" in done.stdout
    assert "Batch [100]" not in done.stdout


def test_a_weighted_loss_counts_each_class_the_same():
    labels = np.array([0] * 20 + [1], np.int64)
    logits = torch.zeros(21, 2, requires_grad=True)
    Objective(labels, 2, weighted=True).loss(logits, torch.from_numpy(labels)).backward()
    assert logits.grad.sum(0).tolist() == pytest.approx([0, 0], abs=1e-6)
    hot = np.eye(2, dtype=np.float32)[labels]
    logits = torch.zeros(21, 2, requires_grad=True)
    Objective(hot, 2, weighted=True).loss(logits, torch.from_numpy(hot)).backward()
    assert logits.grad.sum(0).tolist() == pytest.approx([0, 0], abs=1e-6)


@pytest.mark.slow
def test_top_k_accuracy_and_the_settings_of_the_optimizer_are_logged(job):
    done = job.train(epochs="12", optimizer="nag", learning_rate="0.02", mini_batch_size="6", top_k="2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert float(re.search(r"the model with validation accuracy: (\S+)", done.stdout)[1]) >= 0.9
    assert "Epoch[0] Train-top_k_accuracy_2=1.000000" in done.stdout
    reported = re.findall(r"INFO \d+\] (optimizer|momentum|learning_rate): (.*)", done.stdout)
    assert reported == [("optimizer", "nag"), ("momentum", "0.9"), ("learning_rate", "0.02")]
