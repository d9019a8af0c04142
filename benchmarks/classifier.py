"""Measure the classifier on CIFAR-100's bicycles and motorcycles: `python -m benchmarks.classifier`.

    python -m benchmarks.classifier                  both recipes, five seeds; writes docs/explanation/classifier.md
    python -m benchmarks.classifier --only scratch   one recipe; the document keeps the other recipe's figures
    python -m benchmarks.classifier --folds-only     for choices between recipes: no use of the test images

For each recipe, five jobs train on four fifths of the 1,000 training images and are evaluated on the remaining fifth.
Five more train on all of them and are evaluated on the 200 official test images. Every job has a different seed. Each
runs the program of SageMaker's container contract, `python -m scones.containers.image_classification train`, on one
thread, with as many jobs in parallel as there are processors. Then one more job uses all processors, to measure its
time. This takes 20 to 45 minutes on two processors.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image

from benchmarks import machine
from benchmarks.processes import environment
from benchmarks.workflow import BESIDE
from scones.workflow.dataset import Dataset, LabelledImage, extract, transform

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "build" / "classifier.json"
DOCUMENT = ROOT / "docs" / "explanation" / "classifier.md"
RECIPES = {
    "scratch": {"use_pretrained_model": "0", "epochs": "30"},
    "pretrained": {"use_pretrained_model": "1", "epochs": "8"},
}
FOLDS = 5
GATE = 0.93
BINS = 15
DRAWS = 200
"""Number of random draws that estimate the calibration error by chance."""


@dataclass(frozen=True)
class Result:
    """The result of one job: `fold` is None if evaluated on the test images. Times in seconds, shares from 0 to 1."""

    recipe: str
    seed: int
    fold: int | None
    accuracy: float
    calibration_error: float
    by_chance: float
    passed: float
    passed_accuracy: float
    wall: float
    cpu: float


def folds(dataset: Dataset) -> list[list[LabelledImage]]:
    """Split the training images into fifths, in a fixed random order."""
    images = list(dataset.images("train"))
    order = np.random.default_rng(2026).permutation(len(images))
    return [[images[index] for index in part] for part in np.array_split(order, FOLDS)]


def lay_out(
    base: Path, dataset: Dataset, training: Iterable[LabelledImage], validation: Iterable[LabelledImage]
) -> int:
    """Create a container's channels, which link to the dataset's own files. Returns the number of training images."""
    data = base / "input" / "data"
    counts = []
    for channel, images in (("train", training), ("validation", validation)):
        (data / f"{channel}_lst").mkdir(parents=True)
        (data / channel).symlink_to(dataset.folder.resolve())
        lines = listing(images)
        (data / f"{channel}_lst" / f"{channel}.lst").write_text("".join(lines))
        counts.append(len(lines))
    return counts[0]


def listing(images: Iterable[LabelledImage]) -> list[str]:
    """Return the lines of a channel's .lst file."""
    return [f"{index}\t{image.label}\t{image.key}\n" for index, image in enumerate(images)]


def described(count: int) -> dict[str, str]:
    """Return the hyperparameters that describe a training set of `count` images."""
    return {"num_classes": "2", "num_training_samples": str(count), "image_shape": "3,32,32"}


def run(base: Path, hyperparameters: dict[str, str], seed: int, threads: int) -> tuple[float, float]:
    """Run a job. Returns its wall-clock seconds and its CPU seconds. Raises RuntimeError with the job's log."""
    config = base / "input" / "config"
    config.mkdir(parents=True)
    (config / "hyperparameters.json").write_text(json.dumps(hyperparameters))
    added = {"SAGEMAKER_BASE_DIR": str(base), "SCONES_SEED": str(seed), "OMP_NUM_THREADS": str(threads)}
    begun = time.perf_counter()
    with (base / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "scones.containers.image_classification", "train"],
            env=environment(added),
            stdout=log,
            stderr=log,
        )
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError((base / "log").read_text())
    return time.perf_counter() - begun, used.ru_utime + used.ru_stime


def judge(model: Path, dataset: Dataset, images: Sequence[LabelledImage]) -> dict[str, float]:
    """Return the accuracy and calibration of a model.onnx on some images."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    pixels = np.stack([np.asarray(Image.open(dataset.path(image)).convert("RGB")) for image in images])
    (answers,) = session.run(None, {"pictures": pixels})
    right = answers.argmax(1) == np.array([image.label for image in images])
    confidence = answers.max(1)
    passed = confidence >= GATE
    return {
        "accuracy": float(right.mean()),
        "calibration_error": calibration_error(confidence, right),
        "by_chance": error_by_chance(confidence),
        "passed": float(passed.mean()),
        "passed_accuracy": float(right[passed].mean()) if passed.any() else 0.0,
    }


def calibration_error(confidence: NDArray[Any], right: NDArray[np.bool_]) -> float:
    """Return the expected calibration error, with bins of equal width (Guo and others, 2017)."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = [
        abs(right[bins == each].mean() - confidence[bins == each].mean()) * (bins == each).mean()
        for each in np.unique(bins)
    ]
    return float(sum(gaps))


def error_by_chance(confidence: NDArray[Any]) -> float:
    """Return the mean calibration error that perfectly calibrated predictions with these confidences would show.

    Each prediction is correct with a probability equal to its confidence; in a small sample, observed shares differ.
    """
    draws = np.random.default_rng(0).random((DRAWS, len(confidence)))
    return float(np.mean([calibration_error(confidence, draw < confidence) for draw in draws]))


