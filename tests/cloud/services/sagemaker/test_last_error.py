"""The error that failure reasons quote from a container's output."""

from __future__ import annotations

import pytest

from scones.cloud.services.sagemaker.framework_versions import version_note
from scones.cloud.services.sagemaker.last_error import MAX_CHARACTERS, LastError

TRACEBACK = """Traceback (most recent call last):
  File "train.py", line 3, in <module>
    load()
    ^^^^^^
{error}"""


@pytest.mark.parametrize(
    ("output", "error"),
    [
        ("Epoch 1\nValueError: 3 is not an error", ""),
        (TRACEBACK.format(error="KeyError: 'a'\nbye: bye"), "KeyError: 'a'"),
        (TRACEBACK.format(error="KeyboardInterrupt"), "KeyboardInterrupt"),
        (
            TRACEBACK.format(error="KeyError: 'a'")
            + "\n\nThe above exception was the direct cause of the following exception:\n\n"
            + TRACEBACK.format(error="my.own.Error: first line\nsecond line"),
            "my.own.Error: first line",
        ),
        ("[rank0]: Traceback (most recent call last):\n[rank0]:   line\n[rank0]: OSError: torn", "OSError: torn"),
        ("2026-01-31 09:30:00 model-server ERROR    no model\nbye", "no model"),
        (TRACEBACK.format(error="OSError: torn") + "\n2026-01-31 model-server ERROR no model", "OSError: torn"),
        (
            "usage: train.py\ntrain.py: error: unrecognized arguments: --a",
            "train.py: error: unrecognized arguments: --a",
        ),
        (
            "/env/bin/python: Error while finding module specification (ModuleNotFoundError: No module named 'a')",
            "/env/bin/python: Error while finding module specification (ModuleNotFoundError: No module named 'a')",
        ),
        ("bash: line 1: smspark-submit: command not found", "bash: line 1: smspark-submit: command not found"),
        (TRACEBACK.format(error="ValueError: " + "x" * 9999), "ValueError: ".ljust(MAX_CHARACTERS, "x")),
    ],
)
def test_the_last_exception_is_found_and_else_the_last_message(output, error):
    last = LastError()
    last.read(output.splitlines())
    assert last.text == error


@pytest.mark.parametrize(
    ("image", "wanted"),
    [
        ("sagemaker-scikit-learn:0.20.0-cpu-py3", "scikit-learn 0.20"),
        ("sagemaker-xgboost:0.90-2-cpu-py3", "XGBoost 0.90"),
        ("xgboost:1", "XGBoost 0.72"),
        ("pytorch-training:1.8.1-cpu-py36", "PyTorch 1.8"),
        ("huggingface-pytorch-inference:1.10.2-transformers4.17.0-cpu-py38-ubuntu20.04", "transformers 4.17"),
    ],
)
def test_an_old_framework_version_is_reported_with_the_installed_one(image, wanted):
    note = version_note(f"111122223333.dkr.ecr.us-east-1.amazonaws.com/{image}")
    name = wanted.rpartition(" ")[0]
    assert note.startswith(f"The image {image} has {wanted}. The local cloud runs the installed {name} ")


def test_the_installed_release_and_other_images_have_no_note():
    import sklearn

    assert version_note(f"sagemaker-scikit-learn:{sklearn.__version__}-cpu-py3") == ""
    assert version_note("my-image:0.1") == ""
    assert version_note("sagemaker-scikit-learn:latest") == ""
