"""AWS's XGBoost algorithm, which the image runs if a job has no script. As on AWS, it uses the open-source package."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import xgboost

from scones.containers.contract import CustomerError, boolean
from scones.containers.frameworks import codec
from scones.containers.frameworks.training_environment import TrainingEnvironment
from scones.containers.xgboost import data as xgboost_data

ACCEPT = "text/csv"
"""Default content type of a response."""
MODEL = "xgboost-model"
LARGEST_IS_BEST = {"accuracy", "auc", "aucpr", "map", "ndcg", "r2"}
ALGORITHM_PARAMETERS = (
    "num_round",
    "csv_weights",
    "early_stopping_rounds",
    "eval_metric",
    "silent",
    "nthread",
    "dsplit",
    "save_model_on_termination",
    "use_dask_gpu_training",
    "deterministic_histogram",
    "_kfold",
    "_num_cv_round",
)
"""Hyperparameters of AWS's algorithm that the current XGBoost package does not have; it defines all others."""


class _Log(xgboost.callback.TrainingCallback):
    """Prints a line per round in the format of CloudWatch, where a tab is #011."""

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:  # noqa: ARG002 - the package's signature
        """Print the round's metrics."""
        columns = [f"{data}-{name}:{values[-1]:.5f}" for data, of in evals_log.items() for name, values in of.items()]
        print("#011".join([f"[{epoch}]", *columns]), flush=True)  # noqa: T201 - the log
        return False


def train(job: TrainingEnvironment) -> None:
    """Train on the channels train and validation, and save the model; raises `CustomerError`."""
    given = job.hyperparameters
    if len(job.hosts) > 1:
        raise CustomerError(
            "The local cloud supports the XGBoost algorithm on one instance only: set InstanceCount to 1."
        )
    if "num_round" not in given:
        raise CustomerError("Missing required hyperparameter: num_round")
    if "_kfold" in given:
        raise CustomerError("The local cloud does not support the hyperparameter _kfold: use a validation channel.")
    matrices = [(_channel(job, name), name) for name in ("train", "validation") if name in job.channels]
    if not matrices or matrices[0][1] != "train":
        raise CustomerError("Missing required channel: train")
    metrics = _metrics(given)
    callbacks: list[Any] = [_Log()]
    if rounds := given.get("early_stopping_rounds"):
        callbacks.append(
            xgboost.callback.EarlyStopping(
                rounds=int(rounds),
                data_name=matrices[-1][1],
                metric_name=metrics[-1] if metrics else None,
                maximize=metrics[-1] in LARGEST_IS_BEST if metrics else None,
                save_best=True,
            )
        )
    own = [metric for metric in metrics if metric in _OWN_METRICS]
    print(  # noqa: T201 - the log
        f"Training with this machine's XGBoost {xgboost.__version__} on {matrices[0][0].num_row()} rows and "
        f"{matrices[0][0].num_col()} columns",
        flush=True,
    )
    try:
        booster = xgboost.train(
            _parameters(given) | {"eval_metric": [metric for metric in metrics if metric not in _OWN_METRICS]},
            matrices[0][0],
            num_boost_round=int(given["num_round"]),
            evals=matrices,
            callbacks=callbacks,
            custom_metric=(lambda rows, data: [(name, _OWN_METRICS[name](rows, data.get_label())) for name in own])
            if own
            else None,
            verbose_eval=False,
        )
    except (xgboost.core.XGBoostError, ValueError) as error:
        raise CustomerError(f"XGB train call failed with exception: {error}") from error
    booster.save_model(str(job.container.model / MODEL))


def _channel(job: TrainingEnvironment, name: str) -> xgboost.DMatrix:
    kind = job.channels[name].get("ContentType") or job.channels["train"].get("ContentType") or "text/libsvm"
    try:
        weighted = boolean(str(job.hyperparameters.get("csv_weights", 0)))
    except ValueError:
        raise CustomerError(
            f"The hyperparameter csv_weights is {job.hyperparameters['csv_weights']!r}; it must be 0 or 1."
        ) from None
    return xgboost_data.read(job.container.channel(name), kind, weighted=weighted)


