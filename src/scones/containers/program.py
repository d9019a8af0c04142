"""`python -m scones.containers.FRAMEWORK train`: what the image runs on that argument."""

from __future__ import annotations

import sys

from scones.containers.framework import Framework


def main(framework: Framework) -> None:
    """Run the program that the argument names; only what it needs is imported."""
    match sys.argv[1:]:
        case ["train"]:
            from scones.containers.training import train

            sys.exit(train(framework))
        case _:
            sys.exit("usage: python -m scones.containers.FRAMEWORK train")
