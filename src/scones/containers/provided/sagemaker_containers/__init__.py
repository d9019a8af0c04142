"""What scripts use of AWS's sagemaker-containers, which its scikit-learn and XGBoost images serve with."""

from __future__ import annotations

from .beta.framework import training_env

__all__ = ["training_env"]
