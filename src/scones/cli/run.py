"""`scones run`: from images to a monitored, gated decision, in seven steps."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scones.cli.display import Display, duration
from scones.monitor.captures import Captures, S3Captures, wait_for
from scones.monitor.report import ExecutionCounts, RunFacts, write_report
from scones.settings import Settings
from scones.workflow import model_card as card
from scones.workflow import provision
from scones.workflow.dataset import OFFICIAL_SOURCES, Dataset, NoSourceError, draw, extract, load, transform
from scones.workflow.endpoint import VARIANT, DeployedEndpoint, deploy
from scones.workflow.executions import Executions, execute
from scones.workflow.target import Target
from scones.workflow.training import TrainedModel, train, training_spec

CAPTURE_SECONDS = 300.0
"""Maximum seconds to wait for captures, which take seconds on a local cloud and minutes on AWS."""
SYNTHETIC = "SYNTHETIC pictures, drawn by this program: these results say nothing about real ones."


@dataclass(frozen=True)
class RunOptions:
    """A run's options other than its settings: folders, and the archive's sources (empty: the official ones)."""

    data_dir: Path
    report: Path
    sources: tuple[str, ...] = ()
    sha256: str | None = None


@dataclass(frozen=True)
class PipelineResult:
    """The result of a run; `complete` if every step succeeded and each invocation was captured."""

    summary: Mapping[str, Any]
    complete: bool
    problems: tuple[str, ...]


class Pipeline:
    """One run on a target. The steps are called in order; each uses the results of the earlier ones."""

    def __init__(self, target: Target, settings: Settings, options: RunOptions, display: Display) -> None:
        self.place = target
        self.settings = settings
        self.options = options
        self.display = display
        self.bucket = settings.bucket(target.account, target.region)

    def __call__(self, began: float) -> PipelineResult:
        """Run steps 2 to 7; `began` is the start of step 1 on the monotonic clock."""
        started = datetime.now(UTC)
        show = self.display
        with show.step("Pictures: extract, transform, load"):
            dataset, data, digest = self.load_dataset()
        with show.step("Training job"):
            roles = provision.roles(self.place, self.settings, self.bucket)
            trained = self.training(dataset, data, digest, roles.sagemaker)
        with show.step("Endpoint with data capture"):
            deployed = self.endpoint(trained, data, roles.sagemaker)
        with show.step("Functions"), show.progress("functions") as progress:
            arns = provision.functions(self.place, self.settings, roles.functions, progress=progress)
            show.print_detail(", ".join(arn.rpartition(":")[2] for arn in arns))
        with show.step("State machine: an execution per test picture"):
            definition = provision.definition(arns)
            machine = provision.state_machine(self.place, self.settings, roles.states, definition)
            executions = self.executions(machine, dataset, data)
        with show.step("Monitoring"):
            captures = self.captures(data, executions)
            facts = self.facts(dataset, trained, deployed, executions, machine, definition, started)
            report = write_report(self.options.report, captures, facts, labels=labels(dataset), least_confident=24)
            show.print_line(f"report: {report}")
        return self.result(dataset, trained, deployed, executions, captures, machine, report, began)

    def load_dataset(self) -> tuple[Dataset, str, str]:
        """Upload the images to the bucket. Returns the dataset, its address and its digest."""
        dataset = self.dataset()
        digest = digest_of(dataset)
        if provision.bucket(self.place, self.bucket):
            self.display.print_line(f"bucket {self.bucket} made")
        prefix = f"datasets/{digest[:16]}"
        with self.display.progress("load") as progress:
            loaded = load(dataset, self.place.client("s3"), self.bucket, prefix, progress=progress)
        self.display.print_line(f"{loaded.uploaded:,} objects uploaded, {loaded.skipped:,} there unchanged")
        self.display.print_detail(f"s3://{self.bucket}/{prefix}")
        return dataset, f"s3://{self.bucket}/{prefix}", digest

    def dataset(self) -> Dataset:
        """Extract and transform the archive; draw images if no source was requested and the official ones fail."""
        options, show, classes = self.options, self.display, self.settings.classes
        folder = options.data_dir / "dataset"
        try:
            with show.progress("extract", transfer=True) as progress:
                archive = extract(
                    options.data_dir / "downloads",
                    options.sources or OFFICIAL_SOURCES,
                    sha256=options.sha256,
                    progress=progress,
                    s3=self.place.client("s3"),
                )
        except NoSourceError as error:
            if options.sources:
                raise
            reasons = "; ".join(dict.fromkeys(failure.reason for failure in error.failures))
            show.print_line(
                f"The official archive {reasons}: a synthetic set is drawn; name an archive with --source.", "yellow"
            )
            with show.progress("draw") as progress:
                dataset = draw(folder, classes, progress=progress)
            show.print_line(SYNTHETIC, "bold yellow")
        else:
            checked = "verified" if archive.verified else "computed; check it with --sha256"
            show.print_line(f"{archive.source}")
            show.print_detail(f"SHA-256 {archive.sha256} ({checked})")
            with show.progress("transform") as progress:
                dataset = transform(archive, folder, classes, progress=progress)
        show.print_line(
            f"{dataset.name}: {dataset.train:,} + {dataset.test:,} pictures of {', '.join(dataset.classes)}"
        )
        return dataset

    def training(self, dataset: Dataset, data: str, digest: str, role: str) -> TrainedModel:
        """Train a model, or reuse a completed job with the same parameters."""
        show = self.display
        asked = training_spec(self.place, self.settings, dataset, data, digest)
        output = f"s3://{self.bucket}/models"

        def log(line: str) -> None:
            if show.verbose or "Validation-accuracy" in line:
                show.print_detail(line)

        with show.progress("epochs") as progress:
            trained = train(
                self.place, self.settings, asked, role, output, on_message=show.print_line, log=log, progress=progress
            )
        accuracy = "not told" if trained.validation_accuracy is None else f"{trained.validation_accuracy:.4f}"
        show.print_line(f"validation accuracy {accuracy}, trained in {duration(trained.seconds)}")
        show.print_detail(trained.artifact)
        known = card.ModelCard(
            dataset.name,
            dataset.classes,
            data,
            dataset.train,
            dataset.test,
            trained.validation_accuracy,
            trained.seconds,
        )
        card.store(self.place, trained.artifact, known)
        return trained

    def endpoint(self, trained: TrainedModel, data: str, role: str) -> DeployedEndpoint:
        """Deploy the model."""
        captures = f"s3://{self.bucket}/{captures_of(data)}"
        deployed = deploy(self.place, self.settings, trained, role, captures, on_message=self.display.print_line)
        if deployed.reused:
            self.display.print_line(f"{deployed.endpoint_name} serves this model already")
        return deployed

    def executions(self, machine: str, dataset: Dataset, data: str) -> Executions:
        """Classify all test images."""
        prefix = data.removeprefix(f"s3://{self.bucket}/")
        keys = [f"{prefix}/{picture.key}" for picture in dataset.test_images()]
        with self.display.progress("executions") as progress:
            ended = execute(
                self.place, machine, self.bucket, keys, concurrency=self.settings.concurrency, progress=progress
            )
        failed = ended.failed
        self.display.print_line(
            f"{ended.succeeded:,} passed the gate, {ended.gated:,} were gated, {len(failed):,} failed"
        )
        for state, errors in ended.errors.items():
            for error, count in errors.items():
                self.display.print_detail(f"{count:,} ended with {error} in {state}")
        if failed:
            self.display.print_line(f"{failed[0].image_key}: {failed[0].error}: {failed[0].cause}", "red")
        return ended

    def captures(self, data: str, executions: Executions) -> Captures:
        """Wait for a capture record of each invocation since the executions began, by the cloud's own clock."""
        invocations = executions.invocations
        source = S3Captures(
            self.place.client("s3"), self.bucket, captures_of(data), self.settings.endpoint_name, VARIANT
        )
        with self.display.progress("captured records") as progress:
            found = wait_for(source, invocations, CAPTURE_SECONDS, since=executions.since, progress=progress)
        self.display.print_line(f"{len(found.records):,} records captured of {invocations:,} invocations")
        return found

    def facts(
        self,
        dataset: Dataset,
        trained: TrainedModel,
        deployed: DeployedEndpoint,
        executions: Executions,
        machine: str,
        definition: Mapping[str, Any],
        started: datetime,
    ) -> RunFacts:
        """Gather the report's facts other than the captures."""
        counts = ExecutionCounts(len(executions.ended), executions.succeeded, executions.gated, len(executions.failed))
        return RunFacts(
            dataset=dataset.name,
            classes=dataset.classes,
            threshold=self.settings.threshold,
            endpoint_name=deployed.endpoint_name,
            training_images=dataset.train,
            test_images=dataset.test,
            validation_accuracy=trained.validation_accuracy,
            training_seconds=trained.seconds,
            endpoint_seconds=deployed.seconds,
            executions=counts,
            execution_ms_p50=executions.percentile(0.5),
            execution_ms_p95=executions.percentile(0.95),
            state_machine_arn=machine,
            definition=definition,
            errors=executions.errors,
            bucket=self.bucket,
            region=self.place.region,
            model_artifact=trained.artifact,
            started=started,
            finished=datetime.now(UTC),
        )

    def result(
        self,
        dataset: Dataset,
        trained: TrainedModel,
        deployed: DeployedEndpoint,
        executions: Executions,
        captures: Captures,
        machine: str,
        report: Path,
        began: float,
    ) -> PipelineResult:
        """Summarise the run and list its problems."""
        captured, failed = len(captures.records), len(executions.failed)
        problems = []
        if trained.validation_accuracy is None:
            problems.append("The training job told no validation accuracy.")
        if failed:
            problems.append(f"{failed:,} of {len(executions.ended):,} executions failed, and not by the gate.")
        if captured != executions.invocations:
            problems.append(f"{captured:,} records were captured of {executions.invocations:,} invocations.")
        if captures.invalid_lines:
            problems.append(f"{len(captures.invalid_lines):,} captured lines cannot be read.")
        summary = {
            "dataset": dataset.name,
            "pictures": {"train": dataset.train, "test": dataset.test},
            "classes": list(dataset.classes),
            "validation_accuracy": trained.validation_accuracy,
            "training_seconds": round(trained.seconds, 3),
            "endpoint_seconds": round(deployed.seconds, 3),
            "executions": {
                "total": len(executions.ended),
                "succeeded": executions.succeeded,
                "gated": executions.gated,
                "failed": failed,
            },
            "execution_ms": {"p50": _rounded(executions.percentile(0.5)), "p95": _rounded(executions.percentile(0.95))},
            "captured_records": captured,
            "total_seconds": round(time.monotonic() - began, 3),
            "report": str(report.resolve()),
            "endpoint_name": deployed.endpoint_name,
            "state_machine_arn": machine,
            "bucket": self.bucket,
        }
        return PipelineResult(summary, not problems, tuple(problems))


