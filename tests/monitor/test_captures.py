"""Reading captures: all encodings, several records per file, damaged lines, and files that arrive while waiting."""

from __future__ import annotations

import base64
import io
import json
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from scones.monitor.captures import Captures, FolderCaptures, S3Captures, read_captures, wait_for
from support.monitor_records import START, capture_line, draw_image, file_name, write_captures, write_lines

RECORDED = Path(__file__).resolve().parents[3] / "shared" / "data" / "aws-captures"


def read_lines(folder: Path, *lines: dict[str, Any] | str) -> Captures:
    write_lines(folder / file_name(START), lines)
    return read_captures(FolderCaptures(folder))


def test_records_of_nested_folders_are_read_in_order_of_time(tmp_path: Path) -> None:
    folder = write_captures(tmp_path / "captures", [[0.9, 0.1], [0.2, 0.8], [0.5, 0.5], [0.01, 0.99]])

    captures = read_captures(FolderCaptures(folder))

    assert len({path.parent.name for path in folder.rglob("*.jsonl")}) == 2  # folders of two hours
    assert captures.files == 2
    assert [record.event_id for record in captures.records] == ["event-0", "event-1", "event-2", "event-3"]
    assert [record.predicted for record in captures.records] == [0, 1, 0, 1]
    assert [record.confidence for record in captures.records] == [0.9, 0.8, 0.5, 0.99]
    assert captures.records[3].image == draw_image(3)
    assert captures.records[3].inference_time == START + timedelta(seconds=3)
    assert captures.records[3].content_type == "image/png"
    assert captures.invalid_lines == ()


@pytest.mark.parametrize(
    ("encoding", "content_type", "data"),
    [
        ("JSON", "application/json", "[0.75, 0.25]"),
        ("JSON", "application/json", "[[0.75, 0.25]]"),
        ("CSV", "text/csv; charset=utf-8", "0.75,0.25\n"),
        ("BASE64", "application/json", base64.b64encode(b"[0.75, 0.25]").decode()),
        ("BASE64", "text/csv", base64.b64encode(b"0.75, 0.25").decode()),
    ],
)
def test_every_encoding_of_a_prediction_is_read(tmp_path: Path, encoding: str, content_type: str, data: str) -> None:
    line = capture_line()
    line["captureData"]["endpointOutput"] |= {"encoding": encoding, "observedContentType": content_type, "data": data}

    (record,) = read_lines(tmp_path, line).records

    assert record.scores == [0.75, 0.25]


@pytest.mark.parametrize(("encoding", "data"), [("JSON", '{"a": 1}'), ("CSV", "1,2")])
def test_a_record_with_text_keeps_the_request_unchanged(tmp_path: Path, encoding: str, data: str) -> None:
    line = capture_line()
    line["captureData"]["endpointInput"] |= {"encoding": encoding, "data": data}

    assert read_lines(tmp_path, line).records[0].image == data.encode()


def test_a_capture_mode_omits_the_other_side(tmp_path: Path) -> None:
    only_input, only_output = capture_line(), capture_line()
    del only_input["captureData"]["endpointOutput"]
    del only_output["captureData"]["endpointInput"]

    first, second = read_lines(tmp_path, only_input, only_output).records

    assert (first.scores, first.confidence, first.predicted) == ([], None, None)
    assert first.image == draw_image(0)
    assert (second.image, second.content_type, second.predicted) == (None, None, 0)


def test_the_inference_id_of_the_caller_is_read(tmp_path: Path) -> None:
    named = capture_line()
    named["eventMetadata"]["inferenceId"] = "delivery-17"

    records = read_lines(tmp_path, named, capture_line()).records

    assert [record.inference_id for record in records] == ["delivery-17", None]


def damaged(change: Callable[[dict[str, Any]], Any]) -> str:
    line = capture_line()
    change(line)
    return json.dumps(line)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"captureData":{"endpointIn', "the line is not valid JSON"),
        ("[1, 2]", "the line is missing or not an object"),
        ("[" * 100_000, "the line is not valid JSON"),
        (damaged(lambda line: line.pop("eventMetadata")), "eventMetadata is missing"),
        (damaged(lambda line: line["captureData"].clear()), "neither endpointInput nor endpointOutput"),
        (
            damaged(lambda line: line["eventMetadata"].update(inferenceTime="noon")),
            "inferenceTime is not a valid time: 'noon'",
        ),
        (damaged(lambda line: line["eventMetadata"].update(eventId=7)), "eventId is missing or not text"),
        (damaged(lambda line: line["captureData"]["endpointInput"].update(data="%%%")), "not valid BASE64"),
        (damaged(lambda line: line["captureData"]["endpointInput"].update(encoding="GZIP")), "encoding 'GZIP'"),
        (damaged(lambda line: line["captureData"]["endpointOutput"].update(data="{}")), "not a list of scores: '{}'"),
        (
            damaged(lambda line: line["captureData"]["endpointOutput"].update(data="[NaN, 1]")),
            "not a number from 0 to 1",
        ),
        (damaged(lambda line: line["captureData"]["endpointOutput"].update(data="[3, 1]")), "not a number from 0 to 1"),
        (damaged(lambda line: line["captureData"]["endpointOutput"].update(data="[true]")), "not a number from 0 to 1"),
    ],
)
def test_a_damaged_line_is_reported_and_the_others_are_read(tmp_path: Path, line: str, why: str) -> None:
    captures = read_lines(tmp_path, capture_line(), line, capture_line())

    (bad,) = captures.invalid_lines
    assert why in bad.reason
    assert bad.line == 2
    assert bad.file.startswith("2026/11/23/13/59-58-000-")
    assert [record.line for record in captures.records] == [1, 3]


