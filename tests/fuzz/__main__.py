"""Run the fuzz test against a new local cloud and print its findings."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.credentials import Credentials

from scones.cloud.process import lifecycle

from .campaign import Campaign, passed, summary
from .world import World

PROGRAM = Path(__file__).with_name("program.py")


def main() -> int:
    """Run for `--seconds`. Returns 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=float(os.environ.get("SCONES_FUZZ_SECONDS", "60")))
    parser.add_argument("--seed", default=os.environ.get("SCONES_FUZZ_SEED", str(time.time_ns())))
    parser.add_argument("--workers", type=int, default=3)
    options = parser.parse_args()
    os.environ["SCONES_IMAGES"] = f"fuzz={PROGRAM},jupyterlab={PROGRAM}"
    with tempfile.TemporaryDirectory(prefix="scones-fuzz-", ignore_cleanup_errors=True) as folder:
        running = lifecycle.start(Path(folder) / "data", port=0)
        try:
            keys = running.environment()
            credentials = Credentials(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"])
            session = boto3.Session(credentials.access_key, credentials.secret_key, region_name=running.region)
            config = Config(retries={"total_max_attempts": 1}, inject_host_prefix=False)
            world = World(cache(lambda name: session.client(name, endpoint_url=running.url, config=config)))
            campaign = Campaign(
                running.url, credentials, world, running.data_dir / "cloud.log", options.seed, workers=options.workers
            )
            findings = campaign.run(seconds=options.seconds)
        finally:
            lifecycle.stop(running.data_dir)
            with contextlib.suppress(ProcessLookupError):  # kills a cloud that hangs
                os.killpg(running.pid, signal.SIGKILL)
    print(summary(findings, options.seed))
    return 0 if passed(findings) else 1


if __name__ == "__main__":
    sys.exit(main())
