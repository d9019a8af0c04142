"""Labels as lists and records contain them, checked against the classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from scones.containers.contract import CustomerError

Labels: TypeAlias = NDArray[np.int64] | NDArray[np.float32]
"""Class indices, shape (n,), or, with several labels for each image, zeros and ones, shape (n, classes)."""


@dataclass(frozen=True, slots=True)
class LabelFormat:
    """Format of an image's label numbers: one class, a multi-hot vector, or several class ids."""

    classes: int
    several: bool = False
    class_ids: bool = False

    def read(self, values: Sequence[float], where: str) -> tuple[int, ...]:
        """Return an image's classes; raises `CustomerError` with a message that begins with `where`."""
        if not self.several and len(values) != 1:
            raise CustomerError(f"{where} has {len(values)} labels; use one label, or set multi_label=1.")
        if not self.several or self.class_ids:
            return tuple(self._class(value, where) for value in values)
        if len(values) != self.classes:  # in AWS's words
            raise CustomerError(
                f"Mismatch between number of labels in the multi-label data ({len(values)}) and the num_classes "
                f"parameter ({self.classes})"
            )
        wrong = [value for value in values if value not in (0, 1)]
        if wrong:
            raise CustomerError(f"{where} has the label {wrong[0]:g}; with multi_label=1 each label must be 0 or 1.")
        return tuple(index for index, value in enumerate(values) if value)

    def _class(self, value: float, where: str) -> int:
        if not (float(value).is_integer() and 0 <= value < self.classes):
            raise CustomerError(
                f"{where} has the label {value:g}; num_classes={self.classes} allows 0 to {self.classes - 1}."
            )
        return int(value)

    def stack(self, found: Sequence[tuple[int, ...]]) -> Labels:
        """Return the labels of all images: class indices, shape (n,), or zeros and ones, shape (n, classes)."""
        if not self.several:
            return np.array([classes[0] for classes in found], np.int64)
        hot = np.zeros((len(found), self.classes), np.float32)
        for row, classes in zip(hot, found, strict=True):
            row[list(classes)] = 1
        return hot
