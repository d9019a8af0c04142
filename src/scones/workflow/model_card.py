"""Model cards: metadata stored as card.json next to model.tar.gz. The algorithm does not know the class names."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass

from botocore.exceptions import ClientError

from scones.workflow.target import Target


class ModelCardError(Exception):
    """The model has no card, or its card is invalid."""


@dataclass(frozen=True)
class ModelCard:
    """A model's dataset, its class names in the order of its outputs, and its training results.

    `data` is the dataset's address, s3://bucket/prefix. `train` and `test` are numbers of images.
    """

    dataset: str
    classes: tuple[str, ...]
    data: str
    train: int
    test: int
    validation_accuracy: float | None
    training_seconds: float


def store(target: Target, artifact: str, card: ModelCard) -> None:
    """Store a card next to the model.tar.gz at `artifact` (s3://…)."""
    bucket, key = _card_location(artifact)
    body = json.dumps(dataclasses.asdict(card), indent=2).encode()
    target.client("s3").put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")


def read(target: Target, artifact: str) -> ModelCard:
    """Return the card next to the model.tar.gz at `artifact` (s3://…). Raises ModelCardError if missing or invalid."""
    bucket, key = _card_location(artifact)
    try:
        document = json.loads(target.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
        return ModelCard(**{**document, "classes": tuple(document["classes"])})
    except (ClientError, ValueError, TypeError, KeyError) as error:
        raise ModelCardError(
            f"The model card s3://{bucket}/{key} is missing or invalid: run `scones run` again."
        ) from error


def labels(target: Target, card: ModelCard) -> dict[str, int]:
    """Return the labels of a model's test images by MD5, which S3 uses as the ETag of objects from one PutObject."""
    s3 = target.client("s3")
    bucket, _, prefix = card.data.removeprefix("s3://").partition("/")
    listing = s3.get_object(Bucket=bucket, Key=f"{prefix}/test.lst")["Body"].read().decode()
    named = {f"{prefix}/test/{name}": int(label) for _, label, name in map(_fields, listing.splitlines())}
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/test/")
    objects = [found for page in pages for found in page.get("Contents", [])]
    return {found["ETag"].strip('"'): named[found["Key"]] for found in objects if found["Key"] in named}


def _fields(line: str) -> list[str]:
    return line.split("\t")


def _card_location(artifact: str) -> tuple[str, str]:
    bucket, _, key = artifact.removeprefix("s3://").partition("/")
    return bucket, f"{key.rpartition('/')[0]}/card.json"
