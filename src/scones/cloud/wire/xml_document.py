"""XML bodies, parsed without document types and with a limit on the number of elements."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

MAX_ELEMENTS = 100_000
"""Maximum number of elements in a document: CompleteMultipartUpload accepts 10,000 parts of a few elements each."""
SLICE_CHARACTERS = 64 << 10
"""Characters that the parser receives at once, so that other threads can run in between."""

_ENCODING = re.compile(r"""\s*<\?xml\s[^>]{0,100}?encoding\s*=\s*["']([^"']{1,40})["']""")


def root(body: bytes) -> ET.Element:
    """Return the root element; the names of all elements are without namespaces.

    Raises `ValueError` or `ET.ParseError`.
    """
    text = body.decode()
    if text.count("<") > 2 * MAX_ELEMENTS:
        raise ValueError(f"the document has more than {MAX_ELEMENTS} elements")
    if "<!DOCTYPE" in text:
        raise ValueError("the document contains a document type declaration")
    declared = _ENCODING.match(text)
    if declared and declared[1].upper() not in ("UTF-8", "US-ASCII"):
        raise ValueError(f"the document declares the encoding {declared[1]}; only UTF-8 is supported")
    parser = ET.XMLParser()  # noqa: S314 - without a document type there are no entities to expand
    for begin in range(0, len(text), SLICE_CHARACTERS):
        parser.feed(text[begin : begin + SLICE_CHARACTERS])
    found: ET.Element = parser.close()
    for element in found.iter():
        element.tag = element.tag.rpartition("}")[2]
    return found
