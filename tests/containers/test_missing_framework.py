"""A model server whose framework is not installed: the log has the reason, and FailureReason quotes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from scones.cloud.services.sagemaker.last_error import LastError
from scones.containers.frameworks.framework import Framework
from scones.containers.frameworks.serving import serve


def test_a_server_without_its_framework_names_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    framework = Framework(
        name="Hugging Face", package="no_such_package", install="no-such-package", training="", handlers="any"
    )
    assert serve(framework) == 1
    last = LastError()
    last.read([f"2026-01-31 09:30:00,000 {each.name:12} {each.levelname:8} {each.message}" for each in caplog.records])
    assert last.text == framework.missing()
    assert "no_such_package is not installed" in last.text
