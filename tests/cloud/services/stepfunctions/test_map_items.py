"""The items of a distributed Map: objects are read in pieces, and the size of an item, row or line is limited."""

from __future__ import annotations

import csv
import io
import json
import random
from typing import Any

import pytest
from tests.cloud.services.stepfunctions.test_distributed_map import PASS, distributed, reader

from scones.cloud.services.stepfunctions.asl.distribution import ItemReader
from scones.cloud.services.stepfunctions.asl.failures import StateFailedError
from scones.cloud.services.stepfunctions.map_run.item_batches import ItemBatches
from scones.cloud.services.stepfunctions.map_run.item_formats import items_in, next_page
from scones.cloud.services.stepfunctions.map_run.item_readers import parse_items
from scones.cloud.services.stepfunctions.map_run.text_window import MAX_ITEM, TextWindow

LARGE = 3 * MAX_ITEM


def item_reader(input_type: str, pointer: str | None = None, headers: tuple[str, ...] | None = None) -> ItemReader:
    return ItemReader(
        operation="getObject",
        parameters=None,  # type: ignore[arg-type]
        manifest=None,
        flatten=False,
        input_type=input_type,
        header_location="FIRST_ROW" if headers is None else "GIVEN",
        headers=headers or (),
        delimiter=",",
        pointer=pointer,
        max_items=None,
    )


def cause_of(reader: ItemReader, text: str) -> str:
    with pytest.raises(StateFailedError) as failed:
        parse_items(reader, text.encode())
    return failed.value.cause or ""


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("CSV", 'a,b\n"' + "x" * LARGE),
        ("CSV", "a,b\n" + "x," * LARGE),
        ("CSV", 'a,b\n"x\n' + 'x","x\n' * LARGE),
        ("JSONL", '"' + "x" * LARGE + '"'),
        ("JSON", '["' + "x" * LARGE + '"]'),
        ("JSON", "[[" + "1," * LARGE + "1]]"),
    ],
)
def test_an_item_that_is_too_large_fails_the_reader(kind: str, text: str):
    assert f"exceeds {MAX_ITEM} characters" in cause_of(item_reader(kind), text)


def test_an_object_with_a_large_item_is_not_read_to_its_end():
    window, pieces = TextWindow(), 0
    items = items_in(item_reader("CSV"), window)
    window.add('a,b\n"')
    while window.low:
        window.add("x" * 100_000)
        pieces += 1
    with pytest.raises(StateFailedError):
        next_page(items)
    assert pieces * 100_000 < 2 * MAX_ITEM


def test_rows_parsed_in_pieces_equal_those_of_the_csv_module():
    draw = random.Random(13)
    fields = ["", "a", '"q"', "l\ni\rn\r\ne", "ü" * 50, "," * 9, "x" * 5000]
    rows = [[draw.choice(fields) for _ in range(3)] for _ in range(2000)]
    written = io.StringIO(newline="")
    csv.writer(written).writerows(rows)
    found = parse_items(item_reader("CSV", headers=("a", "b", "c")), written.getvalue().encode())
    assert [list(item.values()) for item in found] == rows


@pytest.mark.parametrize(
    ("headers", "order"),
    [
        (["0", "True", "{}"], ["0", "{}", "True"]),  # recorded on AWS
        (["H1", ""], ["", "H1"]),  # recorded on AWS
        (["Col1", "Col2", "Col3"], ["Col1", "Col2", "Col3"]),  # recorded on AWS
        ([f"H{n}" for n in range(13)], [f"H{n}" for n in (10, 0, 12, 1, 11, 2, 3, 4, 5, 6, 7, 8, 9)]),
    ],
)
def test_members_of_a_row_have_the_order_of_a_hash_map_of_java(headers: list[str], order: list[str]):
    (item,) = parse_items(item_reader("CSV"), f"{','.join(headers)}\nx".encode())
    assert list(item) == order


