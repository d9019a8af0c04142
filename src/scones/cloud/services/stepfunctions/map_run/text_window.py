"""The part of an object's text that is read but not parsed yet; the complete object is never in memory."""

from __future__ import annotations

import codecs
import zlib
from collections.abc import AsyncIterator, Iterator

MAX_ITEM = 512 * 1024
"""Maximum characters of one item, row or line of an object.

AWS's limit is unknown. The input of a child execution has at most 256 KiB; ItemSelector can derive it from a larger
item.
"""
_NEXT = 16
"""Characters after an item that are enough to see that it has ended."""
_PIECE = 256 * 1024
_GZIP = 16 + zlib.MAX_WBITS


class TextWindow:
    """Text, parsed up to position `at`; the parser requests more text while the window is `low`."""

    def __init__(self) -> None:
        self.text = ""
        self.at = 0
        self.ended = False
        """True once `text` contains the end of the object's text."""
        self._dropped = 0

    @property
    def low(self) -> bool:
        """True if the next item may extend beyond the text in the window."""
        return not self.ended and len(self.text) - self.at <= MAX_ITEM + _NEXT

    @property
    def next(self) -> str:
        """Next character; empty at the end."""
        return self.text[self.at : self.at + 1]

    def position(self, at: int) -> int:
        """Return the position in the object's text of a position in `text`."""
        return self._dropped + at

    def add(self, text: str | None) -> None:
        """Append text and drop the parsed part; None marks the end of the object's text."""
        if text is None:
            self.ended = True
            return
        self._dropped += self.at
        self.text = self.text[self.at :] + text
        self.at = 0


class PieceDecoder:
    """An incremental UTF-8 decoder that works in pieces, so that no call takes long."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()

    def pieces(self, data: bytes) -> Iterator[str]:
        """Yield the text in pieces; raise ValueError if the data is not UTF-8."""
        for start in range(0, len(data), _PIECE):
            yield self._decoder.decode(data[start : start + _PIECE])

    def end(self) -> str:
        """Return the remaining text; raise ValueError if the data ends within a character."""
        return self._decoder.decode(b"", True)


async def decoded(chunks: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """Yield the text of an object in pieces; raise ValueError if it is not UTF-8."""
    decoder = PieceDecoder()
    async for chunk in chunks:
        for piece in decoder.pieces(chunk):
            yield piece
    yield decoder.end()


async def unzipped(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the content of a gzip file in pieces; raise `zlib.error` or EOFError if it is damaged."""
    inflate = None
    async for chunk in chunks:
        data = chunk
        while data:
            inflate = inflate or zlib.decompressobj(_GZIP)
            yield inflate.decompress(data, _PIECE)
            data = inflate.unconsumed_tail
            if inflate.eof:  # another member may follow
                data, inflate = inflate.unused_data, None
    if inflate is not None:
        raise EOFError("the gzip data ends prematurely")
