"""The regular expressions of botocore's models: RE2 accepts the same values as a backtracking engine."""

from __future__ import annotations

import random
import re
import time
import warnings
from collections.abc import Iterator
from re import _constants as kinds  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import pytest
import regex
from botocore.exceptions import ClientError

from scones.cloud.all_services import all_services
from scones.cloud.wire.model import service_model
from scones.cloud.wire.model_patterns import REWRITTEN, model_pattern

LETTERS = "aZ09-_./:*+=@,() \t\n\v$sé漢\U0001f600"


def patterns() -> dict[str, list[Any]]:
    """Return the shapes of all services, by their regular expression."""
    found: dict[str, list[Any]] = {}
    for service in all_services():
        model = service_model(service.name)
        for name in model.shape_names:
            shape = model.shape_for(name)
            if pattern := shape.metadata.get("pattern"):
                found.setdefault(pattern, []).append(shape)
    return found


PATTERNS = patterns()
ATHENA = r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\t]*"


def readable(pattern: str) -> str:
    """Return an expression that Python's parser accepts, for `example`; letter classes become a few letters."""
    simple = re.sub(
        r"\\u([0-9A-Fa-f]{4})", lambda unit: re.escape(chr(int(unit[1], 16))), pattern.replace(*SUPPLEMENTARY)
    )
    simple = re.sub(r"\\[pP]\{\w+\}", lambda kind: "a-zé" if in_brackets(kind) else "[a-zé]", simple)
    simple = re.sub(r"(\\[wds]|é)-", r"\1\-", simple)  # a range cannot start with a class
    return simple.replace(r"\z", r"\Z").replace("]*)$", "]*)")


SUPPLEMENTARY = (r"\uD800\uDC00-\uDBFF\uDFFF", "\U00010000-\U0010ffff")
ASCII_CLASSES = {
    r"\d": "0-9",
    r"\w": "a-zA-Z0-9_",
    r"\s": r" \t\n\x0b\f\r",
    r"\p{Alnum}": "a-zA-Z0-9",
    r"\p{ASCII}": r"\x00-\x7f",
    r"\p{Print}": r"\x20-\x7e",
}
"""Classes that match only ASCII in Java, but all of Unicode in Python's engines."""


def java(pattern: str) -> str:
    """Return a model's expression for the package `regex`, with Java's meaning of surrogate pairs and class names."""

    def spelled(found: re.Match[str]) -> str:
        if found[0] in (r"[\S\s]", r"[\s\S]"):
            return "(?s:.)"
        if found[0] in (r"\S", r"[\S]"):
            return r"[^ \t\n\x0b\f\r]"
        members = ASCII_CLASSES.get(found[0])
        return found[0] if members is None else members if in_brackets(found) else f"[{members}]"

    text = pattern.replace(*SUPPLEMENTARY)
    return re.sub(r"\[\\S\\s\]|\[\\s\\S\]|\[\\S\]|\\p\{\w+\}|\\.", spelled, text, flags=re.DOTALL).replace(
        "_-_", r"_\-_"
    )


def in_brackets(found: re.Match[str]) -> bool:
    before = re.sub(r"\\.", "", found.string[: found.start()])  # without escaped brackets
    return before.rfind("[") > before.rfind("]")


def example(tree: Any, rng: random.Random) -> str:
    """Return a text that an expression matches; lookaheads are ignored."""
    return "".join(_piece(kind, value, rng) for kind, value in tree)


def _piece(kind: Any, value: Any, rng: random.Random) -> str:
    if kind is kinds.LITERAL:
        return chr(value)
    if kind in (kinds.ANY, kinds.NOT_LITERAL):
        return rng.choice(LETTERS)
    if kind is kinds.IN:
        return _member(value, rng)
    if kind is kinds.BRANCH:
        return example(rng.choice(value[1]), rng)
    if kind is kinds.SUBPATTERN:
        return example(value[-1], rng)
    if kind in (kinds.MAX_REPEAT, kinds.MIN_REPEAT):
        least, most, inner = value
        return "".join(example(inner, rng) for _ in range(rng.randint(least, min(int(most), least + 4))))
    return ""


def _member(choices: Any, rng: random.Random) -> str:
    kind, value = rng.choice(choices)
    if kind is kinds.RANGE:
        return chr(rng.randint(*value))
    if kind is kinds.LITERAL:
        return chr(value)
    return rng.choice(LETTERS)


