"""The framework version that a container image's tag names, and the installed version that runs in its place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from scones.cloud.process.container_images import repository


@dataclass(frozen=True, slots=True)
class _Framework:
    name: str
    distributions: tuple[str, ...]
    """Names of the Python distributions that contain the framework; the first that is installed counts."""
    tag: re.Pattern[str] = re.compile(r"(\d+\.\d+)")
    """Pattern of an image's tag, whose group is the version."""


_TRANSFORMERS = _Framework("transformers", ("transformers",), re.compile(r".*transformers(\d+\.\d+)"))
_PYTORCH = _Framework("PyTorch", ("torch",))
_TENSORFLOW = _Framework("TensorFlow", ("tensorflow",))
_XGBOOST = _Framework("XGBoost", ("xgboost", "xgboost-cpu"))
_FRAMEWORKS = {
    "huggingface-pytorch-inference": _TRANSFORMERS,
    "huggingface-pytorch-training": _TRANSFORMERS,
    "pytorch-inference": _PYTORCH,
    "pytorch-inference-arm64": _PYTORCH,
    "pytorch-inference-graviton": _PYTORCH,
    "pytorch-training": _PYTORCH,
    "pytorch-training-arm64": _PYTORCH,
    "sagemaker-pytorch": _PYTORCH,
    "sagemaker-scikit-learn": _Framework("scikit-learn", ("scikit-learn",)),
    "sagemaker-tensorflow-scriptmode": _TENSORFLOW,
    "sagemaker-xgboost": _XGBOOST,
    "tensorflow-training": _TENSORFLOW,
    "xgboost": _XGBOOST,
}
_OLDEST_XGBOOST = "0.72"
"""Version of the image xgboost, whose tags are 1 and latest."""


@cache
def version_note(image: str) -> str:
    """Return a sentence for a log if the installed framework is another release than the image's; "" otherwise.

    Releases are the same if their first two numbers are. Blocks: reads the metadata of installed packages.
    """
    framework = _FRAMEWORKS.get(repository(image))
    if framework is None:
        return ""
    tag = image.rpartition("/")[2].partition(":")[2]
    found = framework.tag.match(tag)
    wanted = found[1] if found else _OLDEST_XGBOOST if repository(image) == "xgboost" else ""
    installed = _installed(framework.distributions)
    if not wanted or not installed or wanted.split(".") == installed.split(".")[:2]:
        return ""
    return (
        f"The image {repository(image)}:{tag} has {framework.name} {wanted}. The local cloud runs the installed "
        f"{framework.name} {installed} in its place; functions, defaults and file formats may differ."
    )


def _installed(distributions: tuple[str, ...]) -> str:
    for name in distributions:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return ""
