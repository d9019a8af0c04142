"""The notebooks of `scones studio`: they run in order without errors, and show the code that the workflow deploys."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from scones.studio.notebooks import provide
from scones.workflow.provision import FUNCTIONS
from support import few_images

ARCHIVE = Path(__file__).resolve().parents[3] / "shared" / "data" / "cifar-100-python.tar.gz"


def read(folder: Path) -> dict[str, dict[str, Any]]:
    """Copy the notebooks into a folder as `scones studio` does; return them by file name, in order."""
    provide(folder)
    return {path.name: json.loads(path.read_text()) for path in sorted(folder.glob("*.ipynb"))}


def shown(notebook: dict[str, Any]) -> str:
    """Return the text output of an executed notebook's cells."""
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    return "\n".join("".join(each.get("text") or each.get("data", {}).get("text/plain", "")) for each in outputs)


def charts(notebook: dict[str, Any]) -> int:
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    return sum("image/png" in each.get("data", {}) for each in outputs)


@pytest.mark.slow
def test_our_notebooks_run_one_after_the_other_and_leave_nothing_behind(start_cloud, execute, tmp_path):
    cloud, folder = start_cloud(), tmp_path / "notebooks"
    source = {}  # without an archive, the notebooks use the synthetic dataset
    if ARCHIVE.exists():
        source["SCONES_SOURCE"] = str(few_images.write(tmp_path / "few", ARCHIVE, every=5))
    done = {name: execute(cloud, notebook, folder, **source) for name, notebook in read(folder).items()}

    etl, training, deployment, functions, machine, monitor = done.values()
    names = json.loads((folder / "scones.json").read_text())
    assert names["dataset"] == ("cifar-100" if source else "synthetic")
    assert names["pictures"] == (200 if source else 1000)
    assert "Epoch[19] Validation-accuracy=" in shown(training)
    assert float(shown(training).rpartition("validation accuracy ")[2].split()[0]) > 0.7
    assert "median " in shown(deployment)
    assert "ThresholdConfidenceNotMet" in shown(functions)
    assert "ExecutionStarted" in shown(machine)
    assert f"{21 + 1 + 40} records" in shown(monitor)
    assert [charts(each) for each in (etl, training, deployment, machine, monitor)] == [1, 1, 1, 1, 2]

    assert cloud.client("sagemaker").list_endpoints()["Endpoints"] == []
    assert cloud.client("lambda").list_functions()["Functions"] == []


@pytest.mark.slow
def test_without_the_archive_the_first_notebook_draws_images(start_cloud, execute, tmp_path):
    cloud, folder = start_cloud(), tmp_path / "notebooks"
    notebook = read(folder)["1-etl.ipynb"]
    assert "1,000 training and 200 test images (synthetic)" in shown(execute(cloud, notebook, folder))
    names = json.loads((folder / "scones.json").read_text())
    assert names["dataset"] == "synthetic"
    bucket, _, prefix = names["data"].removeprefix("s3://").partition("/")
    pages = cloud.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    assert sum(page["KeyCount"] for page in pages) == 1202


def test_the_notebooks_show_the_functions_that_we_deploy(tmp_path):
    cells = read(tmp_path)["4-functions.ipynb"]["cells"]
    written = {"".join(cell["source"]).partition("\n")[::2] for cell in cells if cell["cell_type"] == "code"}
    for module in FUNCTIONS:
        source = (resources.files("scones.workflow.functions") / f"{module}.py").read_text().rstrip("\n")
        assert (f"%%writefile {module}.py", source) in written


def test_the_notebooks_of_a_workspace_are_not_overwritten(tmp_path):
    (tmp_path / "1-etl.ipynb").write_text("mine")
    provide(tmp_path)
    assert (tmp_path / "1-etl.ipynb").read_text() == "mine"
    assert len(list(tmp_path.glob("*.ipynb"))) == 6
