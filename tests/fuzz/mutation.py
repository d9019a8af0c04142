"""Changes that make a tree of parameters malformed."""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Iterator
from typing import Any

from .oddities import KINDS, NUMBERS, TEXTS, nested

Location = tuple[Any, Any]
"""A dict or list of the tree, and a key or index in it."""


def mutate(tree: dict[str, Any], rng: random.Random) -> None:
    """Change a few values of a tree in place."""
    for _ in range(rng.choice((1, 1, 1, 1, 2, 3))):
        locations = list(_locations(tree))
        if not locations or rng.random() < 0.03:
            tree[rng.choice(("x", "", "Name", "²", "NextToken"))] = odd(rng)
            continue
        within, at = rng.choice(locations)
        _change(within, at, rng)


def odd(rng: random.Random) -> Any:
    """Return a value that is unusual for any parameter."""
    chance = rng.random()
    if chance < 0.5:
        return rng.choice(TEXTS)
    if chance < 0.8:
        return rng.choice(NUMBERS)
    if chance < 0.97:
        return json.loads(json.dumps(rng.choice(KINDS)))
    return nested(rng.choice((30, 150, 300)), as_list=rng.random() < 0.5)


def _locations(tree: Any) -> Iterator[Location]:
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield tree, key
        yield from _locations(value)


def _change(within: Any, at: Any, rng: random.Random) -> None:
    value = within[at]
    chance = rng.random()
    if chance < 0.12:
        del within[at]
    elif chance < 0.18:
        within[at] = None
    elif isinstance(value, str) and chance < 0.7:
        within[at] = _changed_text(value, rng)
    elif isinstance(value, bool | int | float) and chance < 0.7:
        within[at] = rng.choice(NUMBERS)
    elif isinstance(value, bytes):
        within[at] = _changed_bytes(value, rng)
    elif isinstance(value, list) and value and chance < 0.5:
        within[at] = value * rng.choice((2, 11, 120)) if rng.random() < 0.7 else []
    elif isinstance(value, dict) and chance < 0.5:
        within[at] = {} if rng.random() < 0.5 else {**value, rng.choice(TEXTS[:40]): odd(rng)}
    else:
        within[at] = odd(rng)


def _changed_text(text: str, rng: random.Random) -> str:
    if text[:1] in ("{", "[") and rng.random() < 0.85:
        with contextlib.suppress(ValueError, RecursionError):
            document = {"": json.loads(text)}
            mutate(document, rng)
            return json.dumps(document.get("", rng.choice(TEXTS)))
    if rng.random() < 0.6 or not text:
        return rng.choice(TEXTS)
    at = rng.randrange(len(text))
    changes = (
        text[:at],
        text[at:],
        text[:at] + rng.choice(TEXTS[:40]) + text[at:],
        text * 2,
        text.upper(),
        text + " ",
        text[::-1],
        text + ":",
        text + "/",
        text + rng.choice(TEXTS),
        text.replace(":", "", 1),
        text.replace("/", "//"),
    )
    return rng.choice(changes)


def _changed_bytes(content: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(content)) if content else 0
    return rng.choice(
        (b"", b"\xff", content[:at], content[at:], content + b"x", content[:at] + b"\0" + content[at + 1 :])
    )
