"""Lambda's own lines in a function's log, as text or as the JSON of platform events.

Lambda Developer Guide, "Configuring JSON and plain text log formats" and "Log-level filtering": with LogFormat JSON,
each event has a level, and events below SystemLogLevel are not logged.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from scones.cloud.core.json_types import JsonObject
from scones.cloud.services.lambda_.runtime.log_stream import LogStream

LEVELS = ("DEBUG", "INFO", "WARN")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """The data of a function that the lines contain, and the format of the lines."""

    version: str
    memory_mb: int
    runtime: str
    runtime_arn: str
    json: bool = False
    level: str = "INFO"
    """The lowest level of the platform events that are logged as JSON; text has no levels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvocationMetrics:
    """The measurements in an invocation's report: `duration` in milliseconds, `memory` in MB."""

    duration: float
    init: float | None
    """Milliseconds of the initialisation, if this invocation waited for it and it succeeded."""
    memory: int

    @property
    def billed(self) -> int:
        """Milliseconds that AWS would charge for."""
        return math.ceil(self.duration + (self.init or 0))


class PlatformLog:
    """Writes Lambda's own lines to one log stream."""

    def __init__(self, stream: LogStream, settings: LogSettings) -> None:
        self._stream = stream
        self._settings = settings

    def log_init_start(self) -> None:
        """Log the start of the runtime. No invocation's LogResult contains this line."""
        settings = self._settings
        runtime_version = f"{_colon(settings.runtime)}.v1"
        if settings.json:
            phase = {"initializationType": "on-demand", "phase": "init"}
            self._event(
                "INFO",
                "initStart",
                {**phase, "runtimeVersion": runtime_version, "runtimeVersionArn": settings.runtime_arn},
            )
        else:
            self._stream.line(
                f"INIT_START Runtime Version: {runtime_version}\tRuntime Version ARN: {settings.runtime_arn}"
            )
        self._stream.take_tail()

    def log_init_failure(self, milliseconds: float, status: str, kind: str) -> None:
        """Log a failed initialisation: `status` is "error", with the error's type in `kind`, or "timeout"."""
        if self._settings.json:
            record: JsonObject = {"initializationType": "on-demand", "phase": "init", "status": status}
            record["metrics"] = {"durationMs": round(milliseconds, 3)}
            if kind:
                record["errorType"] = kind
            self._event("WARN", "initReport", record)
        else:
            parts = [f"INIT_REPORT Init Duration: {milliseconds:.2f} ms", "Phase: init", *_status_fields(status, kind)]
            self._stream.line("\t".join(parts))

    def log_start(self, request_id: str) -> None:
        """Log the start of an invocation."""
        version = self._settings.version
        if self._settings.json:
            self._event("INFO", "start", {"requestId": request_id, "version": version})
        else:
            self._stream.line(f"START RequestId: {request_id} Version: {version}")

    def log_timeout(self, request_id: str, message: str) -> None:
        """Log the timeout of an invocation; in JSON, only the report shows it."""
        if not self._settings.json:
            self._stream.line(f"{_now()[:23]}Z {request_id} {message}")

    def log_exit(self, request_id: str, reason: str, kind: str) -> None:
        """Log the end of the runtime; in JSON, only the report shows it."""
        if not self._settings.json:
            self._stream.line(f"RequestId: {request_id} Error: {reason}")
            self._stream.line(kind)

    def log_report(self, request_id: str, figures: InvocationMetrics, status: str, kind: str) -> None:
        """Log the report of an invocation.

        `status` is "success", "timeout" or "error"; `kind` is the error's type if the runtime ended.
        """
        if self._settings.json:
            self._report(request_id, figures, status, kind)
            return
        self._stream.line(f"END RequestId: {request_id}")
        memory = self._settings.memory_mb
        parts = [
            f"REPORT RequestId: {request_id}",
            f"Duration: {figures.duration:.2f} ms",
            f"Billed Duration: {figures.billed} ms",
            f"Memory Size: {memory} MB",
            f"Max Memory Used: {min(figures.memory, memory)} MB",
        ]
        if figures.init is not None:
            parts.append(f"Init Duration: {figures.init:.2f} ms")
        if kind or status == "timeout":
            parts += _status_fields(status, kind)
        self._stream.line("\t".join([*parts, ""]))

    def _report(self, request_id: str, figures: InvocationMetrics, status: str, kind: str) -> None:
        level = "INFO" if status == "success" else "WARN"
        record: JsonObject = {"requestId": request_id, "status": status}
        if kind:
            record["errorType"] = kind
        duration = round(figures.duration, 3)
        done = "DEBUG" if status == "success" else "WARN"
        self._event(done, "runtimeDone", {**record, "metrics": {"durationMs": duration}})
        metrics: JsonObject = {
            "durationMs": duration,
            "billedDurationMs": figures.billed,
            "memorySizeMB": self._settings.memory_mb,
            "maxMemoryUsedMB": min(figures.memory, self._settings.memory_mb),
        }
        if figures.init is not None:
            metrics["initDurationMs"] = round(figures.init, 3)
        self._event(level, "report", {**record, "metrics": metrics})

    def _event(self, level: str, kind: str, record: JsonObject) -> None:
        if LEVELS.index(level) >= LEVELS.index(self._settings.level):
            event = {"time": f"{_now()[:23]}Z", "type": f"platform.{kind}", "record": record}
            self._stream.line(json.dumps(event, separators=(",", ":")))


def _status_fields(status: str, kind: str) -> list[str]:
    return [f"Status: {status}", *([f"Error Type: {kind}"] if kind else [])]


def _colon(runtime: str) -> str:
    """Return a runtime as INIT_START names it: python:3.12, nodejs:20, provided:al2023."""
    return re.sub(r"^([a-z]+?)\.?(?=\d|al2)", r"\1:", runtime).removesuffix(".x")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
