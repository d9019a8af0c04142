"""`python -m scones.algorithm train` or `serve`: what the container runs on those arguments."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the program that the argument names; only what it needs is imported."""
    match sys.argv[1:]:
        case ["train"]:
            from scones.algorithm import job

            sys.exit(job.main())
        case ["serve"]:
            from scones.algorithm import serve

            serve.main()
        case _:
            sys.exit("usage: python -m scones.algorithm train|serve")


if __name__ == "__main__":
    main()