def test_since_excludes_earlier_records(tmp_path: Path) -> None:
    folder = write_captures(tmp_path / "captures", [[0.9, 0.1]] * 5)

    # Records have whole seconds: SageMaker writes 13:59:59.9 as 13:59:59.
    captures = read_captures(FolderCaptures(folder), since=START + timedelta(seconds=1, milliseconds=400))

    assert [record.event_id for record in captures.records] == ["event-1", "event-2", "event-3", "event-4"]


def test_waiting_returns_the_available_records_at_the_time_limit(tmp_path: Path) -> None:
    folder = write_captures(tmp_path / "captures", [[0.9, 0.1]] * 2)

    captures = wait_for(FolderCaptures(folder), 3, timeout=0.05, interval=0.01)

    assert len(captures.records) == 2


def test_waiting_reads_new_and_rewritten_files_and_reports_progress(tmp_path: Path) -> None:
    grown, seen = tmp_path / file_name(START), list[tuple[int, int | None]]()
    write_lines(grown, [capture_line()])
    arrivals = {1: lambda: write_lines(grown, [capture_line(), capture_line()])}
    arrivals[2] = lambda: write_lines(tmp_path / file_name(START + timedelta(seconds=60)), [capture_line()])

    def progress(count: int, total: int | None) -> None:
        seen.append((count, total))
        arrivals.get(count, lambda: None)()

    captures = wait_for(FolderCaptures(tmp_path), 3, timeout=30, progress=progress, interval=0.01)

    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert len(captures.records) == 3


def test_an_empty_or_absent_folder_has_no_records(tmp_path: Path) -> None:
    assert read_captures(FolderCaptures(tmp_path)) == Captures()
    assert read_captures(FolderCaptures(tmp_path / "absent")) == Captures()


@pytest.mark.skipif(not RECORDED.exists(), reason="no recorded captures beside this checkout (../shared/data)")
def test_captures_of_aws_are_read_completely() -> None:
    captures = read_captures(FolderCaptures(RECORDED))

    lines = sum(path.read_bytes().count(b"\n") for path in RECORDED.glob("*.jsonl"))
    assert (len(captures.records), captures.files, captures.invalid_lines) == (lines, 23, ())
    for record in captures.records:
        assert len(record.scores) == 2
        assert sum(record.scores) == pytest.approx(1, abs=1e-4)
        assert record.inference_time.tzinfo is UTC
        assert record.image is not None
        assert Image.open(io.BytesIO(record.image)).size == (32, 32)


@pytest.fixture
def bucket_captures(cloud: Any) -> S3Captures:
    """Captures in a new bucket of the local cloud, read with boto3."""
    client, bucket = cloud.client("s3"), f"captures-{uuid.uuid4()}"
    client.create_bucket(Bucket=bucket)
    return S3Captures(client, bucket, "data_capture", "vehicles")


def put_capture(source: S3Captures, moment: datetime, *lines: dict[str, Any], root: str | None = None) -> None:
    body = "".join(json.dumps(line) + "\n" for line in lines).encode()
    source.client.put_object(Bucket=source.bucket, Key=(root or source.root) + file_name(moment), Body=body)


def test_records_are_read_only_from_the_hourly_keys_of_one_endpoint(bucket_captures: S3Captures) -> None:
    for hours in range(3):
        moment = START + timedelta(hours=hours)
        put_capture(bucket_captures, moment, capture_line(moment=moment), capture_line((0.4, 0.6), moment))
    put_capture(bucket_captures, START, capture_line(), root="data_capture/vehicles-2/AllTraffic/")
    notes = bucket_captures.root + "notes.txt"
    bucket_captures.client.put_object(Bucket=bucket_captures.bucket, Key=notes, Body=b"no capture")

    captures = read_captures(bucket_captures)
    late = read_captures(bucket_captures, since=START + timedelta(hours=2))

    assert (len(captures.records), captures.files, captures.invalid_lines) == (6, 3, ())
    assert captures.records[0].file.startswith("data_capture/vehicles/AllTraffic/2026/11/23/13/59-58-000-")
    assert (len(late.records), late.files) == (2, 2)  # the first hour was not listed


def test_waiting_ends_when_the_last_file_is_flushed_to_the_bucket(bucket_captures: S3Captures) -> None:
    put_capture(bucket_captures, START, capture_line())
    looked = threading.Event()

    def flush() -> None:
        assert looked.wait(30)
        put_capture(bucket_captures, START + timedelta(seconds=60), capture_line(), capture_line())

    flusher = threading.Thread(target=flush)
    flusher.start()
    captures = wait_for(bucket_captures, 3, timeout=30, progress=lambda *_: looked.set(), interval=0.02)
    flusher.join()

    assert len(captures.records) == 3
