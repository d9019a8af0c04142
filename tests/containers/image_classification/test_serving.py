"""`serve` under the container contract, over HTTP."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import psutil
import pytest
from PIL import Image

from support.image_classification_jobs import Job, draw_image


@contextlib.contextmanager
def serving(job, **environment):
    """Run the model server; yield its process and its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "scones.containers.image_classification", "serve"]
    environment = job.environment(SAGEMAKER_BIND_TO_PORT=str(port), **environment)
    with subprocess.Popen(command, env=environment) as process:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                if ask(port, "GET", "/ping")[0] == 200:
                    break
            except ConnectionRefusedError:
                time.sleep(0.02)
        try:
            yield psutil.Process(process.pid), port
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=20) == 0
        finally:
            process.kill()  # its workers end with the server


@pytest.fixture(scope="module")
def server(trained):
    with serving(trained[0], SAGEMAKER_MODEL_SERVER_WORKERS="1") as (_, port):
        yield port


def ask(port, method, path, body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, answer.headers.get("content-type"), content


def encoded(label, form="PNG", size=32):
    buffer = io.BytesIO()
    draw_image(label, 5 + label).resize((size, size)).save(buffer, form)
    return buffer.getvalue()


def test_ping_returns_an_empty_response(server):
    assert ask(server, "GET", "/ping") == (200, None, b"")


@pytest.mark.parametrize(
    ("kind", "form"), [("image/png", "PNG"), ("image/jpeg", "JPEG"), ("application/x-image", "PNG")]
)
@pytest.mark.parametrize("label", [0, 1])
def test_the_model_returns_the_probabilities_of_an_image(server, kind, form, label):
    status, content_type, content = ask(server, "POST", "/invocations", encoded(label, form), content_type=kind)
    assert (status, content_type) == (200, "application/json")
    found = json.loads(content)
    assert abs(sum(found) - 1) < 1e-6
    assert found.index(max(found)) == label
    assert b", " in content


def test_an_image_of_another_size_is_resized(server):
    status, _, content = ask(server, "POST", "/invocations", encoded(1, size=200), content_type="image/png")
    found = json.loads(content)
    assert (status, found.index(max(found))) == (200, 1)


def test_a_16_bit_image_is_read_as_the_same_8_bit_image(server):
    grey = draw_image(1, 6).convert("L")
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    answers = []
    for each in (grey, deep):
        buffer = io.BytesIO()
        each.save(buffer, "PNG")
        answers.append(ask(server, "POST", "/invocations", buffer.getvalue(), content_type="image/png"))
    assert answers[0][0] == 200
    assert answers[0] == answers[1]


def test_json_lines_are_returned_if_the_request_accepts_them(server):
    status, content_type, content = ask(
        server, "POST", "/invocations", encoded(0), content_type="image/png", accept="application/jsonlines"
    )
    assert (status, content_type) == (200, "application/jsonlines")
    assert len(json.loads(content)["prediction"]) == 2


@pytest.mark.parametrize("content", [b"", b"no image", encoded(0)[:100], b"\x89PNG\r\n\x1a\n"])
def test_bytes_that_are_not_an_image_are_rejected_and_serving_continues(server, content):
    status, _, text = ask(server, "POST", "/invocations", content, content_type="image/png")
    assert (status, text) == (400, b"unable to evaluate payload provided")
    assert ask(server, "POST", "/invocations", encoded(0), content_type="image/png")[0] == 200


def test_another_content_type_is_rejected(server):
    status, _, text = ask(server, "POST", "/invocations", b"1,2", content_type="text/csv")
    assert status == 415
    assert b"text/csv is not one of application/x-image, image/jpeg, image/png" in text


def test_a_body_that_is_too_large_is_rejected(server):
    assert ask(server, "POST", "/invocations", b"x" * 6_291_457, content_type="image/png")[0] == 413


def test_an_image_with_too_many_pixels_is_rejected(server):
    buffer = io.BytesIO()
    Image.new("1", (9000, 9000)).save(buffer, "PNG")
    status, _, text = ask(server, "POST", "/invocations", buffer.getvalue(), content_type="image/png")
    assert status == 400
    assert b"too many pixels" in text


def test_another_path_is_not_found(server):
    assert ask(server, "GET", "/models")[0] == 404


def test_each_of_many_clients_gets_its_own_response(server):
    def classify(label):
        found = json.loads(ask(server, "POST", "/invocations", encoded(label), content_type="image/png")[2])
        return found.index(max(found))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(classify, [0, 1] * 40)) == [0, 1] * 40


def test_the_requested_number_of_workers_serves_and_a_killed_one_is_replaced(trained):
    with serving(trained[0], SAGEMAKER_MODEL_SERVER_WORKERS="2") as (process, port):
        before = process.children()
        assert len(before) == 2
        for worker in before:
            worker.kill()
        status, _, content = ask(port, "POST", "/invocations", encoded(1), content_type="image/png")
        assert (status, np.argmax(json.loads(content))) == (200, 1)
        deadline = time.monotonic() + 30
        while len(after := process.children()) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(after) == 2
        assert not set(after) & set(before)


