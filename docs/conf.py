"""Sphinx's configuration: `make docs` builds the site from docs/ into build/docs. Every warning is an error."""

from __future__ import annotations

import re
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx_click.ext import ClickDirective

from scones import __version__

project = "Scones"
author = "The Scones authors"
copyright = "The Scones authors, Apache License 2.0"  # noqa: A001 - Sphinx's name
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx_click"]
templates_path = ["_templates"]
exclude_patterns = ["_templates"]
highlight_language = "none"  # code blocks without a language are commands with their output
smartquotes = False  # they would make a dash of each option's two hyphens
default_role = "code"  # docstrings mark code with single backticks
myst_heading_anchors = 4
autodoc_member_order = "bysource"
add_module_names = False

html_theme = "furo"
html_title = f"Scones {version}"
html_copy_source = False
html_show_sourcelink = False

ROOT = Path(__file__).resolve().parents[1]
PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
"""Documents in the root folder of the repository, and their pages in the site."""


def read_source(app: Sphinx, docname: str, source: list[str]) -> None:
    """Replace the pages `contributing` and `changelog` by the documents that they stand for, and adapt links."""
    for document, page in PAGES.items():
        if page == f"{docname}.md" and docname != "index":
            app.env.note_dependency(str(ROOT / document))
            source[0] = (ROOT / document).read_text(encoding="utf-8").replace("](docs/", "](")
            source[0] = re.sub(rf"\]\(({'|'.join(PAGES)})", lambda found: f"]({PAGES[found[1]]}", source[0])
        source[0] = re.sub(rf"\]\(\.\./((?:\.\./)*){document}", rf"](\1{page}", source[0])


class Command(ClickDirective):
    """The help of a command, below a heading that the page already has."""

    def run(self) -> list[nodes.Element]:
        """Return the contents of the section that sphinx-click makes, without its title, and with examples as code."""
        [section] = super().run()
        for example in list(section.findall(nodes.line_block)):
            example.replace_self(nodes.literal_block(text="\n".join(line.astext() for line in example.children)))
        return [node for node in section.children if not isinstance(node, nodes.title)]


def setup(app: Sphinx) -> None:
    """Register the directive of commands, and the hook that reads documents from outside docs/."""
    app.add_directive("command", Command)
    app.connect("source-read", read_source)
