"""`python -m scones.containers.FRAMEWORK train` or `serve`: the container program of a framework image."""

from __future__ import annotations

import sys

from scones.containers.frameworks.framework import Framework


def main(framework: Framework) -> None:
    """Run the program that the argument names; import only what it needs."""
    match sys.argv[1:]:
        case ["train"]:
            from scones.containers.frameworks.training import train

            sys.exit(train(framework))
        case ["serve"]:
            from scones.containers.frameworks.serving import serve

            sys.exit(serve(framework))
        case _:
            sys.exit("usage: python -m scones.containers.FRAMEWORK train|serve")
