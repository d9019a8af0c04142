"""Hyperparameter tuning jobs: training jobs with different hyperparameters, and the best training job."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from scones.cloud.cloud import Cloud
from scones.cloud.context import CloudSettings
from scones.cloud.core.credentials import Credentials
from scones.cloud.core.store import Store
from scones.cloud.errors import ServiceError
from scones.cloud.services.sagemaker.resources import SCHEMA
from scones.cloud.services.sagemaker.training.training_jobs import TrainingJobOperations
from scones.cloud.services.sagemaker.tuning.trials import final_status
from scones.cloud.services.sagemaker.tuning.tuning_jobs import TuningJobOperations
from support.calls import call
from support.sagemaker_workbench import IMAGE, ROLE, Workbench, until

METRIC = {"Name": "accuracy", "Regex": r"Train-accuracy=([0-9.]+)"}


def tune(bench: Workbench, strategy: str, ranges: dict[str, Any], **config: Any) -> str:
    """Start a tuning job on the tests' container image, which logs the accuracies it is given; return its name."""
    name = bench.name("tune")
    bench.sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name,
        HyperParameterTuningJobConfig={
            "Strategy": strategy,
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "accuracy"},
            "ResourceLimits": {"MaxParallelTrainingJobs": 2, **config.pop("limits", {})},
            "ParameterRanges": ranges,
            **config,
        },
        TrainingJobDefinition={
            "StaticHyperParameters": {"answer": "tuned"},
            "AlgorithmSpecification": {
                "TrainingImage": IMAGE,
                "TrainingInputMode": "File",
                "MetricDefinitions": [METRIC],
            },
            "RoleArn": ROLE,
            "OutputDataConfig": {"S3OutputPath": f"s3://{bench.bucket}/models"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 300},
        },
    )
    return name


def ended(bench: Workbench, name: str) -> dict[str, Any]:
    def described() -> Any:
        found = bench.sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        return found if found["HyperParameterTuningJobStatus"] in ("Completed", "Failed", "Stopped") else None

    found: dict[str, Any] = until(described, 90)
    return found


def trained(bench: Workbench, name: str, **params: Any) -> list[dict[str, Any]]:
    reported = bench.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name, **params
    )
    summaries: list[dict[str, Any]] = reported["TrainingJobSummaries"]
    return summaries


