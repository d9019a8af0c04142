"""Pictures that come one by one, put where an execution can read them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from scones.workflow.place import Place


def deliver(place: Place, bucket: str, picture: Path) -> str:
    """Put a picture into the bucket under its content's digest and return its key."""
    content = picture.read_bytes()
    key = f"incoming/{hashlib.sha256(content).hexdigest()[:32]}{picture.suffix.lower()}"
    place.client("s3").put_object(Bucket=bucket, Key=key, Body=content)
    return key
