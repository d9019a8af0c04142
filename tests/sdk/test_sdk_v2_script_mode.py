"""Estimators and models of SageMaker SDK v2 that run users' scripts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scones.cloud.process.sandbox import isolation

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(isolation() is not None, reason="scripts that write to /opt/ml need namespaces"),
]


def test_scikit_learns_estimator_trains_a_script_and_serves_it(cloud: Any, run_program: Any) -> None:
    ran = run_program(cloud, "v2", "sklearn_v2.py")
    assert "accuracy: 1.000;" in ran.output
    assert ran.results == {"prediction": [0, 1]}


def test_pytorchs_estimator_trains_on_two_instances_and_its_model_serves(cloud: Any, run_program: Any) -> None:
    ran = run_program(cloud, "v2", "pytorch_v2.py")
    assert "rank 0 of 2: loss=0.0" in ran.output
    assert "rank 1 of 2: loss=0.0" in ran.output
    assert ran.results["prediction"] == pytest.approx([0.75], abs=0.01)


def test_the_classifier_trains_as_a_script_on_two_instances_and_answers(
    cloud: Any, run_program: Any, tmp_path: Path
) -> None:
    subprocess.run(
        [sys.executable, "-m", "scones.containers.image_classification", "source", tmp_path / "source"], check=True
    )
    ran = run_program(cloud, "v2", "classifier_v2.py")
    assert "Epoch[15] Validation-accuracy=" in ran.output
    assert "The first instance stores the model." in ran.output
    assert ran.results == {"classes": [0, 1, 0]}


def test_a_transformer_is_fine_tuned_by_a_script_and_served_as_a_pipeline(cloud: Any, run_program: Any) -> None:
    pytest.importorskip("transformers", reason="the package behind AWS's Hugging Face images is not installed")
    assert run_program(cloud, "v2", "huggingface_v2.py").results == {"labels": ["good", "bad"]}


def test_xgboost_trains_as_the_algorithm_and_by_a_script(cloud: Any, run_program: Any) -> None:
    pytest.importorskip("xgboost", reason="the package behind AWS's XGBoost image is not installed")
    assert run_program(cloud, "v2", "xgboost_v2.py").results == {"algorithm": [0, 1], "script": [0, 1]}


def test_plain_estimators_and_manual_models_run_and_failures_are_reported(cloud: Any, run_program: Any) -> None:
    ran = run_program(cloud, "v2", "estimators_v2.py")
    assert "shell --name a b --rate 0.5\nfrom a dependency" in ran.output
    assert "isolated script ran" in ran.output
    assert "rank 1 by torchrun" in ran.output
    assert ran.results.keys() == {"fails.py failed", "answer"}
    assert ran.results["fails.py failed"].startswith("Error for Training job")
    assert "ModuleNotFoundError: No module named 'a_package_that_is_nowhere'" in ran.results["fails.py failed"]
    assert ran.results["answer"] == {"answer": "42", "to": "what"}
