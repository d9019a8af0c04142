"""The part of AWS's sagemaker-containers that scripts use; AWS's scikit-learn and XGBoost images serve with it."""

from __future__ import annotations

from . import entry_point
from .beta.framework import training_env

__all__ = ["entry_point", "training_env"]