def test_values_parsed_in_pieces_equal_those_of_the_json_module():
    draw = random.Random(13)
    values: list[Any] = [1, -2.5e-7, True, None, 'ü\\"]}', {"a": [1, {"b": "["}]}, [], {}, "x" * 4000, 10**40]
    array = [draw.choice(values) for _ in range(3000)]
    aside = {"skipped": array, 'k"e{y': {"deep": [array]}}
    for indent in (None, 1):
        assert parse_items(item_reader("JSON"), json.dumps(array, indent=indent).encode()) == array
        document = json.dumps({**aside, "here/": [0, aside, array], "behind": 1}, indent=indent)
        assert parse_items(item_reader("JSON", "/here~1/2"), document.encode()) == array
    lines = "\n".join(map(json.dumps, array))
    assert parse_items(item_reader("JSONL"), lines.encode()) == array


@pytest.mark.parametrize(
    ("text", "pointer", "cause"),
    [
        ("", None, "not valid JSON: Expecting value (char 0)"),
        ("[1 2]", None, "Expecting ',' or ']' (char 3)"),
        ("[1,]", None, "Expecting value (char 3)"),
        ("[1] 2", None, "Extra data (char 4)"),
        ("[" + "[" * 100_000, None, "not valid JSON"),
        ("[" + " " * LARGE + "x]", None, f"Expecting value (char {LARGE + 1})"),
        ('{"a": 1}', None, "non-iterable node"),
        ('{"a": 1}', "/b", "no value at ItemsPointer '/b'"),
        ("[[1]]", "/-1", "no value at ItemsPointer '/-1'"),
        ("[[1]]", "/1", "no value at ItemsPointer '/1'"),
        ("3", "/1", "no value at ItemsPointer '/1'"),
        ('{"a" 1}', "/b", "Expecting a name and ':'"),
        ('{"a": ]}', "/b", "Expecting value"),
        ('{"a": [1}', "/b", "not valid JSON"),
    ],
)
def test_an_object_that_is_not_a_json_array_fails_the_reader(text: str, pointer: str | None, cause: str):
    assert cause in cause_of(item_reader("JSON", pointer), text)


def test_headers_have_at_most_10_kib():
    many = ",".join(str(number) for number in range(3000))
    assert "CSV headers cannot have more than 10240 bytes." in cause_of(item_reader("CSV"), many + "\n1\n")
    assert parse_items(item_reader("CSV"), (many[:10_238].rpartition(",")[0] + "\n1\n").encode())


def test_pages_of_items_are_bounded_by_their_characters():
    window = TextWindow()
    window.add(json.dumps(["x" * 1000] * 5000))
    window.add(None)
    items = items_in(item_reader("JSON"), window)
    pages = [next_page(items)[0]]
    while pages[-1]:
        pages.append(next_page(items)[0])
    assert sum(map(len, pages)) == 5000
    assert max(map(len, pages)) < 300


def test_batches_equal_the_output_of_json_dumps():
    batches = ItemBatches('{"ü":1}', 2, 60)
    items = ["1", '"ü"', '"xxxxxxxxxxxxxxxxxxxxx"', '"yyyyy"', "[2]"]
    made = [batch for batch in map(batches.add, items) if batch]
    assert [*made, batches.last_batch(), batches.last_batch()] == [
        ('{"BatchInput":{"ü":1},"Items":[1,"ü"]}', 2),
        ('{"BatchInput":{"ü":1},"Items":["xxxxxxxxxxxxxxxxxxxxx"]}', 1),
        ('{"BatchInput":{"ü":1},"Items":["yyyyy",[2]]}', 2),
        None,
    ]


def test_a_csv_file_with_an_unclosed_quote_fails_the_map(cloud: Any, machines: Any):
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="open-quote")
    s3.put_object(Bucket="open-quote", Key="items", Body='a,b\n"' + "x" * (4 * MAX_ITEM))
    items = reader("open-quote", "items", InputType="CSV", CSVHeaderLocation="FIRST_ROW")
    described = machines.run(distributed(PASS, ItemReader=items))
    assert described["error"] == "States.ItemReaderFailed"
    assert "characters, the local cloud's limit for one item" in described["cause"]
