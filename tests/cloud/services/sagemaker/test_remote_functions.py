"""Training jobs of the decorator @remote, whose container borrows the workspace's SDK."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import distributions
from typing import Any

import pytest

from scones.cloud.process.sandbox import isolation
from scones.cloud.workspace import environment
from support.sagemaker_workbench import IMAGE, Workbench

pytestmark = pytest.mark.skipif(isolation() is not None, reason="the program writes to /opt/ml")

OURS = "python{}.{}".format(*sys.version_info[:2])
CODE = """
import sys
import sagemaker.core
open("/opt/ml/output/failure", "w").write(sagemaker.core.FROM)
sys.exit(1)
"""


def write_sdk(folder: Any, origin: str) -> None:
    (folder / "sagemaker").mkdir(parents=True)
    (folder / "sagemaker" / "__init__.py").touch()
    (folder / "sagemaker" / "core.py").write_text(f"FROM = {origin!r}")


def remote_function(bench: Workbench, version: str) -> dict[str, Any]:
    """Run a training job with the arguments of a remote function, which reports the SDK that it imports."""
    algorithm = {
        "TrainingImage": IMAGE,
        "TrainingInputMode": "File",
        "ContainerEntrypoint": ["python", "-c", CODE],
        "ContainerArguments": ["--client_sagemaker_pysdk_version", version],
    }
    return bench.ended(bench.train(AlgorithmSpecification=algorithm))


def test_a_remote_function_borrows_the_sdk_of_its_release(start_cloud: Any, tmp_path: Any) -> None:
    cloud = start_cloud()
    write_sdk(cloud.data_dir / f"environments/sdk-v3/lib/{OURS}/site-packages", "studio")
    bench = Workbench(cloud)
    reason = "AlgorithmError: {}, exit code: 1"
    assert remote_function(bench, "3.27.0")["FailureReason"] == reason.format("studio")
    write_sdk(tmp_path / "elsewhere", "elsewhere")
    location = cloud.environment | environment(cloud.running)
    location["PYTHONPATH"] += f"{os.pathsep}{tmp_path / 'elsewhere'}"
    subprocess.run([sys.executable, "-c", "import sagemaker"], env=location, check=True)
    assert remote_function(bench, "3.27.0")["FailureReason"] == reason.format("elsewhere")


@pytest.mark.skipif(any(each.name == "sagemaker" for each in distributions()), reason="this interpreter has an SDK")
def test_a_remote_function_without_an_sdk_names_the_missing_package(start_cloud: Any) -> None:
    job = remote_function(Workbench(start_cloud()), "2.257.0")
    assert job["FailureReason"] == "AlgorithmError: ModuleNotFoundError: No module named 'sagemaker', exit code: 1"
