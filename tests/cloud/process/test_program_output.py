"""Output of a program: read in pieces, no faster than it is stored, and split into lines."""

from __future__ import annotations

import asyncio
import os

import pytest

from scones.cloud.process import program_output
from scones.cloud.process.program_output import LINE_LIMIT, Lines, ProgramOutput


class Store:
    """A consumer of output that accepts one piece at a time."""

    def __init__(self):
        self.pieces = []
        self.stored = None

    def __call__(self, piece):
        self.pieces.append(piece)
        self.stored = asyncio.get_running_loop().create_future()
        return self.stored


@pytest.fixture
def pipe():
    receive, send = os.pipe()
    os.set_blocking(send, False)
    yield receive, send
    os.close(send)


def fill(descriptor):
    written = 0
    while True:
        try:
            written += os.write(descriptor, b"x\n" * 2048)
        except BlockingIOError:
            return written


async def turns():
    for _ in range(20):
        await asyncio.sleep(0.001)


async def test_nothing_is_read_while_the_last_piece_is_stored(pipe):
    receive, send = pipe
    store = Store()
    ProgramOutput(receive, store)
    total = fill(send)
    await turns()
    assert len(store.pieces) == 1
    total += fill(send)
    await turns()
    assert fill(send) == 0
    while sum(map(len, store.pieces)) < total:
        store.stored.set_result(None)
        await turns()
    assert b"".join(store.pieces) == b"x\n" * (total // 2)
    assert max(piece.count(b"\n") for piece in store.pieces) == program_output.PIECE_LINES


async def test_draining_reads_the_available_output_and_ends_in_time(pipe):
    receive, send = pipe
    taken = []
    output = ProgramOutput(receive, taken.append)
    total = fill(send)
    await output.drain(10)
    assert sum(map(len, taken)) == total
    stuck = ProgramOutput(os.dup(receive), Store())
    fill(send)
    await asyncio.wait_for(stuck.drain(0.1), 10)


async def test_output_that_cannot_be_stored_is_dropped_after_the_end_of_the_program(pipe, monkeypatch):
    monkeypatch.setattr(program_output, "STALLED_SECONDS", 0.1)
    receive, send = pipe
    store = Store()
    output = ProgramOutput(receive, store)
    fill(send)
    await asyncio.wait_for(output.finish(), 10)
    assert len(store.pieces) == 1
    store.stored.set_result(None)  # too late: the output has been given up
    await turns()
    assert len(store.pieces) == 1


def test_a_line_is_cut_at_the_limit_but_not_inside_a_character():
    lines = Lines()
    assert lines.add(b"a" * LINE_LIMIT) == []
    assert lines.add(b"\nb") == [b"a" * LINE_LIMIT]
    assert lines.add(b"b" * LINE_LIMIT) == [b"b" * LINE_LIMIT]
    assert lines.end() == [b"b"]
    parts = [*lines.add("é€😀".encode() * 100_000), *lines.end()]
    assert [part.decode() for part in parts]
    assert b"".join(parts) == "é€😀".encode() * 100_000
    assert [len(part) for part in lines.add(b"\xff" * 600_000 + b"\n")] == [LINE_LIMIT, LINE_LIMIT, 75764]
    assert lines.end() == []
