"""`python -m scones.containers.image_classification train` or `serve`: the container program.

`python -m scones.containers.image_classification source FOLDER` writes the same program as a source_dir for the PyTorch
estimator.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> None:
    """Run the program that the argument names; import only what it needs."""
    match sys.argv[1:]:
        case ["train"]:
            from scones.containers.image_classification import job

            sys.exit(job.main())
        case ["serve"]:
            from scones.containers.image_classification import serve

            serve.main()
        case ["source", folder]:
            from scones.containers.image_classification import bundle

            try:
                bundle.write(Path(folder))
            except FileExistsError:
                sys.exit(f"{folder} already exists; specify a new folder.")
        case _:
            sys.exit("usage: python -m scones.containers.image_classification train|serve|source FOLDER")


if __name__ == "__main__":
    main()
