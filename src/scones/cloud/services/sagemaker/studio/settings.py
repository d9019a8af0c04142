"""Settings of Studio's resources: how Update operations merge them."""

from __future__ import annotations

from scones.cloud.services.sagemaker.resources import Document
from scones.cloud.wire.members import Members


def merge(document: Document, given: Members) -> None:
    """Set members of a document; a structure keeps the members that the given structure leaves out.

    A user can thus attach a lifecycle configuration without repeating the execution role.
    """
    for name, value in given.items():
        before = document.get(name)
        document[name] = before | value if isinstance(before, dict) and isinstance(value, dict) else value
