"""The SageMaker SDK of this machine, for functions that import it and bring none.

On AWS it comes in a function's archive or in a layer. Here what the interpreter has serves; else what a program of the
workspace imported last, of which the start-up hook leaves word; else what `scones studio` installed.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from scones.cloud.services.lambda_.interpreters import OWN, Interpreter
from scones.cloud.workspace import SDKS

ENVIRONMENTS = "SCONES_ENVIRONMENTS"
WORKSPACE = "sdk-v2"
"""The workspace's environment with the SDK that has Predictor."""
MEMORY_MB = 512
"""What a function that is lent the SDK may have at least: importing it takes 180 MB, and AWS's default is 128."""
_IMPORT = re.compile(rb"^[ \t]*(?:import|from)[ \t]+sagemaker\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Sdk:
    """An SDK that functions may be lent: its folders, none where the interpreter finds it by itself."""

    folders: tuple[Path, ...] = ()


def lend(interpreter: Interpreter, data_dir: Path, code: Path, layers: Path | None, handler: str) -> Sdk | None:
    """Return the SDK that a function needs of this machine, if it needs one and there is one. Blocks."""
    python = interpreter.language == "python"
    return _find(interpreter, data_dir) if python and _needed(code, layers, handler) else None


@lru_cache(maxsize=1024)  # the folders are named by their content
def _needed(code: Path, layers: Path | None, handler: str) -> bool:
    """Tell whether the handler's module, or one beside it or at the top, imports an SDK that is not packed with it."""
    packed = [code] if layers is None else [code, layers / "python", *layers.glob("python/lib/python3*/site-packages")]
    if any((folder / "sagemaker").is_dir() for folder in packed):
        return False
    module = code / handler.rpartition(".")[0].replace(".", "/")
    return any(_IMPORT.search(file.read_bytes()) for folder in {code, module.parent} for file in folder.glob("*.py"))


def _find(interpreter: Interpreter, data_dir: Path) -> Sdk | None:
    own = [Path(folder) for folder in sys.path] if interpreter is OWN else interpreter.folders
    if any(_has(folder) for folder in own):
        return Sdk()
    environments = Path(os.environ.get(ENVIRONMENTS, data_dir / "environments")).absolute()
    installed = environments / WORKSPACE / "lib" / interpreter.name / "site-packages"
    known = [*_imported(data_dir / SDKS / interpreter.name), installed]
    return next((Sdk((folder,)) for folder in known if _has(folder)), None)


def _imported(word: Path) -> list[Path]:
    """Return where a program of the workspace, of this version of Python, had its SDK."""
    try:
        return [Path(word.read_text())]
    except FileNotFoundError:
        return []


def _has(folder: Path) -> bool:
    return (folder / "sagemaker" / "__init__.py").is_file()
