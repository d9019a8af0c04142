"""Default handlers of AWS's XGBoost framework image."""

from __future__ import annotations

from typing import Any

import xgboost

from scones.containers.frameworks import codec
from scones.containers.xgboost import data as xgboost_data


def model_fn(model_dir: str) -> Any:
    """Raise `NotImplementedError`: with a script, the image has no default way to load a model."""
    raise NotImplementedError(
        "With a script, the XGBoost image has no default model loader: define model_fn(model_dir) to load the "
        f"model from {model_dir}."
    )


def input_fn(body: Any, content_type: str) -> xgboost.DMatrix:
    """Return the rows of a request in CSV or LIBSVM."""
    return xgboost_data.rows(body, content_type)


def predict_fn(data: Any, model: Any) -> Any:
    """Return the model's predictions."""
    return model.predict(data, validate_features=False)


def output_fn(prediction: Any, accept: str) -> str | bytes:
    """Return a prediction in the requested format."""
    return codec.encode(prediction, accept)
