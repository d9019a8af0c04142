"""Fixtures of the workflow tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.misbehaving_origin import Origin


@pytest.fixture
def origin() -> Iterator[Origin]:
    server = Origin()
    yield server
    server.close()
