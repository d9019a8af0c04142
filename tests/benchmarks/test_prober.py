"""The latency prober of the tests, checked against a cloud that is stopped for a second."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from benchmarks.prober import probing


def test_a_stall_delays_every_probe_due_during_it(start_cloud: Any) -> None:
    cloud = start_cloud()
    with probing(cloud.url, cloud.environment) as prober:
        os.kill(cloud.running.pid, signal.SIGSTOP)
        time.sleep(1)
        os.kill(cloud.running.pid, signal.SIGCONT)
        time.sleep(0.2)
    slow = [latency for latency in prober.latencies if latency > 0.5]
    assert len(slow) > 15
    assert 0.9 < prober.percentile(100) < 30
