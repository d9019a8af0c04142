"""The hyperparameters of AWS's built-in image-classification algorithm: names, types, ranges, defaults.

Source: the Developer Guide's "Image Classification Hyperparameters". All values arrive as strings. If any
hyperparameter of `OptimizerSettings` is given, the built-in algorithm's optimizer replaces that of our recipe.
Hyperparameters in `NO_EFFECT` are accepted and checked, and the log says that they have no effect.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from scones.containers.contract import Container, CustomerError, boolean


def given_hyperparameters(container: Container) -> dict[str, str]:
    """Return a job's hyperparameters as strings.

    Script mode encodes values in JSON, which is undone, and adds `sagemaker_*` parameters, which are left out.
    """
    parameters = {name: str(value) for name, value in container.config("hyperparameters").items()}
    return {name: _unwrapped(text) for name, text in parameters.items() if not name.startswith("sagemaker_")}


def _unwrapped(text: str) -> str:
    return str(json.loads(text)) if text.startswith('"') and text.endswith('"') else text


@dataclass(frozen=True)
class ParameterCheck:
    """Converts a hyperparameter from text and validates it."""

    read: Callable[[str], Any]
    expected: str
    """Completes the sentence "must be …"."""


def _integer(low: int, high: int | None = None) -> ParameterCheck:
    def check(text: str) -> int:
        value = int(text)
        if value < low or (high is not None and value > high):
            raise ValueError
        return value

    return ParameterCheck(
        check, f"an integer of at least {low}" if high is None else f"an integer from {low} to {high}"
    )


def _real(low: float, high: float, *, below: bool = False) -> ParameterCheck:
    def check(text: str) -> float:
        value = float(text)
        if not low <= value <= high or (below and value == high):
            raise ValueError
        return value

    return ParameterCheck(check, f"a number from {low:g} to {'below ' if below else ''}{high:g}")


def _one_of(*values: str) -> ParameterCheck:
    def check(text: str) -> str:
        if text not in values:
            raise ValueError
        return text

    return ParameterCheck(check, "one of " + ", ".join(values))


def _shape(text: str) -> tuple[int, int, int]:
    channels, height, width = (int(part) for part in text.split(","))
    if channels != 3 or not (16 <= height <= 512 and 16 <= width <= 512):
        raise ValueError
    return channels, height, width


def _steps(text: str) -> tuple[int, ...]:
    steps = tuple(int(part) for part in text.split(","))
    if min(steps) < 1:
        raise ValueError
    return steps


_FLAG = ParameterCheck(lambda text: int(boolean(text)), "0 or 1")
"""Check of a boolean that the algorithm logs as a number."""
CHECKS: dict[str, ParameterCheck] = {
    "num_classes": _integer(2),
    "num_training_samples": _integer(1),
    "use_pretrained_model": _FLAG,
    "num_layers": _one_of("18", "34", "50", "101", "152", "200", "20", "32", "44", "56", "110"),
    "image_shape": ParameterCheck(
        _shape, 'three integers "channels,height,width", such as 3,32,32, with 3 channels and sides from 16 to 512'
    ),
    "resize": _integer(1),
    "mini_batch_size": _integer(1),
    "epochs": _integer(1),
    "learning_rate": _real(0, 1),
    "lr_scheduler_factor": _real(0, 1),
    "lr_scheduler_step": ParameterCheck(_steps, "numbers of epochs separated by commas, such as 10,20"),
    "optimizer": _one_of("sgd", "adam", "rmsprop", "nag"),
    "momentum": _real(0, 1),
    "weight_decay": _real(0, 1),
    "beta_1": _real(0, 1, below=True),
    "beta_2": _real(0, 1, below=True),
    "eps": _real(0, 1),
    "gamma": _real(0, 1),
    "augmentation_type": _one_of("crop", "crop_color", "crop_color_transform"),
    "precision_dtype": _one_of("float32", "float16"),
    "multi_label": _FLAG,
    "use_weighted_loss": _FLAG,
    "top_k": _integer(2),
    "kv_store": _one_of("dist_sync", "dist_async"),
    "checkpoint_frequency": _integer(1),
    "early_stopping": ParameterCheck(boolean, "True or False"),
    "early_stopping_min_epochs": _integer(1),
    "early_stopping_patience": _integer(1),
    "early_stopping_tolerance": _real(0, 1),
}
NO_EFFECT = {
    "num_layers": "Scones uses its own network",
}
"""Hyperparameters without effect, and the reason."""
TUNING = "_tuning_objective_metric"
"""Hyperparameter that a tuning job adds to its training jobs."""
DEFAULT_EPOCHS = 30


@dataclass(frozen=True, slots=True)
class OptimizerSettings:
    """Optimizer and learning rate schedule of the built-in algorithm; the defaults are those in its logs."""

    optimizer: str = "sgd"
    learning_rate: float = 0.1
    momentum: float = 0.9
    """The documentation says 0; logs say .9."""
    weight_decay: float = 1e-4
    beta_1: float = 0.9
    beta_2: float = 0.999
    eps: float = 1e-8
    gamma: float = 0.9
    lr_scheduler_factor: float = 0.1
    lr_scheduler_step: tuple[int, ...] = ()

    def described(self) -> list[str]:
        """Return the log lines for the hyperparameters of the optimizer, in the built-in algorithm's format."""
        own = {"adam": ["beta_1", "beta_2", "eps"], "rmsprop": ["gamma", "eps"]}
        names = ["optimizer", *own.get(self.optimizer, ["momentum", "weight_decay"]), "learning_rate"]
        if self.lr_scheduler_step:
            names += ["lr_scheduler_step", "lr_scheduler_factor"]
        return [f"{name}: {getattr(self, name)}" for name in names]


