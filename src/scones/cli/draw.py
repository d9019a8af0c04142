"""`scones draw`: labelled images for use without an archive."""

from __future__ import annotations

from pathlib import Path

import click

from scones.cli import options
from scones.cli.errors import Command


@click.command(cls=Command, short_help="Draw labelled synthetic images.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@options.verbose
def draw(folder: Path) -> int:
    """Draw 1,200 labelled images of bicycles and motorcycles into FOLDER: train/, test/ and their .lst files.

    The images are the same each time. `scones run` uses them if no archive is available.

    \b
    scones draw images
    """
    from scones.workflow.dataset import draw as drawn

    dataset = drawn(folder)
    click.echo(
        f"{dataset.train:,} training and {dataset.test:,} test images (synthetic) of "
        f"{', '.join(dataset.classes)} in {folder}"
    )
    return 0
