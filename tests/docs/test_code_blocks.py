"""Code blocks parse, and the commands, options and targets that documents name exist."""

from __future__ import annotations

import ast
import json
import re
import shlex
import textwrap
import tomllib
from collections.abc import Iterator

import click
import pytest

from scones.cli import commands
from support.documents import NAMES, ROOT, blocks, codes

PLACEHOLDERS = re.compile(r"…|\.\.\.|\[…\]")
COMMAND = re.compile(r"(?:^|[$`'\"(;&|] ?|bin/|=\S* |run: )(scones|make|python3?) +([^\n`|;&)'\"]*)", re.MULTILINE)
"""A command at the start of a line, or behind a prompt, a quote, an assignment or an operator of the shell."""


def parse(language: str, text: str) -> None:
    """Parse a code block; raises ValueError or SyntaxError."""
    if language == "python":
        ast.parse(textwrap.dedent(text))
    elif language == "json":
        json.loads(PLACEHOLDERS.sub("", text))
    elif language == "toml":
        tomllib.loads(text)


@pytest.mark.parametrize("name", NAMES)
def test_code_blocks_parse(name: str) -> None:
    for block in blocks(ROOT / name):
        try:
            parse(block.language, block.text)
        except (SyntaxError, ValueError) as error:
            pytest.fail(f"{block.position}: {error}")


def problem(program: str, arguments: str) -> str | None:
    """Return what is wrong with a command, if anything."""
    words = shlex.split(arguments, comments=True) if arguments.count('"') % 2 == 0 else arguments.split()
    check = {"scones": _scones, "make": _make, "python": _python, "python3": _python}[program]
    return check(words)


def _scones(words: list[str]) -> str | None:
    if not words or words[0] in ("--help", "--version"):
        return None
    command = commands.commands.get(words[0])
    if command is None:
        return f"there is no command {words[0]}" if re.fullmatch("[a-z-]+", words[0]) else None
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    used = words[: words.index("--")] if "--" in words else words
    unknown = [word for word in used if word.startswith("--") and word.partition("=")[0] not in known]
    return f"scones {words[0]} has no {unknown}" if unknown else None


def _make(words: list[str]) -> str | None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    goals = {word for word in words if re.fullmatch("[a-z-]+", word)}
    return f"make has no {goals - targets}" if goals - targets else None


def _python(words: list[str]) -> str | None:
    module = words[1] if words[:1] == ["-m"] and len(words) > 1 else ""
    if module.partition(".")[0] in ("scones", "benchmarks", "tests"):
        path = ROOT / ("src" if module.startswith("scones") else "") / module.replace(".", "/")
        return None if path.is_dir() or path.with_suffix(".py").is_file() else f"there is no module {module}"
    script = words[0] if words and words[0].startswith(("docs/", "tests/", "src/", "benchmarks/")) else ""
    return None if (ROOT / script).exists() else f"there is no script {script}"


def named(name: str) -> Iterator[tuple[str, str]]:
    """Yield the programs and arguments of the commands that a document names."""
    texts = [block.text.replace("\\\n", " ") for block in blocks(ROOT / name) if block.language != "python"]
    for text in [*texts, *codes(ROOT / name)]:
        for found in COMMAND.finditer(textwrap.dedent(text)):
            yield found[1], found[2]


@pytest.mark.parametrize("name", NAMES)
def test_commands_and_options_exist(name: str) -> None:
    assert [found for command in named(name) if (found := problem(*command))] == []


@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        ("scones", "nonesuch"),
        ("scones", "up --nonesuch"),
        ("make", "nonesuch"),
        ("python", "-m scones.nonesuch"),
        ("python", "docs/nonesuch.py"),
    ],
)
def test_a_document_with_an_unknown_command_is_detected(program: str, arguments: str) -> None:
    assert problem(program, arguments)


def test_commands_are_found_in_blocks() -> None:
    assert ("scones", "up --detach") in set(named("README.md"))


@pytest.mark.parametrize("name", sorted(commands.commands))
def test_each_command_is_in_the_reference(name: str) -> None:
    command: click.Command = commands.commands[name]
    assert command.callback
    origin = f"{command.callback.__module__}:{command.callback.__name__}"
    page = (ROOT / "docs/reference/commands.md").read_text(encoding="utf-8")
    assert f"## scones {name}\n\n```{{eval-rst}}\n.. command:: {origin}\n   :prog: scones {name}\n```\n" in page


@pytest.mark.parametrize("name", [*NAMES, *(str(path.relative_to(ROOT)) for path in ROOT.glob("examples/*.py"))])
def test_scones_is_installed_from_a_clone_because_there_is_no_release(name: str) -> None:
    assert not re.search(r"pip install [^\n`]*['\" ]scones\[", (ROOT / name).read_text(encoding="utf-8"))
