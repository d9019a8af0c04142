"""`scones run` from the archive to the report."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

KEYS = [
    "dataset",
    "images",
    "classes",
    "validation_accuracy",
    "training_seconds",
    "endpoint_seconds",
    "executions",
    "execution_ms",
    "captured_records",
    "total_seconds",
    "report",
    "endpoint_name",
    "state_machine_arn",
    "bucket",
]


@pytest.fixture
def quick(scones: Any) -> Any:
    """The `scones` command with short training: from scratch instead of from ImageNet's weights."""
    (scones.folder / "scones.toml").write_text("pretrained = false\n")
    return scones


def test_two_runs_and_the_classification_of_images(scones: Any, small_archive: Path) -> None:
    ask = ("run", "--source", str(small_archive), "--epochs", "4", "--threshold", "0.6", "--json", "run.json")
    (scones.folder / "scones.toml").write_text("mini_batch_size = 10\n")
    first = scones(*ask, "--keep")
    assert first.returncode == 0, first.stdout + first.stderr
    reported = json.loads((scones.folder / "run.json").read_text())
    assert list(reported) == KEYS
    assert reported["dataset"] == "cifar-100"
    assert reported["images"] == {"train": 120, "test": 16}
    assert reported["executions"]["total"] == reported["captured_records"] == 16
    assert reported["executions"]["failed"] == 0
    assert reported["executions"]["succeeded"] + reported["executions"]["gated"] == 16
    assert reported["validation_accuracy"] > 0.9
    assert Path(reported["report"]).read_text().startswith("<!")
    assert "\x1b" not in first.stdout, "colours and bars are for terminals"
    assert "SYNTHETIC" not in first.stdout

    second = scones(*ask)
    assert second.returncode == 0, second.stdout + second.stderr
    assert "is reused: same parameters" in second.stdout
    assert "already serves this model" in second.stdout
    assert "0 objects uploaded" in second.stdout
    again = json.loads((scones.folder / "run.json").read_text())
    assert again["captured_records"] == 16, "records of the first run are not counted again"
    assert again["validation_accuracy"] == reported["validation_accuracy"]
    assert scones("status").returncode == 0, "a cloud that ran before the run stays"

    images = sorted((scones.data_dir / "dataset/test").glob("*.png"))[:2]
    (scones.folder / "broken.png").write_bytes(b"no image")
    refused = scones("classify", *map(str, images), "broken.png")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "scones: broken.png is not an image; specify PNG or JPEG files.\n"
    classified = scones("classify", "--json", *map(str, images))
    assert classified.returncode == 0, classified.stderr
    good = [json.loads(line) for line in classified.stdout.splitlines()]
    assert [found["label"] for found in good] == ["bicycle", "motorcycle"]
    assert {found["verdict"] for found in good} <= {"passed", "gated"}
    assert scones("monitor", "--report", "monitored").returncode == 0
    page = (scones.folder / "monitored/report.html").read_text()
    assert "passed the gate at 0.6" in page, "the gate that is deployed, not the default"
    assert "accuracy" in page
    assert (scones.folder / "monitored/state-machine.png").exists()
    assert "scones-image-classification: InService" in scones("status").stdout


def test_a_named_source_that_delivers_nothing_is_an_error(scones: Any) -> None:
    ran = scones("run", "--source", "nonesuch.tar.gz")
    assert ran.returncode == 1
    assert "nonesuch.tar.gz: file not found" in ran.stderr
    assert scones.processes() == []


def test_a_failed_training_is_reported_with_its_reason(scones: Any, small_archive: Path) -> None:
    image = "111122223333.dkr.ecr.us-east-1.amazonaws.com/nonesuch:1"
    ran = scones("run", "--source", str(small_archive), SCONES_TRAINING_IMAGE=image)
    assert ran.returncode == 1
    assert "nonesuch" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert scones.processes() == []


def test_without_an_archive_a_run_uses_a_synthetic_dataset_and_stops_its_cloud(quick: Any) -> None:
    ran = quick("run", "--epochs", "1", "--json", "run.json", "--report", "here")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "SYNTHETIC" in ran.stdout
    reported = json.loads((quick.folder / "run.json").read_text())
    assert reported["dataset"] == "synthetic"
    assert reported["images"] == {"train": 1000, "test": 200}
    assert reported["captured_records"] == 200
    assert "synthetic" in (quick.folder / "here/report.html").read_text().lower()
    assert quick.processes() == [], "without --keep, the cloud that the run started is stopped"


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        ("1/7", signal.SIGINT),
        ("2/7", signal.SIGTERM),
        ("3/7", signal.SIGINT),
        ("Training:", signal.SIGINT),
        ("Training:", signal.SIGTERM),
        ("6/7", signal.SIGTERM),
    ],
)
def test_a_signal_during_a_run_leaves_no_process(quick: Any, small_archive: Path, moment: str, number: int) -> None:
    process = quick.start("run", "--source", str(small_archive), "--epochs", "2", start_new_session=True)
    seen = ""
    while moment not in seen:
        line = process.stdout.readline()
        assert line, f"the run ended before {moment}:\n{seen}{process.stderr.read()}"
        seen += line
    time.sleep(0.05)  # so that the signal arrives during the step
    os.kill(process.pid, number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "Traceback" not in errors
    assert quick.processes() == []
