"""The dataset: extract an archive, transform it to PNG and .lst files, load them into a bucket.

archive = extract(folder, progress=…)                           # or NoSourceError: then draw(folder)
dataset = transform(archive, folder, ("bicycle", "motorcycle"))
loaded = load(dataset, s3, "my-bucket", "scones")
"""

from scones.workflow.dataset.dataset import Dataset, LabelledImage, Split, UploadedDataset
from scones.workflow.dataset.errors import (
    ArchiveError,
    DatasetError,
    DigestError,
    ForbiddenGlobalError,
    LoadError,
    NoSourceError,
    SlowSourceError,
    SourceError,
    TooFewClassesError,
    UndrawableClassError,
    UnknownClassError,
)
from scones.workflow.dataset.extract import OFFICIAL_SHA256, OFFICIAL_SOURCES, Archive, DownloadLimits, extract
from scones.workflow.dataset.load import LoadResult, load
from scones.workflow.dataset.synthetic import draw
from scones.workflow.dataset.transform import DEFAULT_CLASSES, transform

__all__ = [
    "DEFAULT_CLASSES",
    "OFFICIAL_SHA256",
    "OFFICIAL_SOURCES",
    "Archive",
    "ArchiveError",
    "Dataset",
    "DatasetError",
    "DigestError",
    "DownloadLimits",
    "ForbiddenGlobalError",
    "LabelledImage",
    "LoadError",
    "LoadResult",
    "NoSourceError",
    "SlowSourceError",
    "SourceError",
    "Split",
    "TooFewClassesError",
    "UndrawableClassError",
    "UnknownClassError",
    "UploadedDataset",
    "draw",
    "extract",
    "load",
    "transform",
]
