"""The classifier as a `source_dir`, run by AWS's training toolkit as in AWS's PyTorch image."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from scones.studio.environments import VirtualEnvironment
from support.image_classification_jobs import Job

SOURCES = Path(__file__).resolve().parents[3] / "src"
ENVIRONMENTS = Path(__file__).resolve().parents[3] / "build" / "environments"
TOOLKIT = VirtualEnvironment("training-toolkit", "SageMaker Training Toolkit", ("sagemaker-training>=5.1,<6",))


def write(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "scones.containers.image_classification", "source", folder],
        capture_output=True,
        text=True,
        timeout=60,
    )


def script_mode(job: Job, source: Path) -> None:
    """Change a job's configuration to the one that the SDKs write for a user's script."""
    config = job.base / "input" / "config"
    parameters = json.loads((config / "hyperparameters.json").read_text())
    sdk = {"program": "train.py", "submit_directory": str(source), "container_log_level": 20}
    parameters |= {f"sagemaker_{name}": value for name, value in sdk.items()}
    reported = {name: json.dumps(value) for name, value in parameters.items()}
    (config / "hyperparameters.json").write_text(json.dumps(reported))
    host = {"current_host": "localhost", "hosts": ["localhost"], "network_interface_name": "lo"}
    (config / "resourceconfig.json").write_text(json.dumps(host))
    channels = {name: {"TrainingInputMode": "File"} for name in ("train", "train_lst", "validation", "validation_lst")}
    (config / "inputdataconfig.json").write_text(json.dumps(channels))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("gcc") is None, reason="the toolkit is compiled when it is installed")
def test_the_toolkit_of_awss_images_trains_it_as_a_script(job, tmp_path):
    python = TOOLKIT.install(ENVIRONMENTS)
    # As in AWS's image: PyTorch and other packages, but no Scones. Scones is found through a .pth file, and .pth
    # files in a folder that a .pth file adds are not read.
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(python.parents[1])}))
    (packages / "image.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    assert write(tmp_path / "source").returncode == 0
    job.configure()
    script_mode(job, tmp_path / "source")
    path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [python.with_name("train")],
        env=job.environment(PATH=path, HOME=str(tmp_path), PIP_NO_INDEX="1"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Reporting training SUCCESS" in done.stdout + done.stderr
    assert "Epoch[1] Validation-accuracy=" in done.stdout
    assert (job.model / "model.onnx").exists()


def test_the_folder_contains_each_module_of_scones_that_its_modules_import(tmp_path):
    source = tmp_path / "source"
    assert write(source).returncode == 0
    server = source / "scones/containers/image_classification/serve.py"  # AWS's image has a model server
    paths = sorted(set(source.rglob("*.py")) - {server})
    found = {name for path in paths for name in imported(path)}
    assert len(found) > 10
    assert [name for name in found if not (source / f"{name.replace('.', '/')}.py").exists()] == []


def imported(path: Path) -> Iterator[str]:
    """Yield the modules of scones that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("scones."):
            package = Path(str(node.module).replace(".", "/"))
            is_package = (SOURCES / package / "__init__.py").exists()
            yield from (f"{node.module}.{name.name}" for name in node.names) if is_package else [str(node.module)]


def test_an_existing_folder_is_not_changed(tmp_path):
    assert write(tmp_path).returncode == 1
    assert list(tmp_path.iterdir()) == []
    assert write(tmp_path).stderr == f"{tmp_path} already exists; specify a new folder.\n"
