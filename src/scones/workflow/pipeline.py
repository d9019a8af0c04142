"""The pipeline: the steps of the workflow in order, from images to a monitored, gated decision.

with LocalCloud() as cloud:                                     # or Target(boto3.Session()) for AWS
    result = Pipeline(Target(cloud.session(), cloud.url), Settings()).run()
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from scones.monitor.captures import Captures, wait_for
from scones.monitor.report import write_report
from scones.settings import Settings
from scones.workflow import model_card, monitoring, provision
from scones.workflow.dataset import (
    OFFICIAL_SOURCES,
    Dataset,
    NoSourceError,
    UploadedDataset,
    draw,
    extract,
    load,
    transform,
)
from scones.workflow.endpoint import DeployedEndpoint, captures_uri, deploy
from scones.workflow.executions import Executions, execute
from scones.workflow.model_card import ModelCard
from scones.workflow.observer import Level, LoggingObserver, Observer, duration
from scones.workflow.provision import Roles, StateMachine
from scones.workflow.result import SYNTHETIC, PipelineResult
from scones.workflow.target import Target
from scones.workflow.training import TrainedModel, train, training_spec

CAPTURE_SECONDS = 300.0
"""Maximum seconds to wait for captures, which take seconds on a local cloud and minutes on AWS."""
LEAST_CONFIDENT = 24
"""Number of least confident images in the report."""


class Pipeline:
    """The workflow on a target. `run` performs all steps; each step is a method that can also be called by itself.

    `data_dir` holds downloads and images. The report is written to `report_dir`, by default `report` in `data_dir`.
    `observer` receives the progress, which by default goes to Python's logging. Steps are idempotent: unchanged
    results of an earlier run are reused.
    """

    def __init__(
        self,
        target: Target,
        settings: Settings | None = None,
        *,
        data_dir: Path = Path(".scones"),
        report_dir: Path | None = None,
        observer: Observer | None = None,
    ) -> None:
        self.target = target
        self.settings = settings or Settings()
        self.data_dir = data_dir
        self.report_dir = report_dir or data_dir / "report"
        self.observer = observer or LoggingObserver()
        self.bucket = self.settings.bucket(target.account, target.region)

    def run(
        self, sources: Sequence[str] = (), sha256: str | None = None, *, dataset: Dataset | None = None
    ) -> PipelineResult:
        """Run all steps. The images are a dataset on disk, or those of `prepare_dataset(sources, sha256)`."""
        began, started = time.monotonic(), datetime.now(UTC)
        step = self.observer.step
        with step("Images: extract, transform, load"):
            dataset = dataset or self.prepare_dataset(sources, sha256)
            images = self.upload_dataset(dataset)
        with step("Training job"):
            roles = self.create_roles()
            model = self.train_model(images, roles)
            card = self.store_model_card(images, model)
        with step("Endpoint with data capture"):
            endpoint = self.deploy_endpoint(images, model, roles)
        with step("Functions"):
            functions = self.deploy_functions(roles)
        with step("State machine: one execution per test image"):
            machine = self.deploy_state_machine(functions, roles)
            executions = self.classify_test_images(images, machine)
        with step("Monitoring"):
            captures = self.wait_for_captures(images, executions)
            facts = replace(
                monitoring.facts(self.target, self.settings, card, machine, executions),
                endpoint_seconds=endpoint.seconds,
                model_artifact=model.artifact,
                started=started,
                finished=datetime.now(UTC),
            )
            report = write_report(
                self.report_dir, captures, facts, labels=dataset.test_labels(), least_confident=LEAST_CONFIDENT
            )
            self.observer.message(f"report: {report}")
        seconds = time.monotonic() - began
        return PipelineResult(
            bucket=self.bucket,
            card=card,
            model=model,
            endpoint=endpoint,
            state_machine=machine,
            executions=executions,
            captures=captures,
            report=report,
            seconds=seconds,
        )

    def prepare_dataset(self, sources: Sequence[str] = (), sha256: str | None = None) -> Dataset:
        """Extract and transform an archive from one of the sources, whose digest must be `sha256` if it is given.

        Without sources, the archive comes from the official ones; if these fail, synthetic images are drawn.
        """
        show, folder, classes = self.observer, self.data_dir / "dataset", self.settings.classes
        try:
            with show.progress("extract", transfer=True) as progress:
                archive = extract(
                    self.data_dir / "downloads",
                    sources or OFFICIAL_SOURCES,
                    sha256=sha256,
                    progress=progress,
                    s3=self.target.client("s3"),
                )
        except NoSourceError as error:
            if sources:
                raise
            reasons = "; ".join(dict.fromkeys(failure.reason for failure in error.failures))
            show.message(
                f"The official archive {reasons}; using a synthetic dataset instead. "
                "To use a real archive, specify it with --source.",
                Level.WARNING,
            )
            with show.progress("draw") as progress:
                dataset = draw(folder, classes, progress=progress)
            show.message(SYNTHETIC, Level.WARNING)
        else:
            checked = "verified" if archive.verified else "not verified; specify --sha256 to verify it"
            show.message(archive.source)
            show.message(f"SHA-256 {archive.sha256} ({checked})", Level.DETAIL)
            with show.progress("transform") as progress:
                dataset = transform(archive, folder, classes, progress=progress)
        show.message(f"{dataset.name}: {dataset.train:,} + {dataset.test:,} images of {', '.join(dataset.classes)}")
        return dataset

    def upload_dataset(self, dataset: Dataset) -> UploadedDataset:
        """Load the images into the bucket, below a prefix that depends on their content."""
        images = UploadedDataset(dataset, self.bucket, dataset.digest())
        if provision.bucket(self.target, self.bucket):
            self.observer.message(f"created bucket {self.bucket}")
        with self.observer.progress("load") as progress:
            loaded = load(dataset, self.target.client("s3"), self.bucket, images.prefix, progress=progress)
        self.observer.message(f"{loaded.uploaded:,} objects uploaded, {loaded.skipped:,} unchanged")
        self.observer.message(images.uri, Level.DETAIL)
        return images

    def create_roles(self) -> Roles:
        """Create or update the roles of SageMaker, Lambda and Step Functions."""
        return provision.roles(self.target, self.settings, self.bucket)

    def train_model(self, images: UploadedDataset, roles: Roles) -> TrainedModel:
        """Train a model, or reuse a completed job with the same parameters."""
        show = self.observer
        spec = training_spec(self.target, self.settings, images)

        def log(line: str) -> None:
            show.message(line, Level.DETAIL if "Validation-accuracy" in line else Level.LOG)

        with show.progress("epochs") as progress:
            model = train(
                self.target,
                self.settings,
                spec,
                role=roles.sagemaker,
                output=f"s3://{self.bucket}/models",
                on_message=show.message,
                log=log,
                progress=progress,
            )
        accuracy = "not reported" if model.validation_accuracy is None else f"{model.validation_accuracy:.4f}"
        show.message(f"validation accuracy {accuracy}, trained in {duration(model.seconds)}")
        show.message(model.artifact, Level.DETAIL)
        return model

    def store_model_card(self, images: UploadedDataset, model: TrainedModel) -> ModelCard:
        """Store a card with the model's dataset, classes and results next to its artifact."""
        card = ModelCard(
            dataset=images.dataset.name,
            classes=images.dataset.classes,
            data=images.uri,
            train=images.dataset.train,
            test=images.dataset.test,
            validation_accuracy=model.validation_accuracy,
            training_seconds=model.seconds,
        )
        model_card.store(self.target, model.artifact, card)
        return card

    def deploy_endpoint(self, images: UploadedDataset, model: TrainedModel, roles: Roles) -> DeployedEndpoint:
        """Deploy the model to the endpoint, which captures all requests and responses."""
        show, captures = self.observer, captures_uri(self.bucket, images.uri)
        endpoint = deploy(self.target, self.settings, model, roles.sagemaker, captures, on_message=show.message)
        if endpoint.reused:
            show.message(f"{endpoint.endpoint_name} already serves this model")
        return endpoint

    def deploy_functions(self, roles: Roles) -> list[str]:
        """Create or update the three functions, the last of which is the confidence gate. Returns their ARNs."""
        with self.observer.progress("functions") as progress:
            arns = provision.functions(self.target, self.settings, roles.functions, progress=progress)
        self.observer.message(", ".join(arn.rpartition(":")[2] for arn in arns), Level.DETAIL)
        return arns

    def deploy_state_machine(self, function_arns: Sequence[str], roles: Roles) -> StateMachine:
        """Create or update the state machine that calls the functions in order."""
        definition = provision.definition(function_arns)
        arn = provision.state_machine(self.target, self.settings, roles.states, definition)
        return StateMachine(arn, definition)

    def classify_test_images(self, images: UploadedDataset, machine: StateMachine) -> Executions:
        """Start an execution for each test image, and wait for all of them."""
        keys = [f"{images.prefix}/{image.key}" for image in images.dataset.test_images()]
        limit, show = self.settings.concurrency, self.observer
        with show.progress("executions") as progress:
            executions = execute(self.target, machine.arn, self.bucket, keys, concurrency=limit, progress=progress)
        failed = executions.failed
        show.message(
            f"{executions.succeeded:,} passed the gate, {executions.gated:,} were stopped by the gate, "
            f"{len(failed):,} failed"
        )
        for state, errors in executions.errors.items():
            for error, count in errors.items():
                show.message(f"{count:,} failed in {state} with {error}", Level.DETAIL)
        if failed:
            show.message(f"{failed[0].image_key}: {failed[0].error}: {failed[0].cause}", Level.ERROR)
        return executions

    def wait_for_captures(self, images: UploadedDataset, executions: Executions) -> Captures:
        """Wait for a capture record of each invocation since the executions began, by the cloud's own clock."""
        source = monitoring.capture_source(self.target, self.settings, images.uri)
        count, since = executions.invocations, executions.since
        with self.observer.progress("capture records") as progress:
            captures = wait_for(source, count, CAPTURE_SECONDS, since=since, progress=progress)
        self.observer.message(f"{len(captures.records):,} capture records for {count:,} invocations")
        return captures
