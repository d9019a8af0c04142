"""The course's starter notebook, completed as a student would, runs from the first cell to the last."""

from __future__ import annotations

import functools
import http.server
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support import few_images

STARTER = Path(__file__).with_name("starter.ipynb")
SOURCE = "https://www.cs.toronto.edu/~kriz"


@pytest.fixture
def origin(archive: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a local web server in place of the archive's host; its archive has every fifth image."""
    folder = few_images.write(tmp_path / "origin", archive, every=5).parent
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def printed(cell: dict[str, Any]) -> str:
    """Return the text output of a cell: its streams and its value."""
    parts = []
    for output in cell["outputs"]:
        text = output.get("text") or output.get("data", {}).get("text/plain", "")
        parts.append("".join(text))
    return "".join(parts)


@pytest.mark.slow
def test_the_starter_notebook_runs_unchanged_from_etl_to_the_last_chart(start_cloud, execute, origin, tmp_path):
    cloud = start_cloud()
    folder = tmp_path / "notebook"
    folder.mkdir()
    notebook = json.loads(STARTER.read_text().replace(SOURCE, origin))  # only the host: no request leaves this machine
    cells = execute(cloud, notebook, folder)["cells"]
    shown = [printed(cell) for cell in cells if cell["cell_type"] == "code"]
    everything = "\n".join(shown)

    assert "(200, 40)" in shown[4]
    assert "arn:aws:iam::111122223333:role/service-role/AmazonSageMaker-ExecutionRole-Scones" in everything
    training = next(text for text in shown if "Training job completed" in text or "Training - " in text)
    assert re.search(r"Epoch\[\d+\] Validation-accuracy=\d\.\d+", training)
    assert "Billable seconds" in training
    counts = next(text for text in shown if "SUCCEEDED" in text)
    assert sum(int(number) for number in re.findall(r"(?:SUCCEEDED|TypeError)\s+(\d+)", counts)) == 20
    records = int(shown[-3])
    assert records == 21
    charts = [output for cell in cells for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]
    assert len(charts) == 2
    assert cloud.client("sagemaker").list_endpoints()["Endpoints"] == []
