"""Run the whole workflow from Python: images, training job, endpoint, functions, state machine and report.

    python examples/run_workflow.py

The images are drawn. Training is short, so the confidence gate stops many of them. After about twenty seconds it
prints:

    Images: extract, transform, load
    Training job
    Endpoint with data capture
    Functions
    State machine: one execution per test image
    Monitoring
    20 executions, 0 failed, 20 capture records
    complete: True
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from scones.settings import Settings
from scones.testing import LocalCloud
from scones.workflow import LoggingObserver, Pipeline, Target
from scones.workflow.dataset import draw


class StepPrinter(LoggingObserver):
    """Prints the steps; messages go to Python's logging."""

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Print the title of a step."""
        print(title, flush=True)
        yield


def main() -> None:
    """Draw 120 images, run the pipeline on a local cloud, and print its result."""
    settings = Settings(pretrained=False, epochs=1, mini_batch_size=20)
    with TemporaryDirectory() as folder, LocalCloud() as cloud:
        dataset = draw(Path(folder) / "dataset", settings.classes, sizes={"train": 100, "test": 20})
        target = Target(cloud.session(), cloud.url)
        pipeline = Pipeline(target, settings, data_dir=Path(folder), observer=StepPrinter())
        result = pipeline.run(dataset=dataset)
    counts = result.summary()["executions"]
    records = len(result.captures.records)
    print(f"{counts['total']} executions, {counts['failed']} failed, {records} capture records")
    print("complete:", result.complete)


if __name__ == "__main__":
    main()
