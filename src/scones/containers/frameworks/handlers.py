"""An inference script's handlers, completed with the framework's default handlers."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from scones.containers.contract import Container, Reply
from scones.containers.frameworks import codec, old_models

NAMES = ("model_fn", "input_fn", "predict_fn", "output_fn")


@dataclass
class Context:
    """Optional last argument of a handler: the properties and headers that AWS's servers provide."""

    system_properties: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)

    def get_request_header(self, index: int, name: str) -> str | None:
        """Return a header of the request."""
        return self.headers.get(name.lower()) if index == 0 else None

    def get_all_request_header(self, index: int) -> dict[str, str]:
        """Return the headers of the request."""
        return dict(self.headers) if index == 0 else {}


class Handlers:
    """The handlers of one worker, and the model that they loaded."""

    def __init__(self, defaults: str, code: Path | None) -> None:
        container = Container.here()
        script = _script(code) if code is not None else None
        own = {name: getattr(script, name, None) for name in (*NAMES, "transform_fn")}
        if own["transform_fn"] and any(own[name] for name in NAMES[1:]):
            raise ValueError(
                "Cannot use transform_fn implementation in conjunction with "
                "input_fn, predict_fn, and/or output_fn implementation"
            )
        self._transform: Callable[..., Any] | None = own["transform_fn"]
        complete = all(own[name] for name in NAMES) or (own["model_fn"] and self._transform)
        module = None if complete else importlib.import_module(defaults)
        default: str = getattr(module, "ACCEPT", codec.JSON)
        self._accept = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT") or default
        self._handlers: dict[str, Callable[..., Any]] = {name: own[name] or getattr(module, name) for name in NAMES[:1]}
        if self._transform is None:
            self._handlers |= {name: own[name] or getattr(module, name) for name in NAMES[1:]}
        self._context = Context({"model_dir": str(container.model), "gpu_id": None})
        self._model = self._loaded(str(container.model))

    def _loaded(self, model_dir: str) -> Any:
        try:
            return self._call("model_fn", model_dir)
        except Exception as error:
            if cause := old_models.cause_of(error):
                raise ValueError(cause) from error
            raise

    def handle(self, headers: dict[str, str], body: bytes) -> Reply:
        """Answer a request; exceptions become an error response. `headers` have lower-case names."""
        self._context.headers = headers
        try:
            return self._handle(headers, body)
        except codec.UnsupportedFormatError as error:
            return Reply(error.status, "text/plain; charset=utf-8", str(error).encode())
        except Exception as error:
            trace = traceback.format_exc()
            sys.stderr.write(trace)
            status = getattr(error, "status_code", 500)  # exceptions of sagemaker_inference carry a status
            return Reply(int(status), "text/plain; charset=utf-8", f"{error}\n{trace}".encode())

    def _handle(self, headers: dict[str, str], body: bytes) -> Reply:
        kind = headers.get("content-type", codec.JSON)
        accept = headers.get("accept", codec.ANY)
        if codec.bare(accept) in ("", codec.ANY):
            accept = self._accept
        given = body.decode() if codec.bare(kind) in codec.TEXT else body
        if self._transform is not None:
            result = self._run(self._transform, self._model, given, kind, accept)
        else:
            data = self._call("input_fn", given, kind)
            result = self._call("output_fn", self._call("predict_fn", data, self._model), accept)
        return _reply(result, accept.partition(",")[0].strip())

    def _call(self, name: str, *arguments: Any) -> Any:
        return self._run(self._handlers[name], *arguments)

    def _run(self, handler: Callable[..., Any], *arguments: Any) -> Any:
        count = len(inspect.signature(handler).parameters)
        if count == len(arguments) + 1:
            return handler(*arguments, self._context)
        return handler(*arguments)


def _script(code: Path) -> ModuleType | None:
    """Import the script that SAGEMAKER_PROGRAM names, or inference.py; return None if it does not exist."""
    name = os.environ.get("SAGEMAKER_PROGRAM") or "inference.py"
    path = code / (name if name.endswith(".py") else f"{name}.py")
    if not path.exists():
        return None
    sys.path.insert(0, str(path.parent))
    if path.parent != code:
        sys.path.insert(1, str(code))
    return importlib.import_module(path.stem)


def _reply(result: Any, accept: str) -> Reply:
    """Convert a handler's result to a reply: a body, a (body, type) tuple, or a response object like Flask's."""
    kind = accept
    if isinstance(result, tuple):
        result, kind = result[0], result[1]
    if hasattr(result, "get_data"):
        return Reply(result.status_code, result.content_type, result.get_data())
    if isinstance(result, str):
        return Reply(200, kind, result.encode())
    if isinstance(result, bytes | bytearray | memoryview):
        return Reply(200, kind, bytes(result))
    encoded = codec.encode(result, kind)
    return Reply(200, kind, encoded.encode() if isinstance(encoded, str) else encoded)
