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


class NotAnImageError(Exception):
    """The file cannot be read as an image."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} {reason}; specify PNG or JPEG files.")


def upload_image(target: Target, bucket: str, image_path: Path) -> str:
    """Upload an image to the bucket and return its key, which is derived from the content's SHA-256.

    An image that exceeds the state machine's payload limit, or is neither PNG nor JPEG, is scaled and stored as JPEG.
    Raises NotAnImageError.
    """
    try:
        content, suffix = _scaled(image_path.read_bytes(), image_path.suffix.lower())
    except UnidentifiedImageError as error:
        raise NotAnImageError(image_path, "is not an image") from error
    except (Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise NotAnImageError(image_path, f"cannot be read ({error})") from error
    key = f"{INCOMING}{hashlib.sha256(content).hexdigest()[:32]}{suffix}"
    target.client("s3").put_object(Bucket=bucket, Key=key, Body=content)
    return key


def _scaled(content: bytes, suffix: str) -> tuple[bytes, str]:
    """Return an image in a form that fits. Raises several kinds of exceptions for bytes that are not an image."""
    with Image.open(io.BytesIO(content)) as image:
        if image.format in ("PNG", "JPEG") and len(content) <= MAX_BYTES:
            image.load()  # finds a damaged image before it is sent
            return content, suffix
        upright = ImageOps.exif_transpose(image).convert("RGB")
    upright.thumbnail((SIDE, SIDE))
    packed = io.BytesIO()
    upright.save(packed, "jpeg", quality=90)
    return packed.getvalue(), ".jpg"
