"""The environments of a workspace: AWS's package versions, and the constraint that keeps a kernel's SDK."""

from __future__ import annotations

import re
import subprocess
import venv
from pathlib import Path

import pytest

from scones.studio import distribution, environments
from scones.studio.environments import SDK_V2, VirtualEnvironment
from scones.studio.pip_notice import concerns_sdk


def test_the_packages_that_notebooks_import_have_the_versions_of_the_image():
    pinned = {re.split(r"[=<>;]", each)[0]: each for each in distribution.PACKAGES}
    assert {"matplotlib", "pandas", "plotly", "imageio", "seaborn", "scikit-learn", "sagemaker"} <= {
        name for name, requirement in pinned.items() if "==" in requirement
    }
    assert distribution.__doc__ is not None
    assert re.search(r"Source: SageMaker Distribution \d+\.\d+\.\d+ \(cpu\) of \d+ \w+ 20\d\d", distribution.__doc__)
    assert SDK_V2.requirements == distribution.PACKAGES


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("python -m pip install -U sagemaker", True),
        ("/env/bin/python /env/bin/pip install sagemaker==2.1 boto3", True),
        ("/env/bin/python /env/bin/pip3.11 install --upgrade sagemaker>=2.99.0", True),
        ("python -m pip install sagemaker-experiments", False),
        ("python -m pip install boto3", False),
        ("python -m pip list", False),
        ("python install.py sagemaker", False),
    ],
)
def test_the_notice_concerns_installations_of_the_sdk(command, expected):
    assert concerns_sdk(command.split()) is expected


@pytest.mark.slow
def test_pip_keeps_the_sdk_of_a_kernel_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Install nothing: pip refuses a version beyond the constraint before it looks for one."""
    monkeypatch.setattr(environments, "_run", lambda *command: None)
    venv.EnvBuilder(with_pip=True).create(tmp_path / "kernel")
    environment = VirtualEnvironment("kernel", "A kernel", ("boto3",), "sagemaker<3", "This kernel keeps SDK v2.")
    python = environment.install(tmp_path)
    for command in ([python, "-m", "pip"], [python.with_name("pip")]):
        done = subprocess.run(
            [*command, "install", "--no-index", "sagemaker==3.27.0"], capture_output=True, text=True, check=False
        )
        assert done.stdout.startswith("This kernel keeps SDK v2.\n")
        assert "sagemaker<3" in done.stderr + done.stdout
        assert done.returncode
    listed = subprocess.run([python, "-m", "pip", "list"], capture_output=True, text=True, check=True)
    assert "keeps" not in listed.stdout
