"""Pipe mode: a channel's objects streamed into named pipes, CHANNEL_0 for the first epoch, CHANNEL_1 for the next.

The Developer Guide ("Augmented Manifest Files for Training Jobs", "Input Mode") defines the pipes and their content:
the objects one after another, or the attributes of each manifest line. A `-ref` attribute stands for the object that it
names. With RecordWrapperType=RecordIO, each object or attribute is a RecordIO record. A program may read any number of
epochs.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import random
import struct
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TypeAlias

from scones.cloud.services.sagemaker.jobs.inputs import listed, mode
from scones.cloud.services.sagemaker.s3_access import S3Access, S3Location
from scones.cloud.wire.members import Members

MAGIC = 0xCED7230A
RECORD_LIMIT = 1 << 29
"""Bytes that the content of a RecordIO record must stay below."""
OPEN_RETRY_SECONDS = 0.05
"""Seconds between attempts to open a pipe that the program does not read yet."""
Piece: TypeAlias = S3Location | bytes
"""One item of a stream: the location of an object, or the value of an attribute."""


class ChannelPipe:
    """The pipes of one channel; `pieces` has a sequence of pieces for each of its objects or manifest lines."""

    def __init__(self, objects: S3Access, channel: Members, folder: Path, pieces: list[Sequence[Piece]]) -> None:
        self._objects = objects
        self._name = channel["ChannelName"]
        self._wrapped = channel.get("RecordWrapperType") == "RecordIO"
        self._seed = channel.get("ShuffleConfig", {}).get("Seed")
        self._folder = folder
        self._pieces = pieces
        folder.mkdir(parents=True, exist_ok=True)
        self._make(0)

    async def run(self) -> None:
        """Write one epoch after another until cancelled; raises `ServiceError` from S3, or `ValueError`."""
        epoch = 0
        while True:
            path = self._path(epoch)
            descriptor = await _opened(path)
            self._make(epoch + 1)  # before this epoch ends, so that the program always finds the next pipe
            try:
                with contextlib.suppress(BrokenPipeError):  # the program closed the pipe early
                    async for chunk in self._epoch(epoch):
                        await _write(descriptor, chunk)
            finally:
                os.close(descriptor)
            path.unlink()
            epoch += 1

    def _path(self, epoch: int) -> Path:
        return self._folder / f"{self._name}_{epoch}"

    def _make(self, epoch: int) -> None:
        os.mkfifo(self._path(epoch), 0o600)

    async def _epoch(self, epoch: int) -> AsyncIterator[bytes]:
        order = list(self._pieces)
        if self._seed is not None:
            random.Random(self._seed + epoch).shuffle(order)
        for pieces in order:
            for piece in pieces:
                async for chunk in self._content(piece):
                    yield chunk

    async def _content(self, piece: Piece) -> AsyncIterator[bytes]:
        if isinstance(piece, bytes):
            length, chunks = len(piece), _single_piece(piece)
        else:
            length, chunks = await self._objects.stream(piece)
        if self._wrapped:
            if length >= RECORD_LIMIT:
                raise ValueError(
                    f"An object has {length} bytes, but a RecordIO record must have fewer than {RECORD_LIMIT}."
                )
            yield struct.pack("<II", MAGIC, length)
        async for chunk in chunks:
            yield chunk
        if self._wrapped:
            yield bytes(-length % 4)


async def channel_pipes(objects: S3Access, request: Members, folder: Path, share: tuple[int, int]) -> list[ChannelPipe]:
    """Create the first pipe of every Pipe channel; raises `ServiceError` or `ValueError` if a source cannot be read.

    `share` is this instance's index and the number of instances, as in `inputs.download`.
    """
    found = []
    for channel in request.get("InputDataConfig", []):
        if mode(channel, request) != "Pipe":
            continue
        source = channel["DataSource"]["S3DataSource"]
        pieces: list[Sequence[Piece]]
        if source["S3DataType"] == "AugmentedManifestFile":
            pieces = await _lines(objects, source)
        else:
            pieces = [[location] async for location, path in listed(objects, source) if path]
        index, count = share
        if source.get("S3DataDistributionType") == "ShardedByS3Key":
            pieces = pieces[index::count]
        found.append(ChannelPipe(objects, channel, folder, pieces))
    return found


async def _lines(objects: S3Access, source: Members) -> list[Sequence[Piece]]:
    content = await objects.read(S3Location.of(source["S3Uri"]))

    def parse() -> list[Sequence[Piece]]:
        lines = enumerate(content.splitlines(), 1)
        return [_attributes(line, number, source) for number, line in lines if line.strip()]

    return await asyncio.to_thread(parse)


def _attributes(line: bytes, number: int, source: Members) -> list[Piece]:
    where = f'Line {number} of the augmented manifest "{source["S3Uri"]}"'
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{where} is not JSON.") from error
    pieces: list[Piece] = []
    for name in source["AttributeNames"]:
        if not isinstance(values, dict) or name not in values:
            raise ValueError(f"{where} has no attribute {name!r}, although AttributeNames lists it.")
        value = values[name]
        if name.endswith("-ref"):
            if not str(value).startswith("s3://"):
                raise ValueError(f"{where} has {value!r} as {name!r}; it must be the s3:// URI of an object.")
            pieces.append(S3Location.of(value))
        else:
            pieces.append((value if isinstance(value, str) else json.dumps(value)).encode())
    return pieces


async def _single_piece(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def _opened(path: Path) -> int:
    """Wait until a program opens a pipe for reading, and return the pipe's descriptor for writing."""
    while True:
        try:
            return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
        await asyncio.sleep(OPEN_RETRY_SECONDS)


async def _write(descriptor: int, content: bytes) -> None:
    """Write all of `content` to a non-blocking pipe; raises `BrokenPipeError`."""
    loop = asyncio.get_running_loop()
    rest = memoryview(content)
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:
            writable = asyncio.Event()
            loop.add_writer(descriptor, writable.set)
            try:
                await writable.wait()
            finally:
                loop.remove_writer(descriptor)
