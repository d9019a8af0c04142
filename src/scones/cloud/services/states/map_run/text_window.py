"""The part of an object's text that has been read and is not parsed yet: an object is never in memory as a whole."""

from __future__ import annotations

import codecs
import zlib
from collections.abc import AsyncIterator, Iterator

MAX_ITEM = 512 * 1024
"""Characters that one item, row or line of an object may have.

AWS's limit is not known to us. A child's input has at most 256 KiB; ItemSelector can make it from a larger item.
"""
_NEXT = 16
"""Characters behind an item that show that it has ended."""
_PIECE = 256 * 1024
_GZIP = 16 + zlib.MAX_WBITS


class TextWindow:
    """Text from `at` on; whoever parses it asks for more while it is `low`."""

    def __init__(self) -> None:
        self.text = ""
        self.at = 0
        self.ended = False
        """True once `text` has the end of the whole text."""
        self._dropped = 0

    @property
    def low(self) -> bool:
        """True where the next item may go beyond the text that is here."""
        return not self.ended and len(self.text) - self.at <= MAX_ITEM + _NEXT

    @property
    def next(self) -> str:
        """The next character; empty at the end."""
        return self.text[self.at : self.at + 1]

    def position(self, at: int) -> int:
        """Return where a character of `text` is in the whole text."""
        return self._dropped + at

    def add(self, text: str | None) -> None:
        """Append text and drop what has been parsed; None ends the whole text."""
        if text is None:
            self.ended = True
            return
        self._dropped += self.at
        self.text = self.text[self.at :] + text
        self.at = 0


class PieceDecoder:
    """Decodes UTF-8 in pieces, so that no call takes long."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()

    def pieces(self, data: bytes) -> Iterator[str]:
        """Yield text; raise ValueError where it is not UTF-8."""
        for start in range(0, len(data), _PIECE):
            yield self._decoder.decode(data[start : start + _PIECE])

    def end(self) -> str:
        """Return what is left; raise ValueError where the data ends in a character."""
        return self._decoder.decode(b"", True)


async def decoded(chunks: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """Yield the text of an object in pieces; raise ValueError where it is not UTF-8."""
    decoder = PieceDecoder()
    async for chunk in chunks:
        for piece in decoder.pieces(chunk):
            yield piece
    yield decoder.end()


async def unzipped(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield what a gzip file has, in pieces; raise `zlib.error` or EOFError where it is damaged."""
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
        raise EOFError("it ends before its last member does")
