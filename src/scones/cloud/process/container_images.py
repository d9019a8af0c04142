"""Container images: the mapping from image URIs to the programs that run instead of containers.

Programs come from the entry-point group `scones.images`, whose names are repositories and whose values are modules.
The environment variable `SCONES_IMAGES` takes precedence: a comma-separated list of `REPOSITORY=MODULE` or
`REPOSITORY=PATH.py`. A program is started with one argument, as AWS starts a container: `train` for a training job,
`serve` for an endpoint.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from importlib.machinery import PathFinder
from importlib.metadata import entry_points
from pathlib import Path

GROUP = "scones.images"
VARIABLE = "SCONES_IMAGES"
SKLEARN = "a script with scikit-learn's {} on the sagemaker-scikit-learn image"
PYTORCH = "your own script on the pytorch-training image"
CLOSED_ALGORITHMS = {
    "factorization-machines": ("Factorization Machines", PYTORCH),
    "forecasting-deepar": ("DeepAR", PYTORCH),
    "ipinsights": ("IP Insights", PYTORCH),
    "kmeans": ("K-Means", SKLEARN.format("KMeans")),
    "knn": ("k-NN", SKLEARN.format("KNeighborsClassifier or KNeighborsRegressor")),
    "lda": ("LDA", SKLEARN.format("LatentDirichletAllocation")),
    "linear-learner": ("Linear Learner", SKLEARN.format("SGDClassifier or SGDRegressor")),
    "ntm": ("Neural Topic Model", PYTORCH),
    "object-detection": ("Object Detection", PYTORCH),
    "object2vec": ("Object2Vec", PYTORCH),
    "pca": ("PCA", SKLEARN.format("PCA")),
    "randomcutforest": ("Random Cut Forest", SKLEARN.format("IsolationForest")),
    "semantic-segmentation": ("Semantic Segmentation", PYTORCH),
    "seq2seq": ("Sequence-to-Sequence", PYTORCH),
}
"""AWS's closed-source algorithms by repository: the name of each, and its substitute here."""


UNSUPPORTED = {
    "sagemaker-spark-processing": (
        "Apache Spark",
        "Run your script with pyspark on another image, such as sagemaker-scikit-learn, in a ScriptProcessor.",
    ),
}
"""AWS's images that do not run here even with an entry point of the request: what each contains, and a substitute."""


class UnknownImageError(ValueError):
    """An image URI has no program, or the program is missing; the message says what to do."""


def repository(uri: str) -> str:
    """Return an image URI's repository: `NAME` for `111122223333.dkr.ecr.us-east-1.amazonaws.com/NAME:1`."""
    first, slash, rest = uri.partition("/")
    path = rest if slash and ("." in first or ":" in first) else uri
    return path.partition("@")[0].partition(":")[0]


@cache
def _installed() -> dict[str, str]:
    return {point.name: point.value for point in entry_points(group=GROUP)}


def _from_environment() -> dict[str, str]:
    pairs = (part.partition("=") for part in os.environ.get(VARIABLE, "").split(",") if part.strip())
    return {name.strip(): program.strip() for name, _, program in pairs}


def _exists(program: str) -> bool:
    """Return True if a program's module or file exists; neither it nor the packages that contain it are imported.

    Installed metadata can name a module that another release of its package does not have.
    """
    if program.endswith(".py"):
        return Path(program).is_file()
    name, path = "", None
    for part in program.split("."):
        name = f"{name}.{part}" if name else part
        found = PathFinder.find_spec(name, path)
        if found is None:
            return False
        path = found.submodule_search_locations
    return True


def _closed_algorithm_hint(uri: str) -> str:
    """Return a sentence with a trailing space about one of AWS's closed algorithms; "" for any other image."""
    if repository(uri) not in CLOSED_ALGORITHMS:
        return ""
    name, instead = CLOSED_ALGORITHMS[repository(uri)]
    return f"{name} is a proprietary AWS algorithm that the local cloud cannot run: train {instead} instead. "


def command(uri: str, argument: str) -> list[str]:
    """Return the argument vector that replaces `docker run URI ARGUMENT`; raises `UnknownImageError`.

    The first call reads the metadata of all installed distributions; call it on a thread.
    """
    programs = {**_installed(), **_from_environment()}
    program = programs.get(repository(uri))
    if program is None:
        known = ", ".join(sorted(programs)) or "none"
        raise UnknownImageError(
            f'{_closed_algorithm_hint(uri)}The local cloud has no program for the container image "{uri}". Available: '
            f"{known}. Register one in {VARIABLE}, as {repository(uri)}=MODULE or {repository(uri)}=PATH.py."
        )
    if not _exists(program):
        raise UnknownImageError(
            f'The program of the image "{uri}" is missing: "{program}" was not found. If {VARIABLE} names it, correct '
            "the name; otherwise reinstall the package that contains it. Then restart the local cloud."
        )
    if program.endswith(".py"):
        return [sys.executable, os.path.abspath(program), argument]  # noqa: PTH100 - symbolic links stay
    return [sys.executable, "-P", "-m", program, argument]  # -P: a user's current folder may contain modules
