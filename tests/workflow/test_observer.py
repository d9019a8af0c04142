"""Observers: by default, a pipeline reports its steps and messages to Python's logging."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from scones.workflow import Level, LoggingObserver


def test_steps_and_messages_go_to_the_logger_of_the_workflow(caplog: pytest.LogCaptureFixture) -> None:
    observer = LoggingObserver()
    with caplog.at_level(logging.DEBUG, "scones.workflow"), observer.step("Training job"):
        observer.message("epoch 1", Level.LOG)
        observer.message("100 % of it", Level.WARNING)
        with observer.progress("epochs") as progress:
            progress(1, None)
    assert caplog.record_tuples == [
        ("scones.workflow", logging.INFO, "Training job"),
        ("scones.workflow", logging.DEBUG, "epoch 1"),
        ("scones.workflow", logging.WARNING, "100 % of it"),
    ]


def test_a_target_loads_neither_the_dataset_nor_the_monitor() -> None:
    program = (
        "import sys; from scones.workflow import Target; print({'numpy', 'PIL', 'scones.monitor'} & {*sys.modules})"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"


def test_an_unknown_name_is_not_an_attribute() -> None:
    import scones.workflow

    with pytest.raises(AttributeError, match=r"module 'scones\.workflow' has no attribute 'Pipelines'"):
        scones.workflow.Pipelines  # noqa: B018
