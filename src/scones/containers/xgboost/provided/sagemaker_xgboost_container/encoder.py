"""Conversion of request bodies to XGBoost's DMatrix."""

from __future__ import annotations

from typing import Any

import xgboost

from scones.containers.xgboost.data import rows as decode

__all__ = ["csv_to_dmatrix", "decode", "libsvm_to_dmatrix"]


def csv_to_dmatrix(body: str | bytes, dtype: Any = None) -> xgboost.DMatrix:  # noqa: ARG001 - AWS's signature
    """Return the rows of a CSV body."""
    return decode(body, "text/csv")


def libsvm_to_dmatrix(body: str | bytes) -> xgboost.DMatrix:
    """Return the rows of a LIBSVM body."""
    return decode(body, "text/libsvm")
