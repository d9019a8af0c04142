"""Clients that request a large object and do not read it use little memory and do not delay other clients."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from urllib.parse import urlsplit

import psutil
import pytest
from benchmarks.prober import probing

READERS = 200
SIZE = 32 << 20


@pytest.mark.slow
def test_clients_that_do_not_read_take_little_memory_and_do_not_delay_requests(start_cloud):
    cloud = start_cloud()
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="unread")
    s3.put_object(Bucket="unread", Key="k", Body=os.urandom(SIZE))
    url = urlsplit(s3.generate_presigned_url("get_object", Params={"Bucket": "unread", "Key": "k"}))
    request = f"GET {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\n\r\n".encode()
    process = psutil.Process(cloud.running.pid)
    before = process.memory_info().rss
    with contextlib.ExitStack() as stack:
        with probing(cloud.url, cloud.environment) as prober:
            for _ in range(READERS):
                connection = stack.enter_context(socket.socket())
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                connection.connect((url.hostname, url.port))
                connection.sendall(request)
            time.sleep(3)
        used, threads = process.cpu_times(), process.num_threads()
        time.sleep(1)
        idle = process.cpu_times()
        assert process.memory_info().rss - before < READERS * (512 << 10)
        assert idle.user + idle.system - used.user - used.system < 0.5
        assert threads < 100
    assert prober.percentile(99) < 3
    assert len(s3.get_object(Bucket="unread", Key="k")["Body"].read()) == SIZE