def captures_of(data: str) -> str:
    """Return the captures' key prefix for models of a dataset, given the dataset's address.

    Each dataset has a separate prefix, so that predictions for other classes or synthetic images never mix.
    """
    return f"captures/{data.rpartition('/')[2]}"


def labels(dataset: Dataset) -> dict[str, int]:
    """Return the true label of each test image by its content's SHA-256."""
    return {
        hashlib.sha256(dataset.path(picture).read_bytes()).hexdigest(): picture.label
        for picture in dataset.test_images()
    }


def digest_of(dataset: Dataset) -> str:
    """Return the SHA-256 of everything that a training job reads: names, labels and images."""
    digest = hashlib.sha256()
    for split in ("train", "test"):
        digest.update(dataset.list_file(split).read_bytes())
        for picture in dataset.images(split):
            digest.update(hashlib.sha256(dataset.path(picture).read_bytes()).digest())
    return digest.hexdigest()


def rows(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return a summary as names and readable texts."""
    pictures, executions, milliseconds = summary["pictures"], summary["executions"], summary["execution_ms"]
    accuracy = summary["validation_accuracy"]
    synthetic = f" ({SYNTHETIC})" if summary["dataset"] == "synthetic" else ""
    return [
        ("Data set", summary["dataset"] + synthetic),
        ("Pictures", f"{pictures['train']:,} for training, {pictures['test']:,} for testing"),
        ("Classes", ", ".join(summary["classes"])),
        ("Validation accuracy", "not told" if accuracy is None else f"{accuracy:.4f}"),
        ("Training", duration(summary["training_seconds"])),
        ("Endpoint in service", f"after {duration(summary['endpoint_seconds'])}"),
        (
            "Executions",
            f"{executions['total']:,}: {executions['succeeded']:,} passed, {executions['gated']:,} gated, "
            f"{executions['failed']:,} failed",
        ),
        ("Execution time", f"p50 {milliseconds['p50']} ms, p95 {milliseconds['p95']} ms"),
        ("Captured records", f"{summary['captured_records']:,}"),
        ("Whole run", duration(summary["total_seconds"])),
        ("Bucket", summary["bucket"]),
        ("Endpoint", summary["endpoint_name"]),
        ("State machine", summary["state_machine_arn"]),
        ("Report", summary["report"]),
    ]


def write_json(path: Path, summary: Mapping[str, Any]) -> None:
    """Write a summary to a JSON file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")


def _rounded(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds, 1)
