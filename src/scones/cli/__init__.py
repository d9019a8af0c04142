"""The `scones` command. It imports quickly: each command loads its dependencies when it runs."""

from __future__ import annotations

import sys

import click

from scones import __version__
from scones.cli import classify, draw, logs, monitor, remove, run, studio
from scones.cli import local_cloud as clouds
from scones.cli.errors import UserError, end_on_signals, sentence


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, package_name="scones")
def commands() -> None:
    """Classify images of delivery vehicles with a machine-learning workflow, on a local AWS cloud or on AWS.

    \b
    scones run                      run the whole workflow, and write a report
    scones run --keep               the same, and keep the endpoint in service
    scones classify bicycle.png     classify an image with this endpoint
    scones up --detach              start only the local cloud
    scones logs --follow            show the log of the local cloud
    """


for command in (
    run.run,
    clouds.up,
    clouds.down,
    clouds.status,
    clouds.env,
    clouds.exec_,
    logs.logs,
    classify.classify,
    monitor.monitor,
    remove.remove,
    draw.draw,
    studio.studio,
):
    commands.add_command(command)


def main() -> None:
    """Run the command line and exit with its status: 130 after Ctrl-C."""
    end_on_signals()
    try:
        status = commands.main(prog_name="scones", standalone_mode=False)
    except click.Abort:
        click.echo("scones: interrupted; all processes started by this command have been stopped.", err=True)
        sys.exit(130)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(0)
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "scones"
        message = error.format_message().rstrip(".")
        click.echo(f"scones: {message}{'' if message.endswith((')', '?')) else '.'} See `{path} --help`.", err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except OSError as error:  # for example a full disk: click itself prints help texts
        UserError(sentence(error)).show()
        sys.exit(1)
    sys.exit(status if isinstance(status, int) else 0)
