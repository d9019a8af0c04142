"""The default handlers."""

from __future__ import annotations

from scones.containers.frameworks.sklearn_handlers import input_fn as default_input_fn
from scones.containers.frameworks.sklearn_handlers import model_fn as default_model_fn
from scones.containers.frameworks.sklearn_handlers import output_fn as default_output_fn
from scones.containers.frameworks.sklearn_handlers import predict_fn as default_predict_fn

__all__ = ["default_input_fn", "default_model_fn", "default_output_fn", "default_predict_fn"]
