"""The SageMaker SDK of this machine, for functions that import it but do not package it.

On AWS, the SDK comes in a function's archive or in a layer. Here, the first of these is used: the interpreter's own
SDK; the SDK that a program of the workspace imported last, as recorded by the start-up hook; and the SDK that
`scones studio` installed.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from scones.cloud.services.lambda_.runtime.interpreters import OWN_INTERPRETER, Interpreter
from scones.cloud.workspace.sdk_locations import sdk_locations

MEMORY_MB = 512
"""Minimum memory limit, in MB, of a function that borrows the SDK: importing it takes 180 MB, and AWS's default memory
size is 128 MB."""
_IMPORT = re.compile(rb"^[ \t]*(?:import|from)[ \t]+sagemaker\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class BorrowedSdk:
    """An SDK that functions may borrow: its folders, or none if the interpreter finds it without them."""

    folders: tuple[Path, ...] = ()


def find_sdk_for(
    interpreter: Interpreter, data_dir: Path, code: Path, layers: Path | None, handler: str
) -> BorrowedSdk | None:
    """Return the SDK that a function borrows from this machine, or None if it needs none or there is none.

    Blocks: call it in a thread.
    """
    python = interpreter.language == "python"
    return _find(interpreter, data_dir) if python and _needs_sdk(code, layers, handler) else None


@lru_cache(maxsize=1024)  # the folders are named by their content
def _needs_sdk(code: Path, layers: Path | None, handler: str) -> bool:
    """Return True if the handler imports an SDK that is not packaged with it.

    Examines the modules in the handler's folder and in the top folder.
    """
    packed = [code] if layers is None else [code, layers / "python", *layers.glob("python/lib/python3*/site-packages")]
    if any((folder / "sagemaker").is_dir() for folder in packed):
        return False
    module = code / handler.rpartition(".")[0].replace(".", "/")
    return any(_IMPORT.search(file.read_bytes()) for folder in {code, module.parent} for file in folder.glob("*.py"))


def _find(interpreter: Interpreter, data_dir: Path) -> BorrowedSdk | None:
    own = [Path(folder) for folder in sys.path] if interpreter is OWN_INTERPRETER else interpreter.folders
    if any(_has(folder) for folder in own):
        return BorrowedSdk()
    return next((BorrowedSdk((folder,)) for folder in sdk_locations(data_dir, "v2", interpreter.name)), None)


def _has(folder: Path) -> bool:
    return (folder / "sagemaker" / "__init__.py").is_file()
