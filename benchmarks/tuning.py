"""Search for better hyperparameters than the defaults, with a tuning job: `python -m benchmarks.tuning`.

A Bayesian tuning job on the local cloud searches for the best learning rate, optimizer, batch size and weight decay of
the built-in algorithm, evaluated on the first fold of the 1,000 training images. A win on one fold of 200 images is
partly luck. The best setting is therefore evaluated on the other four folds, and compared with the defaults, which
`python -m benchmarks.classifier` has measured with the same seeds. Writes docs/explanation/tuning.md; takes ten minutes
on two processors.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks import clouds, machine
from benchmarks.classifier import FOLDS, KEPT, RECIPES, described, folds, listing, trial
from benchmarks.serving.endpoint import IMAGE, ROLE
from benchmarks.workflow import BESIDE
from scones.workflow.dataset import Dataset, LabelledImage, extract, transform

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "explanation" / "tuning.md"
BUCKET = "tuning"
JOBS, AT_ONCE, SHOWN = 12, 2, 10
SEARCHED, OTHERS = 0, range(1, FOLDS)
METRIC = "validation:accuracy"
RANGES = {
    "ContinuousParameterRanges": [
        {"Name": "learning_rate", "MinValue": "0.0001", "MaxValue": "0.3", "ScalingType": "Logarithmic"},
        {"Name": "weight_decay", "MinValue": "0.00001", "MaxValue": "0.01", "ScalingType": "Logarithmic"},
    ],
    "IntegerParameterRanges": [{"Name": "mini_batch_size", "MinValue": "16", "MaxValue": "64"}],
    "CategoricalParameterRanges": [{"Name": "optimizer", "Values": ["sgd", "nag", "adam"]}],
}


def search(dataset: Dataset, folder: Path) -> list[dict[str, Any]]:
    """Run the tuning job on a new cloud. Returns the summaries of the best training jobs, the best first."""
    with clouds.scones(folder) as cloud:
        parts = folds(dataset)
        training = [image for number, part in enumerate(parts) if number != SEARCHED for image in part]
        _load(cloud.client("s3"), dataset, {"train": training, "validation": parts[SEARCHED]})
        sagemaker = cloud.client("sagemaker")
        sagemaker.create_hyper_parameter_tuning_job(
            HyperParameterTuningJobName="rates",
            HyperParameterTuningJobConfig={
                "Strategy": "Bayesian",
                "RandomSeed": 0,
                "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": METRIC},
                "ResourceLimits": {"MaxNumberOfTrainingJobs": JOBS, "MaxParallelTrainingJobs": AT_ONCE},
                "ParameterRanges": RANGES,
            },
            TrainingJobDefinition=_definition(len(training)),
        )
        while True:
            job = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="rates")
            if job["HyperParameterTuningJobStatus"] != "InProgress":
                break
            time.sleep(1)
        assert job["HyperParameterTuningJobStatus"] == "Completed", job.get("FailureReason")
        answer = sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(
            HyperParameterTuningJobName="rates",
            SortBy="FinalObjectiveMetricValue",
            SortOrder="Descending",
            MaxResults=SHOWN,
        )
        jobs: list[dict[str, Any]] = answer["TrainingJobSummaries"]
        return [job for job in jobs if "FinalHyperParameterTuningJobObjectiveMetric" in job]


def _load(s3: Any, dataset: Dataset, channels: dict[str, list[LabelledImage]]) -> None:
    s3.create_bucket(Bucket=BUCKET)
    for channel, images in channels.items():
        for image in images:
            s3.upload_file(str(dataset.path(image)), BUCKET, f"{channel}/{image.key}")
        s3.put_object(Bucket=BUCKET, Key=f"{channel}_lst/{channel}.lst", Body="".join(listing(images)).encode())


def _definition(count: int) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3DataDistributionType": "FullyReplicated"}
    return {
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "RoleArn": ROLE,
        "StaticHyperParameters": RECIPES["scratch"] | described(count),
        "InputDataConfig": [
            {
                "ChannelName": name,
                "DataSource": {"S3DataSource": source | {"S3Uri": f"s3://{BUCKET}/{name}/"}},
                "ContentType": "application/x-image",
            }
            for name in ("train", "validation", "train_lst", "validation_lst")
        ],
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/models"},
        "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        "Environment": {"OMP_NUM_THREADS": "1"},
    }


def judge(dataset: Dataset, tuned: dict[str, str]) -> list[float]:
    """Return the accuracies of the tuned setting on the folds not used for the search; fold numbers are the seeds."""
    setting = RECIPES["scratch"] | tuned
    with ThreadPoolExecutor(AT_ONCE) as threads:
        results = threads.map(lambda fold: trial(dataset, "tuned", setting, fold, fold), OTHERS)
        return [result.accuracy for result in results]


def defaults() -> list[float]:
    """Return the accuracies of the defaults on the same folds, measured earlier."""
    results = {each["fold"]: each["accuracy"] for each in json.loads(KEPT.read_text())["scratch"]["results"]}
    return [results[fold] for fold in OTHERS]


def document(jobs: list[dict[str, Any]], accuracies: dict[str, list[float]]) -> str:
    """Return the document."""
    names = [each["Name"] for ranges in RANGES.values() for each in ranges]
    head = f"| {' | '.join(names)} | accuracy |\n{'|---' * (len(names) + 1)}|\n"
    rows = "".join(
        f"| {' | '.join(_short(job['TunedHyperParameters'][name]) for name in names)} "
        f"| {job['FinalHyperParameterTuningJobObjectiveMetric']['Value']:.3f} |\n"
        for job in jobs
    )
    judged = "".join(
        f"| {name} | {' | '.join(f'{value:.3f}' for value in values)} | {statistics.mean(values):.3f} |\n"
        for name, values in accuracies.items()
    )
    means = {name: statistics.mean(values) for name, values in accuracies.items()}
    verdict = (
        "The result of the search is better." if means["found"] > means["defaults"] else "The defaults are better."
    )
    columns = "".join(f" fold {fold} |" for fold in OTHERS)
    where = "; ".join(f"{name}: {value}" for name, value in machine.describe().items())
    return (
        f"{HEAD}\n{head}{rows}\n{BETWEEN}\n| from scratch, 30 epochs |{columns} mean |\n{'|---' * (len(OTHERS) + 2)}|\n"
        f"{judged}\n{verdict}\n\nMeasured on: {where}.\n"
    )


def _short(value: str) -> str:
    try:
        return f"{float(value):.3g}"
    except ValueError:
        return value


HEAD = f"""# What tuning finds

`python -m benchmarks.tuning` writes this page. A Bayesian hyperparameter tuning job on the local cloud ran {JOBS}
training jobs, {AT_ONCE} at a time. They trained from scratch on four fifths of the 1,000 training images, and
`{METRIC}` was measured on the remaining fifth. A job that sets a learning rate uses the optimizer of
AWS's built-in algorithm. The question is therefore whether that optimizer, well tuned, is better than the default
recipe of Scones. The best {SHOWN}:
"""
BETWEEN = """The best of these and the defaults, evaluated on the four folds that the search did not use:
"""


def main() -> None:
    """Search, evaluate and write the document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--archive", type=Path, default=BESIDE, help="CIFAR-100's archive (%(default)s)")
    options = parser.parse_args()
    measured = defaults()
    with tempfile.TemporaryDirectory() as folder:
        dataset = transform(extract(Path(folder), [str(options.archive)]), Path(folder) / "images")
        jobs = search(dataset, Path(folder) / "cloud")
        accuracies = {"defaults": measured, "found": judge(dataset, jobs[0]["TunedHyperParameters"])}
    DOCUMENT.write_text(document(jobs, accuracies))


if __name__ == "__main__":
    main()