def test_a_grid_tries_every_combination_and_reports_the_best(bench):
    name = tune(
        bench, "Grid", {"CategoricalParameterRanges": [{"Name": "accuracies", "Values": ["0.2", "0.9", "0.5"]}]}
    )
    reported = ended(bench, name)
    assert reported["HyperParameterTuningJobStatus"] == "Completed"
    best = reported["BestTrainingJob"]
    assert best["TunedHyperParameters"] == {"accuracies": "0.9"}
    metric = best["FinalHyperParameterTuningJobObjectiveMetric"]
    assert (metric["MetricName"], round(metric["Value"], 4)) == ("accuracy", 0.9)
    assert reported["TrainingJobStatusCounters"]["Completed"] == reported["ObjectiveStatusCounters"]["Succeeded"] == 3
    job = bench.sagemaker.describe_training_job(TrainingJobName=best["TrainingJobName"])
    assert job["TuningJobArn"] == reported["HyperParameterTuningJobArn"]
    wanted = {"answer": "tuned", "accuracies": "0.9", "_tuning_objective_metric": "accuracy"}
    assert job["HyperParameters"] == wanted
    listed = trained(bench, name, SortBy="FinalObjectiveMetricValue", SortOrder="Descending")
    assert [each["TunedHyperParameters"]["accuracies"] for each in listed] == ["0.9", "0.5", "0.2"]
    summaries = bench.sagemaker.list_hyper_parameter_tuning_jobs(NameContains=name)["HyperParameterTuningJobSummaries"]
    assert [each["HyperParameterTuningJobStatus"] for each in summaries] == ["Completed"]


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["Random", "Bayesian"])
def test_ranges_are_searched_within_their_bounds(bench, strategy):
    ranges = {
        "ContinuousParameterRanges": [{"Name": "accuracies", "MinValue": "0.1", "MaxValue": "0.9"}],
        "IntegerParameterRanges": [{"Name": "layers", "MinValue": "2", "MaxValue": "4"}],
    }
    name = tune(bench, strategy, ranges, limits={"MaxNumberOfTrainingJobs": 6}, RandomSeed=7)
    reported = ended(bench, name)
    assert reported["HyperParameterTuningJobStatus"] == "Completed"
    tried = [each["TunedHyperParameters"] for each in trained(bench, name)]
    assert len({each["accuracies"] for each in tried}) == 6
    assert all(0.1 <= float(each["accuracies"]) <= 0.9 and each["layers"] in ("2", "3", "4") for each in tried)
    best = max(float(each["accuracies"]) for each in tried)
    value = reported["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
    assert value == pytest.approx(best, rel=1e-5)


def test_early_stopping_is_accepted(bench):
    ranges = {"CategoricalParameterRanges": [{"Name": "accuracies", "Values": ["0.2"]}]}
    name = tune(bench, "Grid", ranges, TrainingJobEarlyStoppingType="Auto")
    reported = ended(bench, name)
    assert reported["HyperParameterTuningJobStatus"] == "Completed"
    assert reported["HyperParameterTuningJobConfig"]["TrainingJobEarlyStoppingType"] == "Auto"


def test_a_tuning_job_without_a_successful_trial_fails_with_a_reason(bench):
    ranges = {"CategoricalParameterRanges": [{"Name": "code", "Values": ["1", "3"]}]}
    name = tune(bench, "Grid", ranges)  # without accuracies, no metric is logged
    reported = ended(bench, name)
    assert reported["HyperParameterTuningJobStatus"] == "Failed"
    assert "No training job succeeded after 2 attempts" in reported["FailureReason"]
    assert "BestTrainingJob" not in reported


@pytest.mark.slow
@pytest.mark.parametrize("begun", [0, 1, 2])
def test_stopping_a_tuning_job_stops_its_training_jobs_in_any_status(bench, begun):
    waiting = {"CategoricalParameterRanges": [{"Name": "wait", "Values": ["yes", "very"]}]}
    name = tune(bench, "Grid", waiting)
    until(lambda: len(trained(bench, name)) >= begun)  # a training job is listed before it is created
    bench.sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    assert ended(bench, name)["HyperParameterTuningJobStatus"] == "Stopped"
    statuses = [each["TrainingJobStatus"] for each in trained(bench, name)]
    assert len(statuses) >= begun
    assert set(statuses) <= {"Stopped"}


class SlowTrainingJobs:
    """Training jobs whose creation waits for the event `made`, and that run until they are stopped."""

    def __init__(self) -> None:
        self.made, self.asked, self.stopped = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.created: list[str] = []

    async def create(self, request: dict[str, Any]) -> None:
        self.asked.set()
        await self.made.wait()
        self.created.append(request["TrainingJobName"])

    def exists(self, name: str) -> bool:
        return name in self.created

    async def ask_to_stop(self, name: str) -> None:
        if not self.exists(name):
            raise ServiceError("ValidationException", "Requested resource not found.")
        self.stopped.set()

    async def wait(self, name: str) -> None:
        await self.stopped.wait()

    def find(self, name: str) -> dict[str, Any]:
        return {"TrainingJobName": name, "TrainingJobStatus": "Stopped" if self.stopped.is_set() else "InProgress"}


async def test_a_stop_reaches_a_training_job_that_is_being_created(tmp_path: Path):
    cloud = Cloud(CloudSettings(data_dir=tmp_path), Store(tmp_path / "cloud.sqlite"), Credentials.of(tmp_path))
    await cloud.store.define(SCHEMA)
    training = SlowTrainingJobs()
    jobs = TuningJobOperations(cloud, cast("TrainingJobOperations", training))
    config = {
        "Strategy": "Grid",
        "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "accuracy"},
        "ResourceLimits": {"MaxParallelTrainingJobs": 1},
        "ParameterRanges": {"CategoricalParameterRanges": [{"Name": "wait", "Values": ["yes", "very"]}]},
    }
    job = {"HyperParameterTuningJobName": "tune"}
    request = job | {
        "HyperParameterTuningJobConfig": config,
        "TrainingJobDefinition": {"AlgorithmSpecification": {"MetricDefinitions": [METRIC]}},
    }
    await jobs.create_hyper_parameter_tuning_job(call("CreateHyperParameterTuningJob", **request))
    async with asyncio.timeout(10):
        await training.asked.wait()
        await jobs.stop_hyper_parameter_tuning_job(call("StopHyperParameterTuningJob", **job))
        training.made.set()
        await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == "tuning job tune"))
    assert len(training.created) == 1
    described = await jobs.describe_hyper_parameter_tuning_job(call("DescribeHyperParameterTuningJob", **job))
    assert described["HyperParameterTuningJobStatus"] == "Stopped"
    await jobs.stop()
    await cloud.stop()


@pytest.mark.slow
def test_a_tuning_job_continues_after_a_crash(start_cloud):
    bench = Workbench(start_cloud())
    accuracies = [f"0.{digit}" for digit in range(1, 7)]
    name = tune(bench, "Grid", {"CategoricalParameterRanges": [{"Name": "accuracies", "Values": accuracies}]})
    until(lambda: len(trained(bench, name)) >= 2)
    bench.cloud.kill()
    bench = Workbench(start_cloud())
    reported = ended(bench, name)
    assert reported["HyperParameterTuningJobStatus"] == "Completed"
    tried = [each["TunedHyperParameters"]["accuracies"] for each in trained(bench, name)]
    assert sorted(tried) == accuracies