def _parameters(given: dict[str, Any]) -> dict[str, Any]:
    found = {name: value for name, value in given.items() if name not in ALGORITHM_PARAMETERS}
    if found.get("objective") == "reg:linear":  # its name before XGBoost 1.0
        found["objective"] = "reg:squarederror"
    if str(found.get("tree_method", "")).startswith("gpu"):
        found["tree_method"] = "hist"
    found.pop("predictor", None)
    return found


def _metrics(given: dict[str, Any]) -> list[str]:
    requested = given.get("eval_metric", [])
    names = requested.split(",") if isinstance(requested, str) else list(requested)
    tuned = str(given.get("_tuning_objective_metric", "")).rpartition(":")[2]
    return list(dict.fromkeys([*(name.strip() for name in names), *([tuned] if tuned else [])]))


def _classes(rows: Any) -> Any:
    return np.argmax(rows, axis=1) if rows.ndim > 1 else rows > 0.5


_OWN_METRICS = {
    "accuracy": lambda rows, labels: float(np.mean(_classes(rows) == labels)),
    "mse": lambda rows, labels: float(np.mean((rows - labels) ** 2)),
    "r2": lambda rows, labels: float(1 - np.sum((rows - labels) ** 2) / np.sum((labels - labels.mean()) ** 2)),
}
"""Metrics of AWS's image that the package lacks."""


def model_fn(model_dir: str) -> xgboost.Booster:
    """Load the model, in XGBoost's own format or pickled, from `xgboost-model` or the folder's only file."""
    path = Path(model_dir, MODEL)
    if not path.exists():
        found = [each for each in sorted(Path(model_dir).iterdir()) if each.is_file()]
        if len(found) != 1:
            names = ", ".join(each.name for each in found) or "none"
            raise ValueError(
                f"The XGBoost algorithm loads {MODEL}, or the only file of a model; this model has {names}."
            )
        path = found[0]
    try:
        return xgboost.Booster(model_file=str(path))
    except (xgboost.core.XGBoostError, UnicodeDecodeError) as error:
        try:
            return _unpickled(path)
        except xgboost.core.XGBoostError:
            raise
        except Exception:
            raise error from None  # the file is not a pickle


def _unpickled(path: Path) -> xgboost.Booster:
    with path.open("rb") as file:
        return pickle.load(file)  # type: ignore[no-any-return] # noqa: S301 - the user's own, as AWS's image loads it


def input_fn(body: Any, content_type: str) -> xgboost.DMatrix:
    """Return the rows of a request in CSV or LIBSVM."""
    return xgboost_data.rows(body, content_type)


def predict_fn(data: xgboost.DMatrix, model: xgboost.Booster) -> Any:
    """Return the predictions for all rows, using the rounds up to the best one."""
    best = model.attr("best_iteration")
    return model.predict(data, iteration_range=(0, int(best) + 1) if best else (0, 0), validate_features=False)


def output_fn(prediction: Any, accept: str) -> tuple[str | bytes, str]:
    """Return the predictions in the format of AWS's algorithm: CSV, or JSON with a score for each row."""
    scores = [{"score": each} for each in prediction.tolist()]
    match codec.bare(accept):
        case "application/json":
            return json.dumps({"predictions": scores}), codec.JSON
        case "application/jsonlines":
            return "".join(f"{json.dumps(score)}\n" for score in scores), "application/jsonlines"
        case "text/csv":
            lines = "\n".join(str(each) for each in prediction.tolist()) + "\n"
            batch = os.environ.get("SAGEMAKER_BATCH") == "true"
            return lines if batch else codec.encode(prediction, codec.CSV), "text/csv; charset=utf-8"
    raise codec.UnsupportedFormatError(accept, 406)