def tree_of(pattern: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return parser.parse(readable(pattern))


def texts(pattern: str, rng: random.Random) -> Iterator[str]:
    tree = tree_of(pattern)
    yield ""
    for _ in range(25):
        text = example(tree, rng)
        yield text
        for _ in range(3):
            begin = rng.randint(0, len(text))
            middle = rng.choice(["", rng.choice(LETTERS), text[max(0, begin - 1) : begin]])
            text = text[:begin] + middle + text[begin + rng.randint(0, 1) :]
            yield text


def test_every_expression_accepts_what_a_backtracking_engine_accepts() -> None:
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    rng = random.Random(seed)
    for pattern in PATTERNS:
        reference = regex.compile(java(pattern), regex.DOTALL if pattern == ".*" else 0)
        for text in texts(pattern, rng):
            try:
                expected = reference.fullmatch(text, timeout=0.2) is not None
            except TimeoutError:
                continue
            assert model_pattern(pattern).fits(text) == expected, (pattern, text)


def test_no_pattern_takes_long_for_a_hostile_text() -> None:
    rng = random.Random(13)
    begin = time.monotonic()
    for pattern in PATTERNS:
        tree = tree_of(pattern)
        for _ in range(5):
            text = example(tree, rng) or "a"
            at = rng.randrange(len(text))
            repeated = text[:at] + text[at : at + rng.randint(1, 4)] * 5000
            model_pattern(pattern).fits(repeated + rng.choice(["", "!", "\n", text[at:]]))
    assert time.monotonic() - begin < 60


def test_bounds_that_re2_cannot_count_are_those_of_the_length() -> None:
    """RE2 counts up to 1,000; `model_pattern` omits higher bounds, so the length check must imply them."""
    kept = PATTERNS.keys() - REWRITTEN.keys()
    bounds = [(pattern, int(most)) for pattern in kept for most in re.findall(r"\{\d+,(\d{4,})\}", pattern)]
    assert bounds
    for pattern, most in bounds:
        before = {"https://": 8, "[a-zA-Z_": 1}.get(pattern[:8], 0)
        assert all(shape.metadata["max"] <= most + before for shape in PATTERNS[pattern]), pattern


def test_every_rewritten_pattern_is_in_a_model() -> None:
    assert REWRITTEN.keys() <= PATTERNS.keys()


def test_half_of_a_surrogate_pair_is_an_unknown_character() -> None:
    assert model_pattern(r"\S+").fits("a\ud800")
    assert not model_pattern("[a-z]+").fits("a\ud800")


def test_an_address_that_would_block_a_backtracking_engine_is_rejected(cloud: Any) -> None:
    url = "https://github.com/organization/repository-name?ref=main"
    with pytest.raises(ClientError) as caught:
        cloud.client("sagemaker").create_domain(
            DomainName="d",
            AuthMode="IAM",
            VpcId="vpc-1",
            SubnetIds=["subnet-1"],
            DefaultUserSettings={
                "ExecutionRole": "arn:aws:iam::111122223333:role/r",
                "JupyterLabAppSettings": {"CodeRepositories": [{"RepositoryUrl": url}]},
            },
        )
    assert f"Value '{url}' at" in caught.value.response["Error"]["Message"]
    assert "Member must satisfy regular expression pattern: https://(" in caught.value.response["Error"]["Message"]


@pytest.mark.parametrize(("database", "fits"), [("größe \U0001f600", True), ("\x00", False)])
def test_an_expression_with_surrogate_pairs(database: str, fits: bool) -> None:
    (pattern,) = {shape.metadata["pattern"] for shape in PATTERNS[ATHENA] if shape.name == "AthenaCatalog"}
    assert model_pattern(pattern).fits(database) is fits


def test_an_error_message_shows_the_beginning_of_a_large_value(cloud: Any) -> None:
    with pytest.raises(ClientError) as caught:
        cloud.client("events", parameter_validation=False).put_rule(Name="n" * 1_000_000, ScheduleExpression="x")
    message = caught.value.response["Error"]["Message"]
    assert "Value 'nnn" in message
    assert len(message) < 20_000


def test_an_error_message_names_the_first_of_many_invalid_members(cloud: Any) -> None:
    tags = [{"Key": "!" * 200, "Value": ""}] * 5000
    with pytest.raises(ClientError) as caught:
        cloud.client("events", parameter_validation=False).put_rule(Name="n", ScheduleExpression="x", Tags=tags)
    assert len(caught.value.response["Error"]["Message"]) < 200_000


@pytest.mark.parametrize("pattern", [r"[\S\s]*", r"[\s\S]*"])
@pytest.mark.parametrize("value", ["", "b", "a b", "\n", "\v", "é\0😀"])
def test_a_class_of_all_characters(pattern: str, value: str) -> None:
    assert model_pattern(pattern).fits(value)
