"""BlazingText's hyperparameters for text classification, as the Developer Guide lists them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scones.containers.contract import CustomerError, boolean

WORD2VEC = ("batch_skipgram", "cbow", "skipgram")


@dataclass(frozen=True, slots=True)
class Parameters:
    """Hyperparameters of a job; the defaults are AWS's."""

    buckets: int = 2_000_000
    early_stopping: bool = False
    epochs: int = 5
    learning_rate: float = 0.05
    min_count: int = 5
    min_epochs: int = 5
    patience: int = 4
    vector_dim: int = 100
    word_ngrams: int = 2

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Parameters:
        """Return the hyperparameters of a job; raises `CustomerError` for an invalid one."""
        if "mode" not in given:
            raise CustomerError("Missing required hyperparameter: mode")
        if given["mode"] in WORD2VEC:
            raise CustomerError(
                f"The local cloud does not support mode {given['mode']}: BlazingText supports only text "
                "classification, with mode supervised."
            )
        if given["mode"] != "supervised":
            raise CustomerError(f"The hyperparameter mode is {given['mode']!r}; it must be supervised.")
        found: dict[str, Any] = {}
        for name, value in given.items():
            if name in ("mode", "_tuning_objective_metric"):
                continue
            if name not in cls.__slots__:
                raise CustomerError(f"BlazingText has no hyperparameter {name} in mode supervised; remove it.")
            found[name] = _value(name, value)
        return cls(**found)


def _value(name: str, value: Any) -> int | float | bool:
    text = str(value).strip()
    if name == "early_stopping":
        try:
            return boolean(text)
        except ValueError:
            raise CustomerError(f"The hyperparameter early_stopping is {text!r}; it must be True or False.") from None
    try:
        number = float(text) if name == "learning_rate" else int(text)
    except ValueError:
        number = math.nan
    least = "of at least 0" if name == "min_count" else "greater than 0"
    if not math.isfinite(number) or number < 0 or (number == 0 and name != "min_count"):
        kind = "a number" if name == "learning_rate" else "an integer"
        raise CustomerError(f"The hyperparameter {name} is {text!r}; it must be {kind} {least}.")
    return number
