"""Captured images, decoded defensively: the endpoint's callers choose their bytes."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # Pillow takes long to load; only reports with images use it
    from PIL.Image import Image

MAX_PIXELS = 4096 * 4096
MAX_EDGE = 192
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP")


def decode_image(content: bytes | None) -> Image | None:
    """Return an image as RGB, at most 192 pixels on its longer edge; None if it is missing or cannot be decoded."""
    from PIL import Image

    if not content:
        return None
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                return None
            image.draft("RGB", (MAX_EDGE, MAX_EDGE))
            colours = image.convert("RGB")
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return None
    colours.thumbnail((MAX_EDGE, MAX_EDGE))
    return colours


def data_uri(content: bytes | None) -> str | None:
    """Return an image as a PNG in a data URI, encoded anew so that only its pixels reach the page."""
    image = decode_image(content)
    if image is None:
        return None
    buffer = BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return png_uri(buffer.getvalue())


def png_uri(png: bytes) -> str:
    """Return a PNG's bytes as a data URI."""
    return "data:image/png;base64," + base64.b64encode(png).decode()
