"""Lambda functions from a few lines of code."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from support.zips import zip_of

ROLE = "arn:aws:iam::111122223333:role/service-role/functions"


def archive(scripts: dict[str, str] | None = None, **files: str) -> bytes:
    """Return a zip of Python modules, named without `.py`, and of executable scripts."""
    scripts = scripts or {}
    modules = {f"{name}.py": text for name, text in files.items()}
    return zip_of(modules | scripts, modes=dict.fromkeys(scripts, 0o755))


@dataclass(frozen=True)
class Answered:
    payload: Any
    error: str | None
    log: str


@dataclass(frozen=True)
class Function:
    """A Lambda function under test."""

    client: Any
    name: str

    def invoke(self, event: Any = None, **options: Any) -> Answered:
        answer = self.client.invoke(FunctionName=self.name, Payload=json.dumps(event), **{"LogType": "Tail", **options})
        text = answer["Payload"].read()
        log = base64.b64decode(answer.get("LogResult", "")).decode()
        return Answered(json.loads(text) if text else None, answer.get("FunctionError"), log)
