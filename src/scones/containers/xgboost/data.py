"""Rows for XGBoost, read as AWS's image does: the label is the first column of CSV, the first field of LIBSVM."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xgboost
from scipy import sparse

from scones.containers.contract import CustomerError
from scones.containers.frameworks import codec

LIBSVM = frozenset({"libsvm", "text/libsvm", "text/x-libsvm"})
CSV = frozenset({"csv", "text/csv"})


def rows(body: Any, content_type: str) -> xgboost.DMatrix:
    """Return the unlabelled rows of a request; raises `UnsupportedFormatError`."""
    kind = codec.bare(content_type)
    text = body.decode() if isinstance(body, bytes) else body
    if kind in CSV:
        return xgboost.DMatrix(_table(text.strip().split("\n")))
    if kind in LIBSVM:
        return xgboost.DMatrix(_sparse(text.strip().split("\n"))[0])
    raise codec.UnsupportedFormatError(content_type)


def read(folder: Path, content_type: str, *, weighted: bool) -> xgboost.DMatrix:
    """Return the labelled rows of a channel's files; with `weighted`, CSV's second column is the row weight.

    Raises `CustomerError` for an empty channel or an invalid file.
    """
    lines = [line for path in _files(folder) for line in path.read_text().splitlines() if line.strip()]
    if not lines:
        raise CustomerError(f"No data in channel path {folder}")
    kind = codec.bare(content_type)
    if kind not in CSV | LIBSVM:
        raise CustomerError(
            f"ContentType {content_type} is not supported: use csv, libsvm, text/csv, text/libsvm or text/x-libsvm."
        )
    try:
        if kind in LIBSVM:
            matrix, labels = _sparse(lines)
            return xgboost.DMatrix(matrix, label=labels)
        table = _table(lines)
    except ValueError as error:
        raise CustomerError(f"A file of {folder} is not in {content_type} format: {error}.") from error
    if weighted:
        return xgboost.DMatrix(table[:, 2:], label=table[:, 0], weight=table[:, 1])
    return xgboost.DMatrix(table[:, 1:], label=table[:, 0])


def _files(folder: Path) -> Iterable[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith((".", "_")))


def _table(lines: Sequence[str]) -> Any:
    """Return the numbers of CSV lines; an empty cell is NaN. The delimiter is a comma if the first line has one."""
    delimiter = next((each for each in ",;\t|" if each in lines[0]), ",")
    cells = [[cell.strip() or "nan" for cell in line.split(delimiter)] for line in lines]
    return np.array(cells).astype(np.float32)


def _sparse(lines: Sequence[str]) -> tuple[Any, list[float]]:
    """Return LIBSVM lines, `label index:value …`, as a matrix and its labels; a missing label is 0."""
    labels, values, columns, starts = [], [], [], [0]
    for line in lines:
        words = line.partition("#")[0].split()
        labels.append(float(words.pop(0).partition(":")[0]) if words and ":" not in words[0] else 0.0)
        for token in words:
            column, _, value = token.partition(":")
            columns.append(int(column))
            values.append(float(value))
        starts.append(len(values))
    return sparse.csr_matrix((np.array(values, dtype=np.float32), columns, starts)), labels
