"""Lambda functions from a few lines of code."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from dataclasses import dataclass
from typing import Any

ROLE = "arn:aws:iam::111122223333:role/service-role/functions"


def archive(scripts: dict[str, str] | None = None, **files: str) -> bytes:
    """Return a zip of Python modules, named without `.py`, and of executable scripts."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, text in files.items():
            file.writestr(f"{name}.py", text)
        for name, text in (scripts or {}).items():
            member = zipfile.ZipInfo(name)
            member.external_attr = 0o755 << 16
            file.writestr(member, text)
    return buffer.getvalue()


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