def test_unsupported_tuning_requests_are_rejected(bench):
    refused = bench.sagemaker.exceptions.ClientError
    numbers = {"ContinuousParameterRanges": [{"Name": "rate", "MinValue": "0", "MaxValue": "1"}]}
    with pytest.raises(refused, match="only categorical hyperparameters"):
        tune(bench, "Grid", numbers)
    with pytest.raises(refused, match="Hyperband"):
        tune(bench, "Hyperband", numbers)
    with pytest.raises(refused, match="MaxNumberOfTrainingJobs must be given"):
        tune(bench, "Random", numbers)
    numbers["ContinuousParameterRanges"][0]["ScalingType"] = "Logarithmic"
    with pytest.raises(refused, match="greater than 0"):
        tune(bench, "Random", numbers, limits={"MaxNumberOfTrainingJobs": 1})
    with pytest.raises(bench.sagemaker.exceptions.ResourceNotFound):
        bench.sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="none")


def test_an_objective_without_a_metric_definition_is_rejected(bench):
    objective = {"Type": "Maximize", "MetricName": "validation:accuracy"}
    with pytest.raises(ClientError) as refused:
        tune(
            bench,
            "Random",
            {"CategoricalParameterRanges": [{"Name": "accuracies", "Values": ["0.2"]}]},
            limits={"MaxNumberOfTrainingJobs": 1},
            HyperParameterTuningJobObjective=objective,
        )
    assert refused.value.response["Error"] == {
        "Code": "ValidationException",
        "Message": (
            "A metric is required for this hyperparameter tuning job objective. Provide a metric in the metric "
            "definitions."
        ),
    }


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [
        ("IntegerParameterRanges", "-1e+20", "3"),
        ("IntegerParameterRanges", "1.5", "3"),
        ("IntegerParameterRanges", "1", "9" * 30),
        ("IntegerParameterRanges", "1", "²"),
        ("ContinuousParameterRanges", "nan", "1"),
        ("ContinuousParameterRanges", "0", "inf"),
        ("ContinuousParameterRanges", "-1e308", "1e308"),
        ("ContinuousParameterRanges", "1_0", "20"),
    ],
)
def test_a_range_with_invalid_numbers_is_rejected(bench, kind, low, high):
    ranges = {kind: [{"Name": "a", "MinValue": low, "MaxValue": high}]}
    with pytest.raises(ClientError, match="is not a number|is too large"):
        tune(bench, "Random", ranges, limits={"MaxNumberOfTrainingJobs": 1})


def test_a_grid_of_too_many_combinations_is_rejected(bench):
    values = [str(number) for number in range(30)]
    ranges = {"CategoricalParameterRanges": [{"Name": f"p{number}", "Values": values} for number in range(20)]}
    with pytest.raises(ClientError, match="A grid can have up to 750 combinations"):
        tune(bench, "Grid", ranges)


def test_jobs_that_do_not_improve_are_counted_in_the_order_of_their_ends() -> None:
    """The first job to be created ends last and is the best, so no later job has failed to improve on it."""
    ends = {"a": (300.0, 0.9), "b": (100.0, 0.5), "c": (200.0, 0.5)}
    trials: list[dict[str, Any]] = [
        {"Name": name, "Status": "Completed", "Value": value, "CreationTime": 1.0, "TrainingEndTime": end}
        for name, (end, value) in ends.items()
    ]
    criteria = {"BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 2}}
    config = {
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 10, "MaxParallelTrainingJobs": 3},
        "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "accuracy"},
        "TuningJobCompletionCriteria": criteria,
    }
    job = {"HyperParameterTuningJobConfig": config, "HyperParameterTuningJobStatus": "InProgress", "Trials": trials}
    assert final_status(job) is None
    trials[0]["TrainingEndTime"] = 50.0
    assert final_status(job) == ("Completed", "")


def test_the_reason_quotes_the_training_job_that_failed_last() -> None:
    trials = [
        {"Status": "Failed", "Value": None, "TrainingEndTime": end, "FailureReason": f"AlgorithmError: {end}"}
        for end in (3.0, 2.0)
    ]
    objective = {"Type": "Maximize", "MetricName": "accuracy"}
    config = {"ResourceLimits": {"MaxNumberOfTrainingJobs": 2}, "HyperParameterTuningJobObjective": objective}
    document = {
        "HyperParameterTuningJobConfig": config,
        "HyperParameterTuningJobStatus": "InProgress",
        "CreationTime": 0.0,
        "Trials": trials,
    }
    assert final_status(document) == (
        "Failed",
        "No training job succeeded after 2 attempts. Please take a look at the training job failures to get more "
        "details. The last one: AlgorithmError: 3.0",
    )
