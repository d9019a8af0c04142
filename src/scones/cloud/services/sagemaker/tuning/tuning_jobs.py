"""Hyperparameter tuning jobs: they run training jobs with different hyperparameters and report the best one."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from typing import Any

from scones.cloud.context import CloudContext
from scones.cloud.core.pages import page
from scones.cloud.core.resumption import ResumableWork
from scones.cloud.errors import ServiceError
from scones.cloud.services.sagemaker.errors import invalid, invalid_token, not_supported
from scones.cloud.services.sagemaker.resources import Document, ResourceTable
from scones.cloud.services.sagemaker.training.training_jobs import TrainingJobs
from scones.cloud.services.sagemaker.tuning import hyperparameter_search as search
from scones.cloud.services.sagemaker.tuning.hyperparameter_search import HyperparameterSearch

MAX_JOBS_WITHOUT_OBJECTIVE = 5
"""Number of training jobs after which a tuning job fails if none has an objective value, as on AWS."""
_TRIALS = "Trials"
"""Member of a document with its training jobs; Describe does not show it."""
_ENDED = ("Completed", "Failed", "Stopped")
_COUNTED = {"Completed": "Completed", "InProgress": "InProgress", "Stopping": "InProgress", "Stopped": "Stopped"}


class TuningJobs:
    """The tuning jobs of a cloud; the task of each job starts training jobs and waits for them."""

    def __init__(self, cloud: CloudContext, training: TrainingJobs) -> None:
        self._cloud = cloud
        self._training = training
        self._jobs = ResourceTable(cloud.store, "hyper-parameter-tuning-job", "HyperParameterTuningJobStatus")
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def start(self) -> None:
        """Plan to resume the jobs of an earlier process."""
        jobs = self._jobs.of_status("InProgress", "Stopping")
        self._cloud.resumption.plan(self._resumable(job["HyperParameterTuningJobName"]) for job in jobs)

    def _resumable(self, name: str) -> ResumableWork:
        async def take_up() -> None:
            if self._find(name)["HyperParameterTuningJobStatus"] not in _ENDED:
                self._spawn(name)

        async def give_up(reason: str) -> None:
            message = f"InternalServerError: the local cloud could not resume the job: {reason}."
            await self._finish(name, "Failed", message)

        return ResumableWork("tuning job", name, take_up, give_up)

    async def stop(self) -> None:
        """Cancel the tasks of running jobs; the next process resumes the jobs."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def create(self, request: dict[str, Any]) -> dict[str, Any]:
        """Check a request, store the job and start it; raises `ServiceError`."""
        _check(request)
        name = request["HyperParameterTuningJobName"]
        arn = self._cloud.arn("sagemaker", f"hyper-parameter-tuning-job/{name.lower()}")
        now = time.time()
        document = {
            **{key: value for key, value in request.items() if key != "Tags"},
            "HyperParameterTuningJobArn": arn,
            "HyperParameterTuningJobStatus": "InProgress",
            "CreationTime": now,
            "LastModifiedTime": now,
            _TRIALS: [],
        }
        _complete(document)
        if not await self._jobs.add(name, arn, document, request.get("Tags", [])):
            raise ServiceError(
                "ResourceInUse",
                f"A hyperparameter tuning job with the name, {name}, already exists. Choose a different name.",
            )
        self._spawn(name)
        return {"HyperParameterTuningJobArn": arn}

    def describe(self, name: str) -> Document:
        """Return a job's document with counters and its best training job; raises `ServiceError` (ResourceNotFound)."""
        document = self._find(name)
        trials = document.pop(_TRIALS)
        document |= _counters(trials)
        if (best := _best(document, trials)) is not None:
            document["BestTrainingJob"] = self._summary(document, best)
        return document

    async def list(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return one page of summaries."""
        page, more = await self._jobs.page(params, "Ascending")
        members = (
            "HyperParameterTuningJobName",
            "HyperParameterTuningJobArn",
            "HyperParameterTuningJobStatus",
            "CreationTime",
            "LastModifiedTime",
            "HyperParameterTuningEndTime",
        )
        summaries = [
            {
                **{key: document[key] for key in members if key in document},
                **_counters(document[_TRIALS]),
                "Strategy": document["HyperParameterTuningJobConfig"]["Strategy"],
                "ResourceLimits": document["HyperParameterTuningJobConfig"]["ResourceLimits"],
            }
            for document in page
        ]
        return {"HyperParameterTuningJobSummaries": summaries, **more}

    def list_training_jobs(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return one page of a job's training jobs, filtered and sorted by the request's parameters."""
        document = self._find(params["HyperParameterTuningJobName"])
        summaries = [self._summary(document, trial) for trial in document[_TRIALS]]
        status_filter = params.get("StatusEquals")
        chosen = [each for each in summaries if status_filter in (None, each["TrainingJobStatus"])]
        by = params.get("SortBy", "Name")
        chosen.sort(key=lambda each: _sort_key(each, by), reverse=params.get("SortOrder", "Ascending") == "Descending")
        found, token = page(chosen, params.get("NextToken"), params.get("MaxResults", 10), invalid_token())
        return {"TrainingJobSummaries": found, "NextToken": token}

    async def ask_to_stop(self, name: str) -> None:
        """Ask a job and its training jobs to stop; raises `ServiceError` if the job is not in progress."""
        self._find(name)

        def change(document: Document) -> None:
            status = document["HyperParameterTuningJobStatus"]
            if status != "InProgress":
                raise invalid(f"The request was rejected because the tuning job is in status {status}.")
            document |= {"HyperParameterTuningJobStatus": "Stopping", "LastModifiedTime": time.time()}

        document = await self._jobs.update(name, change)
        assert document is not None
        if name not in self._tasks:  # a job of an earlier process that was not resumed
            await self._finish(name, "Stopped", "")
        for trial in document[_TRIALS]:
            if trial["Status"] == "InProgress" and self._training.exists(trial["Name"]):  # else `_train` stops it
                await self._stop_training(trial["Name"])

    async def _stop_training(self, job: str) -> None:
        with contextlib.suppress(ServiceError):  # it has just ended, or is stopping already
            await self._training.ask_to_stop(job)

    async def delete(self, name: str) -> None:
        """Delete the record of a job that has ended; its training jobs stay."""
        status = self._find(name)["HyperParameterTuningJobStatus"]
        if status not in _ENDED:
            raise ServiceError("ResourceInUse", f"Tuning job {name} is in status {status}; stop it first.")
        await self._jobs.remove(name)

    def _find(self, name: str) -> Document:
        document = self._jobs.get(name)
        if document is None:
            raise ServiceError("ResourceNotFound", f"Amazon SageMaker can't find a tuning job with the name {name}.")
        return document

    def _summary(self, document: Document, trial: Document) -> Document:
        objective = document["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
        summary: Document = {
            "TrainingJobName": trial["Name"],
            "TrainingJobArn": self._cloud.arn("sagemaker", f"training-job/{trial['Name'].lower()}"),
            "TuningJobName": document["HyperParameterTuningJobName"],
            "CreationTime": trial["CreationTime"],
            "TrainingJobStatus": trial["Status"],
            "TunedHyperParameters": trial["Tuned"],
            "ObjectiveStatus": _objective_status(trial),
            **{key: trial[key] for key in ("TrainingStartTime", "TrainingEndTime", "FailureReason") if key in trial},
        }
        if trial["Value"] is not None:
            metric = {"MetricName": objective["MetricName"], "Value": trial["Value"]}
            summary["FinalHyperParameterTuningJobObjectiveMetric"] = metric
        return summary

    def _spawn(self, name: str) -> None:
        task = self._cloud.spawn(self._run(name), f"tuning job {name}")
        self._tasks[name] = task
        task.add_done_callback(lambda _: self._tasks.pop(name, None))

    async def _run(self, name: str) -> None:
        try:
            await self._run_trials(name)
        except Exception:
            await self._finish(name, "Failed", "InternalServerError: internal error of the local cloud; see its log.")
            raise

    async def _run_trials(self, name: str) -> None:
        document = self._find(name)
        config = document["HyperParameterTuningJobConfig"]
        strategy, numbers = await asyncio.to_thread(_restore_search, config, document[_TRIALS])
        running = {
            asyncio.ensure_future(self._train(document, trial, strategy, number))
            for trial, number in zip(document[_TRIALS], numbers, strict=True)
            if trial["Status"] == "InProgress"
        }
        try:
            while (ending := _final_status(document := self._find(name))) is None or running:
                free = len(running) < config["ResourceLimits"]["MaxParallelTrainingJobs"]
                if ending is None and free and _trial_count(document) < _limit(config):
                    running.add(await self._begin(document, strategy))
                    continue
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        except ServiceError as error:  # if one training job cannot be created, no other can
            await self._finish(name, "Failed", f"ClientError: {error.message}")
            return
        finally:
            for task in running:
                task.cancel()
        status, reason = ending or ("Completed", "")
        await self._finish(name, status, reason)

    async def _begin(self, document: Document, strategy: HyperparameterSearch) -> asyncio.Task[None]:
        number, tuned = await asyncio.to_thread(strategy.next_trial)
        name = document["HyperParameterTuningJobName"]
        job = f"{name}-{_trial_count(document) + 1:03d}-{secrets.token_hex(4)}"
        trial = {"Name": job, "Tuned": tuned, "Value": None, "Status": "InProgress", "CreationTime": time.time()}
        await self._jobs.update(name, lambda changed: changed[_TRIALS].append(trial))
        return asyncio.ensure_future(self._train(document, trial, strategy, number))

    async def _train(self, document: Document, trial: Document, strategy: HyperparameterSearch, number: int) -> None:
        """Create a training job unless it exists, wait until it ends, and store its status and objective value."""
        job = trial["Name"]
        if not self._training.exists(job):
            await self._training.create(_training_request(document, job, trial["Tuned"]))
        if self._find(document["HyperParameterTuningJobName"])["HyperParameterTuningJobStatus"] == "Stopping":
            await self._stop_training(job)
        await self._training.wait(job)
        described = self._training.describe(job)
        objective = document["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
        values = {metric["MetricName"]: metric["Value"] for metric in described.get("FinalMetricDataList", [])}
        value = values.get(objective["MetricName"]) if described["TrainingJobStatus"] == "Completed" else None

        def change(document: Document) -> None:
            kept = next(kept for kept in document[_TRIALS] if kept["Name"] == job)
            kept |= {"Status": described["TrainingJobStatus"], "Value": value}
            members = ("TrainingStartTime", "TrainingEndTime", "FailureReason")
            kept |= {key: described[key] for key in members if key in described}
            document["LastModifiedTime"] = time.time()

        await self._jobs.update(document["HyperParameterTuningJobName"], change)
        await asyncio.to_thread(strategy.report, number, value)

    async def _finish(self, name: str, status: str, reason: str) -> None:
        def change(document: Document) -> None:
            now = time.time()
            document |= {"HyperParameterTuningJobStatus": status, "HyperParameterTuningEndTime": now}
            document["LastModifiedTime"] = now
            if reason:
                document["FailureReason"] = reason

        await self._jobs.update(name, change)


def _check(request: dict[str, Any]) -> None:
    config = request["HyperParameterTuningJobConfig"]
    if "TrainingJobDefinition" not in request:
        raise not_supported("tuning jobs with several training job definitions", "Specify one TrainingJobDefinition.")
    if "WarmStartConfig" in request:
        raise not_supported("warm starts of tuning jobs", "Omit WarmStartConfig.")
    if config.get("TrainingJobEarlyStoppingType", "Off") != "Off":
        raise not_supported(
            "early stopping of a tuning job's training jobs", "Set TrainingJobEarlyStoppingType to Off."
        )
    criteria = config.get("TuningJobCompletionCriteria", {})
    if criteria.get("ConvergenceDetected", {}).get("CompleteOnConvergence", "Disabled") == "Enabled":
        raise not_supported("convergence detection", "Set a TargetObjectiveMetricValue.")
    if "HyperParameterTuningJobObjective" not in config:
        raise invalid("HyperParameterTuningJobObjective is required.")
    search.check(config)


def _limit(config: dict[str, Any]) -> int:
    limit: int | None = config["ResourceLimits"].get("MaxNumberOfTrainingJobs")
    return search.grid_size(config) if limit is None else limit


def _trial_count(document: Document) -> int:
    return len(document[_TRIALS])


def _restore_search(config: dict[str, Any], trials: list[Document]) -> tuple[HyperparameterSearch, list[int]]:
    """Return a search with a job's earlier trials restored, and the trials' numbers in it."""
    strategy = HyperparameterSearch(config)
    numbers = [strategy.restore_trial(trial["Tuned"]) for trial in trials]
    for trial, number in zip(trials, numbers, strict=True):
        if trial["Status"] != "InProgress":
            strategy.report(number, trial["Value"])
    return strategy, numbers


def _final_status(document: Document) -> tuple[str, str] | None:
    """Return the final status and reason of a job that starts no more training jobs, or None if it continues."""
    config, trials = document["HyperParameterTuningJobConfig"], document[_TRIALS]
    ended = [trial for trial in trials if trial["Status"] != "InProgress"]
    if document["HyperParameterTuningJobStatus"] == "Stopping":
        return "Stopped", ""
    if len(ended) >= min(MAX_JOBS_WITHOUT_OBJECTIVE, _limit(config)) and all(trial["Value"] is None for trial in ended):
        return "Failed", (
            f"No training job succeeded after {len(ended)} attempts. Please take a look at the training job failures "
            "to get more details."
        )
    limit = config["ResourceLimits"].get("MaxRuntimeInSeconds")
    if limit is not None and time.time() - document["CreationTime"] > limit:
        return "Stopped", ""
    criteria = config.get("TuningJobCompletionCriteria", {})
    best = _best(document, trials)
    target = criteria.get("TargetObjectiveMetricValue")
    if target is not None and best is not None and _better_or_equal(config, best["Value"], target):
        return "Completed", ""
    patience = criteria.get("BestObjectiveNotImproving", {}).get("MaxNumberOfTrainingJobsNotImproving")
    if patience is not None and best is not None and len(ended) - 1 - _in_order(ended).index(best) >= patience:
        return "Completed", ""
    return ("Completed", "") if len(ended) >= _limit(config) else None


def _in_order(ended: list[Document]) -> list[Document]:
    """Return training jobs that have ended in the order of their ends."""
    return sorted(ended, key=lambda trial: trial["TrainingEndTime" if "TrainingEndTime" in trial else "CreationTime"])


def _better_or_equal(config: dict[str, Any], value: float, target: float) -> bool:
    return value >= target if config["HyperParameterTuningJobObjective"]["Type"] == "Maximize" else value <= target


def _best(document: Document, trials: list[Document]) -> Document | None:
    objective = document["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
    valued = [trial for trial in trials if trial["Value"] is not None]
    choose = max if objective["Type"] == "Maximize" else min
    return choose(valued, key=lambda trial: float(trial["Value"]), default=None)


def _counters(trials: list[Document]) -> Document:
    status = dict.fromkeys(("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped"), 0)
    objective = dict.fromkeys(("Succeeded", "Pending", "Failed"), 0)
    for trial in trials:
        status[_COUNTED.get(trial["Status"], "NonRetryableError")] += 1
        objective[_objective_status(trial)] += 1
    return {"TrainingJobStatusCounters": status, "ObjectiveStatusCounters": objective}


def _objective_status(trial: Document) -> str:
    if trial["Value"] is not None:
        return "Succeeded"
    return "Pending" if trial["Status"] == "InProgress" else "Failed"


def _sort_key(summary: Document, by: str) -> Any:
    if by == "FinalObjectiveMetricValue":
        metric = summary.get("FinalHyperParameterTuningJobObjectiveMetric")
        return (metric is not None, metric["Value"] if metric else 0.0)
    return summary[{"Name": "TrainingJobName", "Status": "TrainingJobStatus"}.get(by, by)]


def _complete(document: Document) -> None:
    """Add the members that AWS adds to a request and that the SDK's `HyperparameterTuner.attach` reads."""
    config, definition = document["HyperParameterTuningJobConfig"], document["TrainingJobDefinition"]
    config.setdefault("TrainingJobEarlyStoppingType", "Off")
    metric = config["HyperParameterTuningJobObjective"]["MetricName"]
    given = definition.get("StaticHyperParameters", {})
    definition["StaticHyperParameters"] = given | {"_tuning_objective_metric": metric}
    definition.setdefault("ResourceConfig", _resources(definition))


def _training_request(document: Document, job: str, tuned: dict[str, str]) -> dict[str, Any]:
    definition = document["TrainingJobDefinition"]
    left_out = ("DefinitionName", "TuningObjective", "HyperParameterRanges", "StaticHyperParameters")
    return {
        **{key: value for key, value in definition.items() if key not in left_out},
        "TrainingJobName": job,
        "TuningJobArn": document["HyperParameterTuningJobArn"],
        "HyperParameters": definition["StaticHyperParameters"] | tuned,
    }


def _resources(definition: dict[str, Any]) -> dict[str, Any]:
    given = definition.get("HyperParameterTuningResourceConfig", {})
    members = ("InstanceType", "InstanceCount", "VolumeSizeInGB", "VolumeKmsKeyId")
    return {key: given[key] for key in members if key in given}
