"""Rows for XGBoost, read as AWS's image reads them: the label is CSV's first column and LIBSVM's first word."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import xgboost
from scipy import sparse

LIBSVM = frozenset({"text/libsvm", "text/x-libsvm"})


def libsvm(text: str) -> tuple[xgboost.DMatrix, list[float]]:
    """Return LIBSVM lines, `label index:value …`, as a matrix with labels; a line may leave its label out."""
    labels, values, columns, starts = [], [], [], [0]
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if not words:
            continue
        labels.append(float(words.pop(0)) if ":" not in words[0] else 0.0)
        for word in words:
            column, _, value = word.partition(":")
            columns.append(int(column))
            values.append(float(value))
        starts.append(len(values))
    rows = sparse.csr_matrix((np.array(values, dtype=np.float32), columns, starts))
    return xgboost.DMatrix(rows, label=labels), labels


def read(files: Iterable[Path], content_type: str, *, weighted: bool = False) -> xgboost.DMatrix:
    """Return the rows of files, all of one type; with `weighted`, CSV's second column is each row's weight."""
    texts = [path.read_text() for path in files]
    if content_type in LIBSVM:
        return libsvm("\n".join(texts))[0]
    table = np.vstack([np.loadtxt(text.splitlines(), delimiter=",", dtype=np.float32, ndmin=2) for text in texts])
    if weighted:
        return xgboost.DMatrix(table[:, 2:], label=table[:, 0], weight=table[:, 1])
    return xgboost.DMatrix(table[:, 1:], label=table[:, 0])
