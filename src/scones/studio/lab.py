"""JupyterLab on loopback, with a token, in a workspace's environment."""

from __future__ import annotations

import json
import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path

from scones.studio.environments import LAB


@dataclass(frozen=True, slots=True)
class JupyterLab:
    """A JupyterLab ready to start: its command, its variables, its port, and the URL with its token."""

    command: list[str]
    environment: dict[str, str]
    port: int
    url: str


def jupyter_lab(
    environments: Path, kernels: Path, notebooks: Path, port: int, variables: dict[str, str], token: str = ""
) -> JupyterLab:
    """Return a JupyterLab that serves a folder of notebooks; `variables` is the workspace's environment.

    Without `token`, a random one is generated. With one, `presigned.py` also accepts expiring tokens derived from it.
    """
    presigned = [f"--config={Path(__file__).with_name('presigned.py')}"] if token else []
    token = token or secrets.token_urlsafe(24)
    python = LAB.python(environments)
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": str(port),
        "ServerApp.port_retries": "0",
        "ServerApp.open_browser": "False",
        "ServerApp.root_dir": str(notebooks),
        "KernelSpecManager.ensure_native_kernel": "False",
        "LabApp.news_url": "None",  # no network requests
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }
    settings = [f"--{name}={value}" for name, value in options.items()]
    command = [str(python), "-P", "-m", "jupyterlab", *presigned, *settings]
    # Jupyter passes its environment on to the kernels, which need the start-up hook and the keys.
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)])  # for `!scones`
    environment = {**os.environ, **variables, "PATH": path, "JUPYTER_PATH": str(kernels), "JUPYTER_TOKEN": token}
    if os.geteuid() == 0:
        command.append("--allow-root")
    _disable_news(environments)
    return JupyterLab(command, environment, port, f"http://127.0.0.1:{port}/lab?token={token}")


def _disable_news(environments: Path) -> None:
    """Decline JupyterLab's news in its settings, so that it does not ask about them."""
    settings = environments / LAB.name / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(json.dumps({"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}))
