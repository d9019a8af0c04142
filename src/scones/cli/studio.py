"""The command that opens the notebook workspace."""

from __future__ import annotations

import errno
import socket
import subprocess
import time
import webbrowser
from pathlib import Path

import click

from scones.cli import local_target as local
from scones.cli import options
from scones.cli.errors import Command, UserError, defer_interrupts
from scones.cloud import workspace

READY_SECONDS = 60.0


@click.command(cls=Command, short_help="Open JupyterLab in the local cloud's environment.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path("notebooks"))
@click.option(
    "--sdk",
    type=click.Choice(["v2", "v3", "both"]),
    default="v2",
    show_default=True,
    help="SageMaker SDK version; each version has its own kernel. With both, the kernel python3 has v2.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port of JupyterLab.  [default: any free port]")
@click.option("--no-browser", is_flag=True, help="Print the URL without opening a browser.")
@click.option(
    "--environments",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="SCONES_ENVIRONMENTS",
    help="Folder for the environments.  [default: $SCONES_ENVIRONMENTS or the data folder's environments]",
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
) -> int:
    """Open JupyterLab on FOLDER (default: notebooks), connected to the local cloud. Press Ctrl-C to stop it.

    The kernels have the SageMaker SDK, which is installed on first use. Notebooks run unmodified: Session(),
    get_execution_role() and `!aws` use the local cloud, which is started if necessary.

    \b
    scones studio
    scones studio my-notebooks --sdk both --no-browser
    """
    from scones.studio import environments as known
    from scones.studio.kernels import write_kernels
    from scones.studio.lab import jupyter_lab
    from scones.studio.notebooks import provide

    port = _free_port(port)
    environments_folder = environments or data_dir / "environments"
    with local.up(data_dir, keep=False, region=None, verbose=options.is_verbose()) as (running, _):
        chosen = list(known.SDKS.values()) if sdk == "both" else [known.SDKS[sdk]]
        for environment in (known.LAB, *chosen):
            environment.install(environments_folder, click.echo)
        kernels = write_kernels(environments_folder, chosen, data_dir / "kernels")
        provide(folder)
        opened = jupyter_lab(environments_folder, kernels, folder.resolve(), port, workspace.environment(running))
        output = None if options.is_verbose() else subprocess.DEVNULL
        # In a separate session, Jupyter does not receive Ctrl-C, so it does not ask whether to stop.
        jupyter = subprocess.Popen(
            opened.command, env=opened.environment, stdout=output, stderr=output, start_new_session=True
        )
        try:
            _wait_until_ready(jupyter, opened.port)
            click.echo(f"JupyterLab on {folder}: {opened.url}")
            click.echo("Press Ctrl-C to stop.")
            if not no_browser:
                webbrowser.open(opened.url)
            if status := jupyter.wait():
                raise UserError(_ended(status))
            return 0
        finally:
            with defer_interrupts():
                jupyter.terminate()
                jupyter.wait()


def _wait_until_ready(jupyter: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if (status := jupyter.poll()) is not None:
            raise UserError(_ended(status))
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise UserError(
        f"JupyterLab did not respond within {READY_SECONDS:.0f} s; run again with --verbose to see its log."
    )


def _ended(status: int) -> str:
    return f"JupyterLab exited with status {status}; run again with --verbose to see its log."


def _free_port(port: int) -> int:
    """Return the port, or any free one for 0. Raises `UserError` if it cannot be used."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
            raise UserError(f"Port {port} {reason}: specify another with --port, or omit it.") from error
        return int(probe.getsockname()[1])
