"""The guardian: a process that stops a cloud if the program that started it ends without doing so.

A program that is killed runs no `finally`, and a cloud is a process in a separate session, so it would keep running.
The guardian waits for the end of its standard input, which is a pipe from the program: the kernel closes it in any
case.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def guarded(data_dir: Path, *, remove: bool) -> Iterator[None]:
    """Run a guardian for the cloud of a data folder during the block, which stops the cloud itself.

    If this process ends during the block, the guardian stops the cloud, and deletes the data folder if `remove` is set.
    """
    command = [sys.executable, "-P", "-m", __name__, str(data_dir), *["remove"] * remove]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as guardian:
        try:
            yield
        finally:
            guardian.kill()


def main(data_dir: Path, *, remove: bool) -> None:
    """Wait for the end of standard input, and stop the cloud."""
    sys.stdin.buffer.read()
    from scones.cloud.process import lifecycle  # imported late: most guardians are killed before they need it

    lifecycle.stop(data_dir)
    if remove:
        shutil.rmtree(data_dir, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), remove="remove" in sys.argv[2:])
