"""What an Update operation does to settings."""

from __future__ import annotations

from typing import Any

from scones.cloud.services.sagemaker.resources import Document


def merge(document: Document, given: dict[str, Any]) -> None:
    """Set members; of settings, which are structures, only the parts that are given.

    So people attach a lifecycle configuration without naming the execution role again, and keep it.
    """
    for name, value in given.items():
        before = document.get(name)
        document[name] = before | value if isinstance(before, dict) and isinstance(value, dict) else value
