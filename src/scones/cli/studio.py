"""The command that opens the notebook workspace."""

from __future__ import annotations

import socket
import subprocess
import time
import webbrowser
from pathlib import Path

import click

from scones.cli import local_target as local
from scones.cli import options
from scones.cli.errors import UserError, defer_interrupts, report_errors
from scones.cloud import workspace

READY_SECONDS = 60.0


@click.command(short_help="Open JupyterLab in the cloud's environment.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path("notebooks"))
@click.option(
    "--sdk",
    type=click.Choice(["v2", "v3", "both"]),
    default="v2",
    show_default=True,
    help="The SageMaker SDKs to have kernels of; the first one answers to python3.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="JupyterLab's port.  [default: a free one]")
@click.option("--no-browser", is_flag=True, help="Print the address and open no browser.")
@click.option(
    "--environments",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="SCONES_ENVIRONMENTS",
    help="Where the environments are installed.  [default: $SCONES_ENVIRONMENTS or the data folder's environments]",
)
@options.data_dir
@options.verbose
def studio(
    folder: Path,
    sdk: str,
    port: int,
    no_browser: bool,
    environments: Path | None,
    data_dir: Path,
    verbose: bool,
) -> int:
    """Open JupyterLab on FOLDER (notebooks) in the local cloud's environment, until Ctrl-C.

    Kernels have the SageMaker SDK; the first time installs them. Unmodified notebooks run: Session(),
    get_execution_role() and `!aws` find the local cloud, which is started where none runs.

    \b
    scones studio
    scones studio my-notebooks --sdk both --no-browser
    """
    from scones.studio import environments as known
    from scones.studio.kernels import write_kernels
    from scones.studio.lab import jupyter_lab
    from scones.studio.notebooks import provide

    environments_folder = environments or data_dir / "environments"
    with report_errors(verbose), local.up(data_dir, keep=False, region=None, verbose=verbose) as (running, _):
        chosen = list(known.SDKS.values()) if sdk == "both" else [known.SDKS[sdk]]
        for environment in (known.LAB, *chosen):
            environment.install(environments_folder, click.echo)
        kernels = write_kernels(environments_folder, chosen, data_dir / "kernels")
        provide(folder)
        opened = jupyter_lab(
            environments_folder, kernels, folder.resolve(), port or _free_port(), workspace.environment(running)
        )
        output = None if verbose else subprocess.DEVNULL
        # In a separate session, Jupyter does not receive Ctrl-C, so it does not ask whether to stop.
        jupyter = subprocess.Popen(
            opened.command, env=opened.environment, stdout=output, stderr=output, start_new_session=True
        )
        try:
            _wait_until_ready(jupyter, opened.port)
            click.echo(f"JupyterLab on {folder}: {opened.url}")
            click.echo("Ctrl-C stops it.")
            if not no_browser:
                webbrowser.open(opened.url)
            return jupyter.wait()
        finally:
            with defer_interrupts():
                jupyter.terminate()
                jupyter.wait()


def _wait_until_ready(jupyter: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if jupyter.poll() is not None:
            raise UserError(f"JupyterLab ended with status {jupyter.returncode}; see why with --verbose.")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise UserError(f"JupyterLab does not answer after {READY_SECONDS:.0f} s; see why with --verbose.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
