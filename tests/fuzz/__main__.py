"""Run the fuzz test against a new local cloud and print its findings."""

from __future__ import annotations

import argparse
import os
import sys
import time
from functools import cache, partial
from pathlib import Path

from botocore.config import Config
from botocore.credentials import Credentials

from scones.testing import LocalCloud

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
    with LocalCloud() as cloud:
        keys = cloud.environment()
        credentials = Credentials(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"])
        world = World(cache(partial(cloud.client, config=Config(retries={"total_max_attempts": 1}))))
        campaign = Campaign(
            cloud.url, credentials, world, cloud.data_dir / "cloud.log", options.seed, workers=options.workers
        )
        findings = campaign.run(seconds=options.seconds)
    print(summary(findings, options.seed))
    return 0 if passed(findings) else 1


if __name__ == "__main__":
    sys.exit(main())
