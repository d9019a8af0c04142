"""Functions that import the SageMaker SDK without packaging it use the SDK of this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import distributions

import pytest

from scones.cloud.workspace import environment
from support.function_workbench import archive

OURS = "python{}.{}".format(*sys.version_info[:2])
WORKSPACE = f"environments/sdk-v2/lib/{OURS}/site-packages/sagemaker/__init__.py"
SDK = "from_ = {!r}\nmemory = bytearray(160 * 2**20)\nfor page in range(0, len(memory), 4096):\n    memory[page] = 1\n"
"""Source of a module that needs more memory than a function's default of 128 MB, as the SDK does."""
CODE = "import sagemaker\ndef handler(event, context):\n    return sagemaker.from_"

INSTALLED = any(each.name == "sagemaker" for each in distributions())
pytestmark = pytest.mark.skipif(INSTALLED, reason="this interpreter has an SDK of its own")


@pytest.fixture
def workspace(start_cloud):
    """A cloud whose workspace contains an SDK."""
    cloud = start_cloud()
    module = cloud.data_dir / WORKSPACE
    module.parent.mkdir(parents=True)
    module.write_text(SDK.format("the workspace"))
    return cloud


def test_the_workspaces_sdk_is_lent_with_the_memory_that_it_takes(workspace, function):
    client = workspace.client("lambda")
    answered = function(CODE, client, Timeout=30).invoke()
    assert (answered.payload, answered.error) == ("the workspace", None)
    nested = archive(**{"parts/code": CODE})
    elsewhere = function("", client, Code={"ZipFile": nested}, Handler="parts/code.handler", Timeout=30)
    assert elsewhere.invoke().payload == "the workspace"


def test_the_sdk_that_a_program_of_the_workspace_imported_is_lent(start_cloud, function, tmp_path):
    cloud = start_cloud()
    for module in ("__init__", "predictor"):
        (tmp_path / "elsewhere/sagemaker").mkdir(parents=True, exist_ok=True)
        (tmp_path / f"elsewhere/sagemaker/{module}.py").write_text(SDK.format("elsewhere"))
    location = cloud.environment | environment(cloud.running)
    location["PYTHONPATH"] += f"{os.pathsep}{tmp_path / 'elsewhere'}"
    subprocess.run([sys.executable, "-c", "import sagemaker"], env=location, check=True)
    answered = function(CODE, cloud.client("lambda"), Timeout=30).invoke()
    assert (answered.payload, answered.error) == ("elsewhere", None)


def test_an_sdk_in_the_archive_takes_precedence_as_on_aws(workspace, function):
    client = workspace.client("lambda")
    code = {"ZipFile": archive(**{"code": CODE, "sagemaker/__init__": "from_ = 'the archive'"})}
    assert function("", client, Code=code).invoke().payload == "the archive"
    large = {"ZipFile": archive(**{"code": CODE, "sagemaker/__init__": SDK.format("the archive")})}
    assert function("", client, Code=large, Timeout=30).invoke().payload["errorType"] == "Runtime.OutOfMemory"


def test_functions_outside_a_workspace_get_no_sdk(workspace, function):
    code = "import importlib\ndef handler(event, context):\n    importlib.import_module('sage' + 'maker')"
    answered = function(code, workspace.client("lambda")).invoke()
    assert answered.payload["errorType"] == "ModuleNotFoundError"