def trial(
    dataset: Dataset, recipe: str, hyperparameters: dict[str, str], seed: int, fold: int | None, threads: int = 1
) -> Result:
    """Train and evaluate one model. Without a fold, train on all training images and evaluate on the test images."""
    parts = folds(dataset)
    if fold is None:
        training, validation = [*dataset.images("train")], [*dataset.images("test")]
    else:
        training = [image for number, part in enumerate(parts) if number != fold for image in part]
        validation = parts[fold]
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        count = lay_out(base, dataset, training, validation)
        wall, cpu = run(base, described(count) | hyperparameters, seed, threads)
        judged = judge(base / "model" / "model.onnx", dataset, validation)
    return Result(recipe, seed, fold, wall=wall, cpu=cpu, **judged)


def measure(dataset: Dataset, recipe: str, *, test: bool) -> tuple[list[Result], Result]:
    """Return the results of a recipe, and the result of the job that used all processors."""
    processors, hyperparameters = len(os.sched_getaffinity(0)), RECIPES[recipe]
    jobs = [(seed, fold) for seed in range(FOLDS) for fold in ([seed, None] if test else [seed])]
    with ThreadPoolExecutor(processors) as threads:
        results = list(threads.map(lambda job: _told(trial(dataset, recipe, hyperparameters, *job)), jobs))
    return results, _told(trial(dataset, recipe, hyperparameters, 0, None if test else 0, processors))


def _told(result: Result) -> Result:
    print(json.dumps(asdict(result)), flush=True)
    return result


COLUMNS = {
    "accuracy": "accuracy",
    "calibration_error": "calibration error",
    "by_chance": "by chance",
    "passed": f"share that passes {GATE}",
    "passed_accuracy": "accuracy among passed images",
    "cpu": "CPU seconds",
}


def summary(results: list[Result]) -> dict[str, str]:
    """Return mean ± standard deviation of every figure."""
    columns = {name: [float(getattr(result, name)) for result in results] for name in COLUMNS}
    return {
        name: f"{statistics.mean(values):.{digits}f} ± {statistics.stdev(values):.{digits}f}"
        for name, values in columns.items()
        for digits in [0 if name == "cpu" else 3]
    }


def document(kept: dict[str, Any]) -> str:
    """Return the document from the stored results of each recipe."""
    head = (
        "| recipe | evaluated on | n | " + " | ".join(COLUMNS.values()) + " | seconds alone |\n" + "|---" * 10 + "|\n"
    )
    rows, single = "", ""
    for recipe, stored in kept.items():
        results = [Result(**each) for each in stored["results"]]
        for by, chosen in (
            ("folds of the training images", [each for each in results if each.fold is not None]),
            ("the official test images", [each for each in results if each.fold is None]),
        ):
            if not chosen:
                continue
            cells = " | ".join(summary(chosen).values())
            rows += f"| {recipe} | {by} | {len(chosen)} | {cells} | {stored['alone']['wall']:.0f} |\n"
            values = ", ".join(f"{each.accuracy:.3f}" for each in chosen)
            single += f"- {recipe}, {by}, seeds {', '.join(str(each.seed) for each in chosen)}: {values}\n"
    where = "; ".join(f"{name}: {value}" for name, value in machine.describe().items())
    return f"{HEAD}\n{head}{rows}\n{TAIL}\n## Seed by seed, accuracy\n\n{single}\nMeasured on: {where}.\n"


HEAD = """# The classifier, measured

`python -m benchmarks.classifier` writes this page. The data are CIFAR-100's bicycles and motorcycles: 1,000 training
images and 200 official test images. A cell contains the mean and the standard deviation over jobs with different seeds
(and folds). We compared recipes only on the folds of the training images (cross-validation). The test images were used
only for this table. A fold trains on 800 images, so its accuracy is a little lower. The standard error of an accuracy
on 200 images is 1.5 points.
"""
TAIL = """\
The recipe `scratch` is the default of the hyperparameters. The recipe `pretrained` sets `use_pretrained_model=1`, as
`scones run` does. Each job is one process on one thread. *Seconds alone* is the duration of a job that runs alone on
the machine, from its start until its model is stored. The calibration error is the expected calibration error over 15
bins. Even a perfectly calibrated model with the same confidences would show an error on 200 images; *by chance* is this
error. For comparison: 152 public jobs of AWS's built-in algorithm on this task had a median accuracy of .833, and the
best job had .917. AWS billed 457 seconds on a GPU. On one H100 with PyTorch 2.11, our program takes 9 seconds
([decision 11](decisions/0011-a-gpu-repeats-steps.md)).
"""


def main() -> None:
    """Measure the selected recipes and write the document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=RECIPES, help="one recipe")
    parser.add_argument("--folds-only", action="store_true", help="print the folds' results and write nothing")
    parser.add_argument("--archive", type=Path, default=BESIDE, help="CIFAR-100's archive (%(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        dataset = transform(extract(Path(folder), [str(options.archive)]), Path(folder) / "images")
        kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
        for recipe in [options.only] if options.only else RECIPES:
            results, alone = measure(dataset, recipe, test=not options.folds_only)
            print(recipe, summary([each for each in results if each.fold is not None]))
            kept[recipe] = {"results": [asdict(each) for each in results], "alone": asdict(alone)}
            if not options.folds_only:
                KEPT.parent.mkdir(exist_ok=True)
                KEPT.write_text(json.dumps(kept, indent=1))
                DOCUMENT.write_text(document(kept))


if __name__ == "__main__":
    main()
