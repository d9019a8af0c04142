"""Bodies that a request sends or copies; they are checked before a row of the store refers to them."""

from __future__ import annotations

import base64

from scones.cloud.errors import ServiceError
from scones.cloud.service import Body, OperationCall, body_chunks
from scones.cloud.services.s3 import checksum
from scones.cloud.services.s3.body_files import SMALL_BODY, BodyFiles, ReceivedBody
from scones.cloud.wire.members import Members


class IncomingBodies:
    """Receives bodies into memory or files."""

    def __init__(self, files: BodyFiles) -> None:
        self._files = files

    async def receive(self, call: OperationCall, *algorithms: str, small: int = SMALL_BODY) -> ReceivedBody:
        """Receive a request's body, and check it against Content-MD5 and the checksum in a header or trailer.

        Raises `BadDigest` if either differs.
        """
        params = call.params
        expected_md5 = _content_md5(params)
        sent = checksum.sent_in(params)
        needed_algorithms = {*algorithms, sent[0]} if sent else set(algorithms)
        content = await self._files.receive(params["Body"], needed_algorithms, small=small)
        try:
            if expected_md5 is not None and expected_md5 != content.md5:
                raise ServiceError(
                    "BadDigest",
                    "The Content-MD5 you specified did not match what we received.",
                    ExpectedDigest=params["ContentMD5"] if "UploadId" in params else expected_md5.hex(),
                    CalculatedDigest=checksum.encode(content.md5),
                )
            for name, digest in content.digests.items():
                trailing = call.trailers.get(f"x-amz-checksum-{name.lower()}")
                expected = sent[1] if sent and sent[0] == name else trailing
                if expected is not None:
                    checksum.check_form(name, expected)
                    checksum.check(name, expected, digest)
        except ServiceError:
            await self.drop(content)
            raise
        return content

    async def drop(self, content: ReceivedBody) -> None:
        """Remove a body to which no row of the store will refer."""
        if content.file is not None:
            await self._files.remove([content.file])

    async def copy(self, body: Body, algorithm: str, *, small: int = SMALL_BODY) -> ReceivedBody:
        """Receive a copy of a stored body."""
        return await self._files.receive(body_chunks(body), [algorithm], small=small)


def _content_md5(params: Members) -> bytes | None:
    header = params.get("ContentMD5")
    if header is None:
        return None
    try:
        digest = base64.b64decode(header, validate=True)
    except ValueError:
        digest = b""
    if len(digest) != 16:
        raise ServiceError("InvalidDigest", "The Content-MD5 you specified was invalid.", **{"Content-MD5": header})
    return digest
