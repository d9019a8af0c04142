"""Import of users' modules."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

from scones.containers.contract import Container
from scones.containers.frameworks import source_code as source

DEFAULT_MODULE_NAME = "default_user_module_name"


def import_module(uri: str, name: str = DEFAULT_MODULE_NAME, cache: bool = True) -> ModuleType:  # noqa: ARG001
    """Fetch the code at a URI, install its requirements, and import one of its modules."""
    code = Container.here().code
    source.fetch(uri, code)
    source.install(code)
    if str(code) not in sys.path:
        sys.path.insert(0, str(code))
    return importlib.import_module(Path(name).stem)
