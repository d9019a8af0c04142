"""The environment of a serving container."""

from __future__ import annotations

import os

from scones.containers.contract import Container, ServerSettings

base_dir = str(Container.here().base)
code_dir = str(Container.here().model / "code")
model_dir = str(Container.here().model)


class Environment:
    """The environment of this container, as attributes."""

    def __init__(self) -> None:
        program = os.environ.get("SAGEMAKER_PROGRAM", "inference.py")
        settings = ServerSettings.here()
        self.module_name = program.removesuffix(".py")
        self.default_accept = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "application/json")
        self.inference_http_port = str(settings.port)
        self.model_server_timeout = int(os.environ.get("SAGEMAKER_MODEL_SERVER_TIMEOUT") or 60)
        self.model_server_workers = str(settings.workers) if settings.workers is not None else None
        self.safe_port_range = os.environ.get("SAGEMAKER_SAFE_PORT_RANGE")
