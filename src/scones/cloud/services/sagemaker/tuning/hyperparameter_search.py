"""The search of a tuning job: Optuna's samplers choose hyperparameters from ranges."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import isfinite, prod
from typing import TYPE_CHECKING

from scones.cloud.services.sagemaker.errors import invalid, not_supported
from scones.cloud.wire import numbers
from scones.cloud.wire.members import Members

if TYPE_CHECKING:  # optuna takes most of a second to load; only tuning jobs load it
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler
    from optuna.trial import Trial

LOGARITHMIC_SPAN = 100.0
"""Ratio of a range's ends from which Auto scaling is logarithmic; AWS does not publish its rule."""

MAX_COMBINATIONS = 750
"""Maximum number of combinations of a grid: AWS's quota of training jobs per tuning job."""


class HyperparameterSearch:
    """The search of one tuning job; `config` is its HyperParameterTuningJobConfig. Methods block for milliseconds."""

    def __init__(self, config: Members) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        ranges = config.get("ParameterRanges", {})
        self._ranges = {each["Name"]: each for kind in _KINDS for each in ranges.get(kind, [])}
        self._space = {
            each["Name"]: distribution
            for kind, make in _KINDS.items()
            for each in ranges.get(kind, [])
            for distribution in [make(each)]
        }
        self._study = optuna.create_study(
            direction="maximize" if config["HyperParameterTuningJobObjective"]["Type"] == "Maximize" else "minimize",
            sampler=_sampler(config),
        )
        self._trials: dict[int, Trial] = {}
        self._grid = config["Strategy"] == "Grid"
        if self._grid:
            names = list(self._space)
            for values in product(*(self._ranges[name]["Values"] for name in names)):
                self._study.enqueue_trial(dict(zip(names, values, strict=True)))

    def next_trial(self) -> tuple[int, dict[str, str]]:
        """Return the number of the next trial and its hyperparameters, as strings."""
        trial = self._study.ask(self._space)
        self._trials[trial.number] = trial
        return trial.number, {name: self._text(name, value) for name, value in trial.params.items()}

    def report(self, number: int, value: float | None) -> None:
        """Record the objective value of a trial, or None if the trial failed."""
        from optuna.trial import TrialState

        trial = self._trials.pop(number)
        if value is None:
            self._study.tell(trial, state=TrialState.FAIL)
        else:
            self._study.tell(trial, value)

    def restore_trial(self, tuned: dict[str, str]) -> int:
        """Restore a trial of an earlier process and return its number; trials must be restored in order."""
        if not self._grid:  # a grid always has the same order
            self._study.enqueue_trial({name: self._value(name, text) for name, text in tuned.items()})
        return self.next_trial()[0]

    def _text(self, name: str, value: float | str) -> str:
        return str(1 - float(value)) if _reversed(self._ranges[name]) else str(value)

    def _value(self, name: str, text: str) -> float | str:
        given = self._ranges[name]
        if "Values" in given:
            return text
        value = float(text)
        if _reversed(given):
            return 1 - value
        return int(value) if self._space[name].__class__.__name__.startswith("Int") else value


def check(config: Members) -> None:
    """Check ranges and strategies; raises `ServiceError` if AWS rejects them or this cloud does not support them."""
    strategy, ranges = config["Strategy"], config.get("ParameterRanges", {})
    if strategy == "Hyperband":
        raise not_supported("the strategy Hyperband", "Use Bayesian, Random or Grid.")
    if ranges.get("AutoParameters"):
        raise not_supported("AutoParameters", "Specify a range for the parameter.")
    if not any(ranges.get(kind) for kind in _KINDS):
        raise invalid("At least one hyperparameter range must be given.")
    numeric = [
        (each, read)
        for kind, read in (("IntegerParameterRanges", numbers.integer), ("ContinuousParameterRanges", numbers.decimal))
        for each in ranges.get(kind, [])
    ]
    for each, read in numeric:
        _check_range(each, read)
    if strategy == "Grid":
        if numeric:
            raise invalid("Grid search supports only categorical hyperparameters.")
        _check_grid(config)
    elif "MaxNumberOfTrainingJobs" not in config["ResourceLimits"]:
        raise invalid(f"MaxNumberOfTrainingJobs must be given for the strategy {strategy}.")


def _check_range(given: Members, read: Callable[[str], float]) -> None:
    name, low, high = given["Name"], _number(given, "MinValue", read), _number(given, "MaxValue", read)
    if not isfinite(high - low):
        raise invalid(f"The range from {given['MinValue']} to {given['MaxValue']} of {name} is too large.")
    if low > high:
        raise invalid(f"The MinValue {given['MinValue']} of {name} is greater than its MaxValue {given['MaxValue']}.")
    scaling = given.get("ScalingType", "Auto")
    if scaling == "Logarithmic" and low <= 0:
        raise invalid(f"Logarithmic scaling requires values greater than 0, but MinValue of {name} is {low:g}.")
    if scaling == "ReverseLogarithmic" and not 0 <= low <= high < 1:
        raise invalid(
            f"ReverseLogarithmic scaling requires values from 0 to below 1; the range of {name} "
            "is not within these limits."
        )


def _check_grid(config: Members) -> None:
    size = grid_size(config)
    if size > MAX_COMBINATIONS:
        raise invalid(f"A grid can have up to {MAX_COMBINATIONS} combinations; this one has {size}.")
    if config["ResourceLimits"].get("MaxNumberOfTrainingJobs", size) != size:
        raise invalid(f"For Grid search, MaxNumberOfTrainingJobs must equal the number of combinations, {size}.")


def grid_size(config: Members) -> int:
    """Return the number of combinations of the categorical ranges."""
    return prod(len(each["Values"]) for each in config["ParameterRanges"]["CategoricalParameterRanges"])


def _number(given: Members, bound: str, read: Callable[[str], float]) -> float:
    try:
        return read(given[bound])
    except ValueError:
        raise invalid(f"{bound} of {given['Name']} is not a number: {given[bound]!r}.") from None


def _integer(given: Members) -> BaseDistribution:
    from optuna.distributions import IntDistribution

    return IntDistribution(int(given["MinValue"]), int(given["MaxValue"]), log=_logarithmic(given))


def _continuous(given: Members) -> BaseDistribution:
    from optuna.distributions import FloatDistribution

    low, high = float(given["MinValue"]), float(given["MaxValue"])
    if _reversed(given):
        return FloatDistribution(1 - high, 1 - low, log=True)
    return FloatDistribution(low, high, log=_logarithmic(given))


def _categorical(given: Members) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution

    return CategoricalDistribution(given["Values"])


_KINDS = {
    "IntegerParameterRanges": _integer,
    "ContinuousParameterRanges": _continuous,
    "CategoricalParameterRanges": _categorical,
}


def _logarithmic(given: Members) -> bool:
    scaling, low, high = given.get("ScalingType", "Auto"), float(given["MinValue"]), float(given["MaxValue"])
    return bool(scaling == "Logarithmic" or (scaling == "Auto" and low > 0 and high / low >= LOGARITHMIC_SPAN))


def _reversed(given: Members) -> bool:
    return given.get("ScalingType") == "ReverseLogarithmic"


def _sampler(config: Members) -> BaseSampler:
    from optuna import samplers

    seed = config.get("RandomSeed")
    if config["Strategy"] == "Bayesian":
        # constant_liar counts running trials as poor ones, so that parallel training jobs try different values.
        return samplers.TPESampler(seed=seed, multivariate=True, constant_liar=True, n_startup_trials=5)
    return samplers.RandomSampler(seed=seed)
