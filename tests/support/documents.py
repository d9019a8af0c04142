"""The documents of the repository, parsed as Markdown."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("examples/*.md"), *(ROOT / "docs").rglob("*.md")])
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]
_MARKDOWN = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True)
class Block:
    """A code block: its language, its text, and where it is."""

    language: str
    text: str
    position: str


@cache
def tokens(path: Path) -> list[Token]:
    return _MARKDOWN.parse(path.read_text(encoding="utf-8"))


def inlines(path: Path) -> Iterator[Token]:
    """Yield the tokens of a document's running text, headings and tables."""
    for token in tokens(path):
        yield from token.children or []


def blocks(path: Path) -> Iterator[Block]:
    """Yield the code blocks of a document, without Sphinx's directives."""
    for token in tokens(path):
        if token.type in ("fence", "code_block") and not token.info.startswith("{"):
            line = token.map[0] + 1 if token.map else 0
            yield Block(token.info.strip(), token.content, f"{path.relative_to(ROOT)}:{line}")


def codes(path: Path) -> Iterator[str]:
    """Yield the inline code of a document."""
    return (token.content for token in inlines(path) if token.type == "code_inline")


def links(path: Path) -> Iterator[str]:
    """Yield the targets of a document's links and images."""
    for token in inlines(path):
        target = token.attrGet("href") if token.type == "link_open" else token.attrGet("src")
        if isinstance(target, str):
            yield target


@cache
def anchors(path: Path) -> frozenset[str]:
    """Return the anchors of a document's headings, as GitHub and MyST make them."""
    found = tokens(path)
    titles = [
        "".join(child.content for child in after.children or [])
        for token, after in itertools.pairwise(found)
        if token.type == "heading_open"
    ]
    return frozenset(re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles)