def test_connections_are_distributed_evenly(trained):
    with serving(trained[0], SAGEMAKER_MODEL_SERVER_WORKERS="2") as (process, port), contextlib.ExitStack() as held:
        for _ in range(20):
            held.enter_context(socket.create_connection(("127.0.0.1", port)))
            time.sleep(0.01)  # gives both workers time to wake, even on a busy machine

        def shares():
            return [sum(each.status == "ESTABLISHED" for each in one.net_connections()) for one in process.children()]

        deadline = time.monotonic() + 20
        while sum(shares()) < 20 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert sum(shares()) == 20
        assert min(shares()) >= 7


def test_workers_end_with_a_supervisor_that_is_killed(trained):
    job, _ = trained
    with pytest.raises(AssertionError, match="-9"), serving(job) as (process, _):  # noqa: PT012 - the kill is the body
        workers = process.children()
        process.kill()
        _, alive = psutil.wait_procs(workers, timeout=20)
        assert not alive


def test_a_model_that_cannot_be_loaded_ends_the_server(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.onnx").write_bytes(b"no model")
    environment = Job(tmp_path).environment(SAGEMAKER_BIND_TO_PORT="0")
    command = [sys.executable, "-m", "scones.containers.image_classification", "serve"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "model.onnx" in done.stderr


def test_requests_under_way_are_answered_after_sigterm(trained):
    buffer = io.BytesIO()
    Image.new("1", (6000, 6000)).save(buffer, "PNG")
    with serving(trained[0], SAGEMAKER_MODEL_SERVER_WORKERS="1") as (process, port), ThreadPoolExecutor(4) as pool:
        connections = [http.client.HTTPConnection("127.0.0.1", port, timeout=20) for _ in range(4)]
        for connection in connections:
            connection.request("POST", "/invocations", buffer.getvalue(), {"content-type": "image/png"})
        (worker,) = process.children()
        used = worker.cpu_times().user
        while worker.cpu_times().user < used + 0.05:  # until the worker processes the requests
            time.sleep(0.005)
        process.send_signal(signal.SIGTERM)
        assert [answer.status for answer in pool.map(lambda each: each.getresponse(), connections)] == [200] * 4


def test_an_endless_body_does_not_block_other_requests(server):
    slow = []
    for _ in range(100):
        connection = socket.create_connection(("127.0.0.1", server))
        connection.sendall(b"POST /invocations HTTP/1.1\r\nhost: x\r\ncontent-type: image/png\r\n")
        connection.sendall(b"content-length: 5000000\r\n\r\n" + bytes(100))
        slow.append(connection)
    assert ask(server, "POST", "/invocations", encoded(0), content_type="image/png")[0] == 200
    for connection in slow:
        connection.close()


@pytest.mark.slow
def test_endless_bodies_take_a_bounded_amount_of_memory(trained):
    head = b"POST /invocations HTTP/1.1\r\nhost: x\r\ncontent-type: image/png\r\ncontent-length: 5000001\r\n\r\n"
    with serving(trained[0], SAGEMAKER_MODEL_SERVER_WORKERS="1") as (process, port), contextlib.ExitStack() as stack:
        (worker,) = process.children()
        before = worker.memory_info().rss
        for _ in range(100):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
            slow.sendall(head)
            with contextlib.suppress(ConnectionError):  # the server may reject the request before its end
                slow.sendall(bytes(5_000_000))
        assert ask(port, "POST", "/invocations", encoded(0), content_type="image/png")[0] == 200
        assert worker.memory_info().rss - before < 200e6


@pytest.mark.slow
def test_a_full_queue_gives_a_503_and_serving_continues(server):
    buffer = io.BytesIO()
    Image.new("1", (2500, 2500)).save(buffer, "PNG")

    def status(_):
        return ask(server, "POST", "/invocations", buffer.getvalue(), content_type="image/png")[0]

    with ThreadPoolExecutor(170) as pool:
        statuses = list(pool.map(status, range(170)))
    assert set(statuses) == {200, 503}
    assert statuses.count(200) >= 128
    assert ask(server, "POST", "/invocations", encoded(0), content_type="image/png")[0] == 200


def test_serving_loads_no_pytorch():
    code = "import sys, scones.containers.image_classification.serve; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "False\n"


def test_a_server_with_a_token_serves_only_its_own_client(trained):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = trained[0].environment(SAGEMAKER_BIND_TO_PORT=str(port), SCONES_SERVER_TOKEN="secret")
    command = [sys.executable, "-m", "scones.containers.image_classification", "serve"]
    with subprocess.Popen(command, env=environment) as process:
        try:
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline:
                with contextlib.suppress(ConnectionRefusedError):
                    if ask(port, "GET", "/ping", X_Scones_Token="secret")[0] == 200:
                        break
                time.sleep(0.02)
            image = encoded(0)
            for headers in ({}, {"X_Scones_Token": "guessed"}, {"Host": "evil.example"}):
                assert ask(port, "GET", "/ping", **headers)[0] == 403
                assert ask(port, "POST", "/invocations", image, content_type="image/png", **headers)[0] == 403
            accepted = {"content_type": "image/png", "X_Scones_Token": "secret"}
            assert ask(port, "POST", "/invocations", image, **accepted)[0] == 200
        finally:
            process.terminate()
