"""Single images, uploaded to where an execution can read them."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from scones.workflow.functions.serialize_image import MAX_BYTES
from scones.workflow.target import Target

INCOMING = "incoming/"
"""Key prefix of the uploaded images."""
SIDE = 384
"""Maximum width and height in pixels of an image that is scaled down to fit a state; the model uses 32 by 32."""


def upload_image(target: Target, bucket: str, image_path: Path) -> str:
    """Upload an image to the bucket and return its key, which is derived from the content's SHA-256.

    An image that exceeds the state machine's payload limit, or is neither PNG nor JPEG, is scaled and stored as JPEG.
    """
    content, suffix = _scaled(image_path.read_bytes(), image_path.suffix.lower())
    key = f"{INCOMING}{hashlib.sha256(content).hexdigest()[:32]}{suffix}"
    target.client("s3").put_object(Bucket=bucket, Key=key, Body=content)
    return key


def _scaled(content: bytes, suffix: str) -> tuple[bytes, str]:
    """Return an image in a form that fits. Bytes that are not an image stay unchanged; the endpoint rejects them."""
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
