"""A substitute for BlazingText's text classification: fastText, on which BlazingText is based, from floret."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import floret

from scones.containers.blazingtext.handlers import ACCEPT, MODEL, input_fn, model_fn, output_fn, predict_fn
from scones.containers.blazingtext.parameters import Parameters
from scones.containers.contract import CustomerError
from scones.containers.frameworks.training_environment import TrainingEnvironment

__all__ = ["ACCEPT", "input_fn", "model_fn", "output_fn", "predict_fn", "train"]

LABEL = "__label__"
BUCKETS_PER_NGRAM = 8
"""Maximum number of buckets for each n-gram of the data: two million buckets take 800 MB, and small data needs
fewer."""


def train(job: TrainingEnvironment) -> None:
    """Train on the channels train and validation, and save model.bin; raises `CustomerError`."""
    _log("BlazingText is proprietary; training uses floret, a fork of fastText, instead.")
    parameters = Parameters.read(job.hyperparameters)
    if len(job.hosts) > 1:
        raise CustomerError("BlazingText's supervised mode trains on one instance: set InstanceCount to 1.")
    if "train" not in job.channels:
        raise CustomerError("Missing required channel: train")
    if parameters.early_stopping and "validation" not in job.channels:
        raise CustomerError("Missing required channel: validation, which early_stopping requires")
    with tempfile.TemporaryDirectory() as folder:
        channels = [name for name in job.channels if name in ("train", "validation")]
        texts = {name: _gather(job, name, Path(folder)) for name in sorted(channels)}
        try:
            model = _stopped_early(texts, parameters) if parameters.early_stopping else _fitted(texts, parameters)
        except ValueError as error:
            raise CustomerError(f"BlazingText cannot train on the channel train: {error}.") from error
        for name, path in texts.items():
            examples, accuracy, _ = model.test(str(path))
            _log(f"#{name}_accuracy: {accuracy:.4f}")
            _log(f"Number of {name} examples: {examples}")
    model.save_model(str(job.container.model / MODEL))


def _gather(job: TrainingEnvironment, channel: str, folder: Path) -> Path:
    """Concatenate all files of a channel into one; return its path."""
    gathered = folder / channel
    with gathered.open("w", encoding="utf-8") as written:
        for path in sorted(job.container.channel(channel).rglob("*")):
            if not path.is_file() or path.name.startswith("."):
                continue
            try:
                lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
            except UnicodeDecodeError as error:
                raise CustomerError(f"The file {path.name} of the channel {channel} is not UTF-8 text.") from error
            if bare := next((line for line in lines if not line.lstrip().startswith(LABEL)), None):
                raise CustomerError(
                    f"A line in file {path.name} of channel {channel} has no label: {bare[:40]!r}. Lines must "
                    f"begin with {LABEL} and the label's name."
                )
            written.writelines(f"{line}\n" for line in lines)
    if not gathered.stat().st_size:
        raise CustomerError(f"No data in the channel {channel}")
    return gathered


def _fitted(texts: dict[str, Path], parameters: Parameters, epochs: int | None = None) -> Any:
    with texts["train"].open(encoding="utf-8") as file:
        words = sum(len(line.split()) for line in file)
    ngrams = words * (parameters.word_ngrams - 1)
    return floret.train_supervised(
        input=str(texts["train"]),
        lr=parameters.learning_rate,
        dim=parameters.vector_dim,
        epoch=epochs or parameters.epochs,
        minCount=parameters.min_count,
        wordNgrams=parameters.word_ngrams,
        bucket=max(1, min(parameters.buckets, BUCKETS_PER_NGRAM * ngrams)),
        label=LABEL,
        verbose=0,
    )


def _stopped_early(texts: dict[str, Path], parameters: Parameters) -> Any:
    """Return the model for the number of epochs that did best on the channel validation.

    fastText's learning rate falls to zero over the epochs, and training cannot continue from a model, so each number of
    epochs trains from scratch.
    """
    best, best_accuracy, since = None, -1.0, 0
    for epochs in range(min(parameters.min_epochs, parameters.epochs), parameters.epochs + 1):
        model = _fitted(texts, parameters, epochs)
        accuracy = model.test(str(texts["validation"]))[1]
        _log(f"-------------- End of epoch: {epochs}")
        _log(f"Validation accuracy: {accuracy:g}")
        since = 0 if accuracy > best_accuracy else since + 1
        if not since:
            best, best_accuracy = model, accuracy
        if since >= parameters.patience:
            _log(f"Validation accuracy has not improved for {since} epochs. Stopping.")
            break
    return best


def _log(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - the log
