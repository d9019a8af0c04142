"""Pictures that come one by one, put where an execution can read them."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from scones.workflow.functions.serialize_image import MAX_BYTES
from scones.workflow.place import Place

INCOMING = "incoming/"
"""The prefix of their keys."""
SIDE = 384
"""Pixels that a picture too large for a state is scaled to, each way at most; the model looks at 32 by 32."""


def deliver(place: Place, bucket: str, picture: Path) -> str:
    """Put a picture into the bucket under its content's digest and return its key.

    What is too large for a state machine's state, or neither PNG nor JPEG, is scaled and stored as JPEG.
    """
    content, suffix = _fitting(picture.read_bytes(), picture.suffix.lower())
    key = f"{INCOMING}{hashlib.sha256(content).hexdigest()[:32]}{suffix}"
    place.client("s3").put_object(Bucket=bucket, Key=key, Body=content)
    return key


def _fitting(content: bytes, suffix: str) -> tuple[bytes, str]:
    """Return a picture as it can be sent; bytes that are no picture as they are, for the endpoint to judge."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            if image.format in ("PNG", "JPEG") and len(content) <= MAX_BYTES:
                return content, suffix
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError):
        return content, suffix
    upright.thumbnail((SIDE, SIDE))
    packed = io.BytesIO()
    upright.save(packed, "jpeg", quality=90)
    return packed.getvalue(), ".jpg"
