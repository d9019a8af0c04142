"""Hyperparameter tuning jobs: they run training jobs with different hyperparameters and report the best one."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time

from scones.cloud.context import CloudContext
from scones.cloud.core.pages import page
from scones.cloud.core.resumption import ResumableWork
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.sagemaker.errors import (
    INTERNAL_FAULT,
    cannot_stop,
    invalid,
    invalid_token,
    job_not_resumed,
    must_end_first,
    not_supported,
)
from scones.cloud.services.sagemaker.resources import Document, ResourceTable
from scones.cloud.services.sagemaker.training.metrics import definitions as metric_definitions
from scones.cloud.services.sagemaker.training.training_jobs import TrainingJobOperations
from scones.cloud.services.sagemaker.tuning import hyperparameter_search as search
from scones.cloud.services.sagemaker.tuning.hyperparameter_search import HyperparameterSearch
from scones.cloud.services.sagemaker.tuning.trials import (
    TRIALS,
    best_trial,
    counters,
    final_status,
    limit_of,
    sort_key,
    summary,
    trial_count,
)
from scones.cloud.wire.members import Members

_ENDED = ("Completed", "Failed", "Stopped")


class TuningJobOperations:
    """Operations on tuning jobs; the task of each job starts training jobs and waits for them."""

    def __init__(self, cloud: CloudContext, training: TrainingJobOperations) -> None:
        self._cloud = cloud
        self._training = training
        self._jobs = ResourceTable(cloud.store, "hyper-parameter-tuning-job", "HyperParameterTuningJobStatus")
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def create_hyper_parameter_tuning_job(self, call: OperationCall) -> Members:
        """Start a hyperparameter tuning job."""
        request = call.params
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
            TRIALS: [],
        }
        _complete(document)
        if not await self._jobs.add(name, arn, document, request.get("Tags", [])):
            raise ServiceError(
                "ResourceInUse",
                f"A hyperparameter tuning job with the name, {name}, already exists. Choose a different name.",
            )
        self._spawn(name)
        return {"HyperParameterTuningJobArn": arn}

    async def describe_hyper_parameter_tuning_job(self, call: OperationCall) -> Members:
        """Describe a hyperparameter tuning job, with counters and its best training job."""
        document = self._find(call.params["HyperParameterTuningJobName"])
        trials = document.pop(TRIALS)
        document |= counters(trials)
        if (best := best_trial(document, trials)) is not None:
            document["BestTrainingJob"] = summary(document, best, self._training_job_arn(best))
        return document

    async def list_hyper_parameter_tuning_jobs(self, call: OperationCall) -> Members:
        """List hyperparameter tuning jobs."""
        page, more = await self._jobs.page(call.params, "Ascending")
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
                **counters(document[TRIALS]),
                "Strategy": document["HyperParameterTuningJobConfig"]["Strategy"],
                "ResourceLimits": document["HyperParameterTuningJobConfig"]["ResourceLimits"],
            }
            for document in page
        ]
        return {"HyperParameterTuningJobSummaries": summaries, **more}

    async def list_training_jobs_for_hyper_parameter_tuning_job(self, call: OperationCall) -> Members:
        """List the training jobs of a hyperparameter tuning job."""
        params = call.params
        document = self._find(params["HyperParameterTuningJobName"])
        summaries = [summary(document, trial, self._training_job_arn(trial)) for trial in document[TRIALS]]
        status_filter = params.get("StatusEquals")
        chosen = [each for each in summaries if status_filter in (None, each["TrainingJobStatus"])]
        by = params.get("SortBy", "Name")
        chosen.sort(key=lambda each: sort_key(each, by), reverse=params.get("SortOrder", "Ascending") == "Descending")
        found, token = page(chosen, params.get("NextToken"), params.get("MaxResults", 10), invalid_token())
        return {"TrainingJobSummaries": found, "NextToken": token}

    async def stop_hyper_parameter_tuning_job(self, call: OperationCall) -> Members:
        """Ask a hyperparameter tuning job and its training jobs to stop."""
        name = call.params["HyperParameterTuningJobName"]
        self._find(name)

        def change(document: Document) -> None:
            status = document["HyperParameterTuningJobStatus"]
            if status != "InProgress":
                raise cannot_stop("tuning job", status)
            document |= {"HyperParameterTuningJobStatus": "Stopping", "LastModifiedTime": time.time()}

        document = await self._jobs.update(name, change)
        assert document is not None
        if name not in self._tasks:  # a job of an earlier process that was not resumed
            await self._finish(name, "Stopped", "")
        for trial in document[TRIALS]:
            if trial["Status"] == "InProgress" and self._training.exists(trial["Name"]):  # else `_train` stops it
                await self._stop_training(trial["Name"])
        return {}

    async def delete_hyper_parameter_tuning_job(self, call: OperationCall) -> Members:
        """Delete a hyperparameter tuning job that has ended; its training jobs stay."""
        name = call.params["HyperParameterTuningJobName"]
        status = self._find(name)["HyperParameterTuningJobStatus"]
        if status not in _ENDED:
            raise must_end_first(f"Tuning job {name}", status)
        await self._jobs.remove(name)
        return {}

    async def start(self) -> None:
        """Plan to resume the jobs of an earlier process."""
        jobs = self._jobs.of_status("InProgress", "Stopping")
        self._cloud.resumption.plan(self._resumable(job["HyperParameterTuningJobName"]) for job in jobs)

    def _resumable(self, name: str) -> ResumableWork:
        async def take_up() -> None:
            if self._find(name)["HyperParameterTuningJobStatus"] not in _ENDED:
                self._spawn(name)

        async def give_up(reason: str) -> None:
            await self._finish(name, "Failed", job_not_resumed(reason))

        return ResumableWork("tuning job", name, take_up, give_up)

    async def stop(self) -> None:
        """Cancel the tasks of running jobs; the next process resumes the jobs."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _stop_training(self, job: str) -> None:
        with contextlib.suppress(ServiceError):  # it has just ended, or is stopping already
            await self._training.ask_to_stop(job)

    def _find(self, name: str) -> Document:
        document = self._jobs.get(name)
        if document is None:
            raise ServiceError("ResourceNotFound", f"Amazon SageMaker can't find a tuning job with the name {name}.")
        return document

    def _training_job_arn(self, trial: Document) -> str:
        return self._cloud.arn("sagemaker", f"training-job/{trial['Name'].lower()}")

    def _spawn(self, name: str) -> None:
        task = self._cloud.spawn(self._run(name), f"tuning job {name}")
        self._tasks[name] = task
        task.add_done_callback(lambda _: self._tasks.pop(name, None))

    async def _run(self, name: str) -> None:
        try:
            await self._run_trials(name)
        except Exception:
            await self._finish(name, "Failed", INTERNAL_FAULT)
            raise

    async def _run_trials(self, name: str) -> None:
        document = self._find(name)
        config = document["HyperParameterTuningJobConfig"]
        strategy, numbers = await asyncio.to_thread(_restore_search, config, document[TRIALS])
        running = {
            asyncio.ensure_future(self._train(document, trial, strategy, number))
            for trial, number in zip(document[TRIALS], numbers, strict=True)
            if trial["Status"] == "InProgress"
        }
        try:
            while (ending := final_status(document := self._find(name))) is None or running:
                free = len(running) < config["ResourceLimits"]["MaxParallelTrainingJobs"]
                if ending is None and free and trial_count(document) < limit_of(config):
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
        job = f"{name}-{trial_count(document) + 1:03d}-{secrets.token_hex(4)}"
        trial = {"Name": job, "Tuned": tuned, "Value": None, "Status": "InProgress", "CreationTime": time.time()}
        await self._jobs.update(name, lambda changed: changed[TRIALS].append(trial))
        return asyncio.ensure_future(self._train(document, trial, strategy, number))

    async def _train(self, document: Document, trial: Document, strategy: HyperparameterSearch, number: int) -> None:
        """Create a training job unless it exists, wait until it ends, and store its status and objective value."""
        job = trial["Name"]
        if not self._training.exists(job):
            await self._training.create(_training_request(document, job, trial["Tuned"]))
        if self._find(document["HyperParameterTuningJobName"])["HyperParameterTuningJobStatus"] == "Stopping":
            await self._stop_training(job)
        await self._training.wait(job)
        described = self._training.find(job)
        objective = document["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
        values = {metric["MetricName"]: metric["Value"] for metric in described.get("FinalMetricDataList", [])}
        value = values.get(objective["MetricName"]) if described["TrainingJobStatus"] == "Completed" else None

        def change(document: Document) -> None:
            kept = next(kept for kept in document[TRIALS] if kept["Name"] == job)
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


def _check(request: Members) -> None:
    config = request["HyperParameterTuningJobConfig"]
    if "TrainingJobDefinition" not in request:
        raise not_supported("tuning jobs with several training job definitions", "Specify one TrainingJobDefinition.")
    if "WarmStartConfig" in request:
        raise not_supported("warm starts of tuning jobs", "Omit WarmStartConfig.")
    criteria = config.get("TuningJobCompletionCriteria", {})
    if criteria.get("ConvergenceDetected", {}).get("CompleteOnConvergence", "Disabled") == "Enabled":
        raise not_supported("convergence detection", "Set a TargetObjectiveMetricValue.")
    if "HyperParameterTuningJobObjective" not in config:
        raise invalid("HyperParameterTuningJobObjective is required.")
    _check_objective(config, request["TrainingJobDefinition"])
    search.check(config)


def _check_objective(config: Members, definition: Members) -> None:
    names = [each["Name"] for each in metric_definitions(definition["AlgorithmSpecification"])]
    if config["HyperParameterTuningJobObjective"]["MetricName"] not in names:
        raise invalid(
            "A metric is required for this hyperparameter tuning job objective. Provide a metric in the metric "
            "definitions."
        )


def _restore_search(config: Members, trials: list[Document]) -> tuple[HyperparameterSearch, list[int]]:
    """Return a search with a job's earlier trials restored, and the trials' numbers in it."""
    strategy = HyperparameterSearch(config)
    numbers = [strategy.restore_trial(trial["Tuned"]) for trial in trials]
    for trial, number in zip(trials, numbers, strict=True):
        if trial["Status"] != "InProgress":
            strategy.report(number, trial["Value"])
    return strategy, numbers


def _complete(document: Document) -> None:
    """Add the members that AWS adds to a request and that the SDK's `HyperparameterTuner.attach` reads."""
    config, definition = document["HyperParameterTuningJobConfig"], document["TrainingJobDefinition"]
    config.setdefault("TrainingJobEarlyStoppingType", "Off")
    metric = config["HyperParameterTuningJobObjective"]["MetricName"]
    given = definition.get("StaticHyperParameters", {})
    definition["StaticHyperParameters"] = given | {"_tuning_objective_metric": metric}
    definition.setdefault("ResourceConfig", _resources(definition))


def _training_request(document: Document, job: str, tuned: dict[str, str]) -> Members:
    definition = document["TrainingJobDefinition"]
    left_out = ("DefinitionName", "TuningObjective", "HyperParameterRanges", "StaticHyperParameters")
    return {
        **{key: value for key, value in definition.items() if key not in left_out},
        "TrainingJobName": job,
        "TuningJobArn": document["HyperParameterTuningJobArn"],
        "HyperParameters": definition["StaticHyperParameters"] | tuned,
    }


def _resources(definition: Members) -> Members:
    given = definition.get("HyperParameterTuningResourceConfig", {})
    members = ("InstanceType", "InstanceCount", "VolumeSizeInGB", "VolumeKmsKeyId")
    return {key: given[key] for key in members if key in given}
