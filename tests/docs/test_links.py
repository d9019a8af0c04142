"""Links between documents lead to files and headings that exist."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import pytest

from support.documents import NAMES, ROOT, anchors, links


def problem(document: Path, link: str) -> str | None:
    """Return what is wrong with a relative link, if anything."""
    name, _, anchor = unquote(link).partition("#")
    target = (document.parent / name).resolve() if name else document
    if not target.is_relative_to(ROOT) or not target.exists():
        return f"{link}: there is no such file"
    if anchor and anchor not in anchors(target):
        return f"{link}: there is no such heading"
    return None


@pytest.mark.parametrize("name", NAMES)
def test_links_have_targets(name: str) -> None:
    document = ROOT / name
    relative = [link for link in links(document) if ":" not in link.partition("#")[0]]
    assert [found for link in relative if (found := problem(document, link))] == []


@pytest.mark.parametrize("link", ["nonesuch.md", "README.md#nonesuch", "#nonesuch"])
def test_a_broken_link_is_found(link: str) -> None:
    assert problem(ROOT / "README.md", link)
