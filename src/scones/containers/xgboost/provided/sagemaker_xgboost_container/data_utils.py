"""Rows from a channel."""

from __future__ import annotations

from pathlib import Path

import xgboost

from scones.containers.xgboost import data as xgboost_data


def get_dmatrix(
    data_path: str,
    content_type: str,
    csv_weights: int = 0,
    is_pipe: bool = False,  # noqa: ARG001 - AWS's signature; pipe mode is not supported here
) -> xgboost.DMatrix:
    """Return the labelled rows of a channel folder, in CSV or LIBSVM."""
    return xgboost_data.read(Path(data_path), content_type, weighted=bool(csv_weights))
