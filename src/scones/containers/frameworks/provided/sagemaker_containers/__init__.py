"""The part of AWS's sagemaker-containers that scripts use; AWS's scikit-learn and XGBoost images serve with it."""

from __future__ import annotations

from .beta.framework import training_env

__all__ = ["training_env"]