PRETRAINED_BATCH = 32
"""Default batch size for fine-tuning, as in the built-in. From scratch, our recipe works best with `Hyperparameters`'
own."""


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """Hyperparameters of a training job; the batch size has our recipe's default, the others AWS's defaults."""

    num_classes: int
    num_training_samples: int
    image_shape: tuple[int, int, int] = (3, 224, 224)
    epochs: int = DEFAULT_EPOCHS
    mini_batch_size: int = 50
    use_pretrained_model: int = 0
    augmentation_type: str | None = None
    resize: int | None = None
    multi_label: int = 0
    use_weighted_loss: int = 0
    top_k: int | None = None
    checkpoint_frequency: int = 1
    optimizer_settings: OptimizerSettings | None = None
    """None selects our recipe's own rule."""
    early_stopping: bool = False
    early_stopping_min_epochs: int = 10
    early_stopping_patience: int = 10
    """The documentation says 5; 13 of 13 logs of jobs that left it unset say 10."""
    early_stopping_tolerance: float = 0.01
    """The documentation says 0; 15 of 15 logs say .01."""

    def described(self) -> list[str]:
        """Return the log lines of all hyperparameters, worded as the built-in algorithm does where it logs one."""
        stopping = [name for name in self.__dataclass_fields__ if name.startswith("early_stopping")]
        plain = [name for name in self.__dataclass_fields__ if name not in ("rule", *stopping)]
        lines = [f"{name}: {getattr(self, name)}" for name in plain]
        lines += (
            self.optimizer_settings.described() if self.optimizer_settings else ["optimizer: default of the recipe"]
        )
        if self.early_stopping:
            lines += [
                "Using early stopping for training",
                f"Early stopping minimum epochs: {self.early_stopping_min_epochs}",
                f"Early stopping patience: {self.early_stopping_patience}",
                f"Early stopping tolerance: {self.early_stopping_tolerance}",
            ]
        return lines

    @classmethod
    def read(cls, given: Mapping[str, str]) -> tuple[Hyperparameters, list[str]]:
        """Check the hyperparameters; return them and warnings about those without effect. Raises `CustomerError`."""
        values = {name: _value(name, text) for name, text in given.items() if name != TUNING}
        for required in ("num_classes", "num_training_samples"):
            if required not in values:
                raise CustomerError(f"The hyperparameter {required} is required.")
        _check_together(values)
        rule = {name: value for name, value in values.items() if name in OptimizerSettings.__dataclass_fields__}
        effective = {name: value for name, value in values.items() if name in cls.__dataclass_fields__}
        if values.get("use_pretrained_model"):
            effective.setdefault("mini_batch_size", PRETRAINED_BATCH)
        return cls(**effective, optimizer_settings=_optimizer_settings(rule) if rule else None), _warnings(values)


def _check_together(values: Mapping[str, Any]) -> None:
    """Raise `CustomerError` for values that contradict each other."""
    if values.get("kv_store") == "dist_async":
        raise CustomerError(
            "kv_store=dist_async is not supported, because instances learn in step; use dist_sync, or remove it."
        )
    epochs = values.get("epochs", DEFAULT_EPOCHS)
    if values.get("checkpoint_frequency", 1) > epochs:
        raise CustomerError(
            f"The hyperparameter checkpoint_frequency must be at most epochs ({epochs}), "
            f"not {str(values['checkpoint_frequency'])!r}."
        )
    if values.get("top_k", 2) > values["num_classes"]:
        raise CustomerError(
            f"The hyperparameter top_k must be at most num_classes ({values['num_classes']}), "
            f"not {str(values['top_k'])!r}."
        )


def _optimizer_settings(given: dict[str, Any]) -> OptimizerSettings:
    """Return the optimizer's settings. As on AWS, `lr_scheduler_step` is ignored without `lr_scheduler_factor`."""
    if "lr_scheduler_factor" not in given:
        given.pop("lr_scheduler_step", None)
    return OptimizerSettings(**given)


def _warnings(values: Mapping[str, Any]) -> list[str]:
    """Return warnings about hyperparameters without effect."""
    warnings = [f"{name} has no effect here: {NO_EFFECT[name]}." for name in sorted(NO_EFFECT.keys() & values.keys())]
    if values.get("precision_dtype") == "float16":
        warnings.append("precision_dtype=float16 has no effect here: training uses float32.")
    if "lr_scheduler_step" in values and "lr_scheduler_factor" not in values:
        warnings.append("lr_scheduler_step defined without lr_scheduler_factor, will be ignored...")
    if "top_k" in values and values.get("multi_label"):
        warnings.append("top_k has no effect with multi_label=1.")
    if values.get("early_stopping"):
        return warnings
    names = sorted(name for name in values if name.startswith("early_stopping_"))
    return warnings + [f"{name} has no effect without early_stopping=True." for name in names]


def _value(name: str, text: str) -> Any:
    check = CHECKS.get(name)
    if check is None:
        raise CustomerError(f"image-classification has no hyperparameter {name}; remove it.")
    try:
        return check.read(text)
    except ValueError as error:
        raise CustomerError(f"The hyperparameter {name} must be {check.expected}, not {text!r}.") from error
