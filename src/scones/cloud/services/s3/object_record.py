"""A stored object: one row, and a body in the database, in a file, or in the parts of an upload."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from email.utils import formatdate

from scones.cloud.core.clock import now_ms
from scones.cloud.errors import ServiceError
from scones.cloud.services.s3 import checksum, metadata
from scones.cloud.services.s3.body_files import ReceivedBody
from scones.cloud.services.s3.checksum import Checksum
from scones.cloud.services.s3.version_ids import NULL
from scones.cloud.wire.members import Members, MemberValue

SCHEMA = """
    CREATE TABLE IF NOT EXISTS s3_objects (
        bucket TEXT NOT NULL, key TEXT NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL,
        modified INTEGER NOT NULL, storage_class TEXT NOT NULL, checksum_algorithm TEXT NOT NULL,
        checksum TEXT NOT NULL, checksum_type TEXT NOT NULL, headers TEXT NOT NULL, tags TEXT NOT NULL,
        body INTEGER, file TEXT, upload TEXT, version TEXT NOT NULL DEFAULT 'null', PRIMARY KEY (bucket, key)
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS s3_objects_by_file ON s3_objects (file) WHERE file IS NOT NULL;
    CREATE TABLE IF NOT EXISTS s3_bodies (id INTEGER PRIMARY KEY, data BLOB NOT NULL)
"""
COLUMNS = (
    "bucket, key, size, etag, modified, storage_class, checksum_algorithm, checksum, checksum_type, headers, tags, "
    "body, file, upload, version"
)
ENCRYPTION = (
    "BucketKeyEnabled",
    "SSECustomerAlgorithm",
    "SSECustomerKeyMD5",
    "SSEKMSKeyId",
    "ServerSideEncryption",
)
"""Parameters of a write with its encryption; see `ObjectEncryption`."""
HEADERS = (
    *ENCRYPTION,
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "Expires",
    "Grants",
    "Metadata",
    "WebsiteRedirectLocation",
)
"""Parameters of a write that a read returns."""
ARCHIVES = frozenset({"GLACIER", "DEEP_ARCHIVE"})
"""Storage classes of objects that must be restored before they can be read."""
RESTORED = "RestoredUntil"
"""Name among the stored headers of the time until which an archived object is restored, in ms since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRecord:
    """An object. `etag` has no quotes, `modified` is in milliseconds since 1970, `tags` is a JSON tag set."""

    bucket: str
    key: str
    size: int
    etag: str
    modified: int
    checksum: Checksum
    storage_class: str = "STANDARD"
    headers: Members = field(default_factory=dict)
    tags: str = "[]"
    body: int | None = None
    data: bytes | None = None
    file: str | None = None
    upload: str | None = None
    version: str = NULL

    @classmethod
    def of(cls, row: sqlite3.Row, data: bytes | None = None) -> ObjectRecord:
        """Return the object for a row with `COLUMNS`."""
        return cls(
            bucket=row["bucket"],
            key=row["key"],
            size=row["size"],
            etag=row["etag"],
            modified=row["modified"],
            checksum=Checksum(row["checksum_algorithm"], row["checksum"], row["checksum_type"]),
            storage_class=row["storage_class"],
            headers=json.loads(row["headers"]),
            tags=row["tags"],
            body=row["body"],
            data=data,
            file=row["file"],
            upload=row["upload"],
            version=row["version"],
        )

    @classmethod
    def received(cls, bucket: str, params: Members, content: ReceivedBody, tags: str = "[]") -> ObjectRecord:
        """Return a new object with a received body and the request's headers."""
        algorithm = next(iter(content.digests))
        return cls(
            bucket=bucket,
            key=params["Key"],
            size=content.size,
            etag=content.md5.hex(),
            modified=now_ms(),
            checksum=Checksum(algorithm, checksum.encode(content.digests[algorithm])),
            storage_class=params.get("StorageClass", "STANDARD"),
            headers=headers_of(params),
            tags=tags,
            data=content.data,
            file=content.file,
        )

    def insert(self, connection: sqlite3.Connection) -> None:
        """Write the row and, if it is small, the body in a transaction."""
        body = self.body
        if self.data is not None:
            body = connection.execute("INSERT INTO s3_bodies (data) VALUES (?)", (self.data,)).lastrowid
        values = (
            self.bucket,
            self.key,
            self.size,
            self.etag,
            self.modified,
            self.storage_class,
            self.checksum.algorithm,
            self.checksum.value,
            self.checksum.kind,
            json.dumps(self.headers),
            self.tags,
            body,
            self.file,
            self.upload,
            self.version,
        )
        marks = ", ".join("?" * len(values))
        connection.execute(f"INSERT OR REPLACE INTO s3_objects ({COLUMNS}) VALUES ({marks})", values)  # noqa: S608 - constants

    def store_header(self, connection: sqlite3.Connection, name: str, value: MemberValue) -> None:
        """Replace one of the object's headers in a transaction; `name` is a constant."""
        for table in ("s3_objects", "s3_versions"):
            connection.execute(
                f"UPDATE {table} SET headers = json_set(headers, '$.{name}', json(?)) "  # noqa: S608 - constants
                "WHERE bucket = ? AND key = ? AND version = ?",
                (json.dumps(value), self.bucket, self.key, self.version),
            )

    def encryption(self) -> Members:
        """Return the stored encryption settings by member name; they have no effect."""
        return encryption_in(self.headers)

    def checksum_members(self) -> Members:
        """Return the checksum as output members; an upload with a customer's key has none that S3 chose."""
        if self.upload and "SSECustomerKeyMD5" in self.headers and self.checksum.algorithm == checksum.DEFAULT:
            return {}
        return self.checksum.members()

    @property
    def is_restored(self) -> bool:
        """Return True if the object is archived, but restored at present."""
        return RESTORED in self.headers and now_ms() < int(self.headers[RESTORED])

    @property
    def is_archived(self) -> bool:
        """Return True if the object cannot be read before it is restored."""
        return self.storage_class in ARCHIVES and not self.is_restored

    def members(self) -> Members:
        """Return the object's members in a GET or HEAD response, by member name."""
        tags = len(json.loads(self.tags)) if self.tags != "[]" else None
        own = self.headers.get("Metadata")
        return {
            **self.headers,
            "Metadata": metadata.encoded(own) if own else {},
            "Expires": _expires(self.headers.get("Expires")),
            "Grants": None,
            "AcceptRanges": "bytes",
            "LastModified": self.modified // 1000,
            "ETag": f'"{self.etag}"',
            "StorageClass": self.storage_class if self.storage_class != "STANDARD" else None,
            "Restore": f'ongoing-request="false", expiry-date="{_http_date(self.headers[RESTORED])}"'
            if self.is_restored
            else None,
            "TagCount": tags,
        }


def find_object(connection: sqlite3.Connection, bucket: str, key: str) -> ObjectRecord | None:
    """Return the current object of a key without its body, or None; for use in a transaction."""
    row = connection.execute(
        f"SELECT {COLUMNS} FROM s3_objects WHERE bucket = ? AND key = ?",  # noqa: S608 - constant
        (bucket, key),
    ).fetchone()
    return ObjectRecord.of(row) if row else None


def encryption_in(headers: Members) -> Members:
    """Return the encryption settings among stored headers."""
    return {name: headers[name] for name in ENCRYPTION if name in headers}


def headers_of(params: Members) -> Members:
    """Return the parameters of a write that a read returns."""
    headers = {name: params[name] for name in HEADERS if params.get(name) is not None}
    if "Metadata" in headers:
        headers["Metadata"] = metadata.decoded(headers["Metadata"])
    headers.setdefault("ContentType", "binary/octet-stream")
    if encoding := _stored_encoding(headers.pop("ContentEncoding", "")):
        headers["ContentEncoding"] = encoding
    return headers


def _expires(stored: str | float | None) -> str | None:
    """Return the header Expires; earlier releases stored seconds since 1970."""
    return formatdate(stored, usegmt=True) if isinstance(stored, int | float) else stored


def _http_date(moment: int) -> str:
    return formatdate(moment // 1000, usegmt=True)


def _stored_encoding(header: str) -> str:
    """Return a Content-Encoding without aws-chunked, which frames the request and not the object."""
    codings = [coding.strip() for coding in header.split(",")]
    kept = [coding for coding in codings if coding.lower() != "aws-chunked"]
    return header if kept == codings else ", ".join(kept)


def check_key(key: str) -> None:
    """Raise `KeyTooLongError` if a key has more than 1,024 bytes."""
    if (size := len(key.encode())) > 1024:
        raise ServiceError("KeyTooLongError", "Your key is too long", Size=size, MaxSizeAllowed=1024)
