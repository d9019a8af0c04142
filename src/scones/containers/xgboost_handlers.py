"""What AWS's XGBoost image does where an inference script leaves a handler out, and where there is none."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import xgboost

from scones.containers import codec, xgboost_data


def model_fn(model_dir: str) -> Any:
    """Load the model file, in XGBoost's own format or pickled: `xgboost-model`, or the only file there is."""
    path = Path(model_dir, "xgboost-model")
    if not path.exists():
        found = [each for each in sorted(Path(model_dir).iterdir()) if each.is_file()]
        if len(found) != 1:
            raise ValueError(
                f"The XGBoost image loads xgboost-model or the only file of a model, and this one has "
                f"{', '.join(each.name for each in found) or 'none'}: define model_fn(model_dir) in the script."
            )
        path = found[0]
    try:
        booster = xgboost.Booster()
        booster.load_model(str(path))
    except xgboost.core.XGBoostError:
        with path.open("rb") as file:
            return pickle.load(file)  # noqa: S301 - the user's own model, as AWS's image loads it
    return booster


def input_fn(body: Any, content_type: str) -> xgboost.DMatrix:
    """Return the rows in a request: CSV, LIBSVM, JSON or NumPy's format."""
    if codec.bare(content_type) in xgboost_data.LIBSVM:
        return xgboost_data.libsvm(body.decode() if isinstance(body, bytes) else body)[0]
    return xgboost.DMatrix(np.atleast_2d(codec.decode(body, content_type)))


def predict_fn(data: Any, model: Any) -> Any:
    """Return what the model predicts for each row."""
    if isinstance(model, xgboost.Booster):
        best = model.attributes().get("best_iteration")
        return model.predict(data, iteration_range=(0, int(best) + 1) if best else (0, 0), validate_features=False)
    return model.predict(data.get_data() if isinstance(data, xgboost.DMatrix) else data)


def output_fn(prediction: Any, accept: str) -> tuple[str | bytes, str]:
    """Return the predictions: JSON as AWS's algorithm wraps them where asked for it, comma-separated otherwise."""
    chosen, scores = codec.bare(accept), [{"score": each} for each in np.asarray(prediction).tolist()]
    if chosen == "application/jsonlines":
        return "".join(f"{json.dumps(score)}\n" for score in scores), chosen
    if chosen == codec.JSON:
        return json.dumps({"predictions": scores}), chosen
    if chosen == codec.NPY:
        return codec.encode(prediction, codec.NPY), chosen
    return ",".join(str(score["score"]) for score in scores), "text/csv; charset=utf-8"
