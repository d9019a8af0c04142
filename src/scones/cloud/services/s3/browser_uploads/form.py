"""The form of an upload, `multipart/form-data`: its fields are read first, then its file as a stream."""

from __future__ import annotations

from collections.abc import AsyncIterator

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from scones.cloud.errors import ServiceError

FIELDS_LIMIT = 20_480
"""Maximum bytes of all fields before the file, as in S3."""
FILE = "file"


class UploadForm:
    """A form whose body arrives in chunks."""

    def __init__(self, content_type: str, chunks: AsyncIterator[bytes]) -> None:
        """Prepare to read a form; raises `PreconditionFailed` for another content type."""
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise ServiceError(
                "PreconditionFailed",
                "At least one of the pre-conditions you specified did not hold",
                412,
                Condition="Bucket POST must be of the enclosure-type multipart/form-data",
            )
        self.fields: dict[str, str] = {}
        """Fields before the file, with their names as in the form."""
        self.filename: str | None = None
        self._chunks = chunks
        self._part = _Part()
        self._pieces: list[bytes] = []
        self._file_begun = self._file_ended = False
        try:
            self._parser = MultipartParser(
                options[b"boundary"],
                {
                    "on_part_begin": self._begin_part,
                    "on_header_field": self._add_to_header_name,
                    "on_header_value": self._add_to_header_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._end_headers,
                    "on_part_data": self._add_data,
                    "on_part_end": self._end_part,
                },
            )
        except FormParserError as error:
            raise _malformed() from error

    async def read_fields(self) -> None:
        """Read the fields before the file; raises `ServiceError` if they are too large, or if there is no file."""
        while not self._file_begun:
            if not await self._read_chunk():
                raise ServiceError(
                    "InvalidArgument",
                    "POST requires exactly one file upload per request.",
                    ArgumentName=FILE,
                    ArgumentValue=0,
                )

    async def file(self) -> AsyncIterator[bytes]:
        """Yield the content of the file; fields after it are ignored."""
        while True:
            pieces, self._pieces = self._pieces, []
            for piece in pieces:
                yield piece
            if not await self._read_chunk():
                break
        for piece in self._pieces:
            yield piece
        if not self._file_ended:
            raise _malformed()

    async def _read_chunk(self) -> bool:
        """Parse the next chunk of the body; return False at its end."""
        chunk = await anext(self._chunks, b"")
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise _malformed() from error
        return bool(chunk)

    def _begin_part(self) -> None:
        self._part = _Part()

    def _add_to_header_name(self, data: bytes, start: int, end: int) -> None:
        self._part.header_name += data[start:end]

    def _add_to_header_value(self, data: bytes, start: int, end: int) -> None:
        self._part.header_value += data[start:end]

    def _end_header(self) -> None:
        part = self._part
        if part.header_name.lower() == b"content-disposition":
            _, options = parse_options_header(bytes(part.header_value))
            part.name = options.get(b"name", b"").decode("utf-8", "replace")
            if b"filename" in options:
                part.filename = options[b"filename"].decode("utf-8", "replace")
        part.header_name.clear()
        part.header_value.clear()

    def _end_headers(self) -> None:
        if not self._file_begun and self._part.name.lower() == FILE:
            self._file_begun = self._part.is_file = True
            self.filename = self._part.filename

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        if self._part.is_file:
            self._pieces.append(data[start:end])
        elif not self._file_begun:
            self._part.data += data[start:end]
            sizes = sum(len(name) + len(value) for name, value in self.fields.items())
            if sizes + len(self._part.data) > FIELDS_LIMIT:
                raise ServiceError(
                    "MaxPostPreDataLengthExceeded",
                    "Your POST request fields preceding the upload file were too large.",
                    MaxPostPreDataLengthBytes=FIELDS_LIMIT,
                )

    def _end_part(self) -> None:
        if self._part.is_file:
            self._file_ended = True
        elif not self._file_begun:
            self.fields[self._part.name] = self._part.data.decode("utf-8", "replace")


class _Part:
    """A part of the form while it is read."""

    def __init__(self) -> None:
        self.header_name = bytearray()
        self.header_value = bytearray()
        self.name = ""
        self.filename: str | None = None
        self.data = bytearray()
        self.is_file = False


def _malformed() -> ServiceError:
    return ServiceError("MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data.")
