"""The regular expressions of botocore's service models, matched in linear time.

They are written in Java's dialect, for a backtracking engine, in which SageMaker's RepositoryUrl,
`https://([.\\-_a-zA-Z0-9]+/?){3,1016}`, takes exponential time. RE2 takes linear time for every expression and text. It
supports most of the dialect; `_translated` rewrites the rest, and `REWRITTEN` replaces expressions with lookaround.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import re2


@dataclass(frozen=True, slots=True)
class RewrittenPattern:
    """Expressions for RE2: a value fits if it matches each of `every` completely and does not match `none`."""

    every: tuple[str, ...]
    none: str | None = None


def _all(*every: str) -> RewrittenPattern:
    return RewrittenPattern(every)


NOT_BLANK = _all(r".*[^\s\v].*")
NOT_A_NUMBER = _all(r"[a-zA-Z0-9-_]*[a-zA-Z-_][a-zA-Z0-9-_]*")
NAME = r"[a-zA-Z0-9]([a-zA-Z0-9\-]{0,61}[a-zA-Z0-9])?"
SAGEMAKER_ARN = r"(arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]*:[0-9]{12}:[a-z\-]*/)?"
LABEL = r"[a-zA-Z0-9]([a-zA-Z0-9\-]{0,61}[a-zA-Z0-9])?"

REWRITTEN: dict[str, RewrittenPattern] = {
    # IAM
    r"^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$": _all("[a-z0-9-]{3,63}", "[a-z0-9]+(-[a-z0-9]+)*"),
    # Lambda
    r"(?!^[0-9]+$)([a-zA-Z0-9-_]+)": NOT_A_NUMBER,
    r"((?!^\d+$)^[0-9a-zA-Z-_]+$)": NOT_A_NUMBER,
    r"(^(?!(system\x2e)))(^[_a-zA-Z0-9])([^$]*)": RewrittenPattern(("[_a-zA-Z0-9][^$]*",), r"(?s)system\..*"),
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?"
    r"([a-zA-Z0-9-_]{1,64})(:((?!\d+$)[0-9a-zA-Z-_]+))?": _all(
        r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?"
        rf"(function:)?([a-zA-Z0-9-_]{{1,64}})(:{NOT_A_NUMBER.every[0]})?"
    ),
    r"[0-9A-Za-z\.\-_]*(?<!\.)": _all(r"([0-9A-Za-z.\-_]*[0-9A-Za-z\-_])?"),
    # SageMaker
    r"(arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]*:[0-9]{12}:[a-z\-]*/)?([a-zA-Z0-9]([a-zA-Z0-9\-]){0,62})(?<!-)": _all(
        SAGEMAKER_ARN + NAME
    ),
    r"(arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]*:[0-9]{12}:[a-z\-]*\/)?([a-zA-Z0-9]([a-zA-Z0-9-]){0,62})(?<!-)": _all(
        SAGEMAKER_ARN + NAME
    ),
    r"(arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]*:[0-9]{12}:[a-z\-]*\/)?([a-zA-Z0-9]([a-zA-Z0-9-]){0,62})(?<!-)"
    r"(\/[0-9]{1,9})?": _all(SAGEMAKER_ARN + NAME + "(/[0-9]{1,9})?"),
    r"(?!\s*$).+": NOT_BLANK,
    r"(?=.{1,256}$)arn:aws[a-z\-]*:cloudformation:[a-z0-9\-]*:[0-9]{12}:stack/[a-zA-Z][a-zA-Z0-9-]{0,127}/.*": _all(
        ".{1,256}", r"arn:aws[a-z\-]*:cloudformation:[a-z0-9\-]*:[0-9]{12}:stack/[a-zA-Z][a-zA-Z0-9-]{0,127}/.*"
    ),
    r"(?=.{1,32}$)[a-zA-Z0-9](-*[a-zA-Z0-9])*": _all(".{1,32}", "[a-zA-Z0-9](-*[a-zA-Z0-9])*"),
    r"(?=.{1,1024}$)(https)://([^/]+)/(.+)": _all(".{1,1024}", "https://[^/]+/.+"),
    r"(?=.{1,255}$)([a-zA-Z0-9]([a-zA-Z0-9\-]{0,61}[a-zA-Z0-9])?)(\.[a-zA-Z0-9]([a-zA-Z0-9\-]{0,61}[a-zA-Z0-9])?)*": (
        _all(".{1,255}", rf"{LABEL}(\.{LABEL})*")
    ),
    r"/(?!.*\.\.)[a-zA-Z0-9/_.\-]+": _all("/.+", r"/(\.?[a-zA-Z0-9/_\-])*\.?"),
    r"(?!^[.-])^([a-zA-Z0-9-_.]+)": _all("[a-zA-Z0-9_][a-zA-Z0-9-_.]*"),
    # Three or more times, without consecutive slashes; the upper bound is more than half of the longest value's length.
    r"https://([.\-_a-zA-Z0-9]+/?){3,1016}": _all(r"https://[.\-_a-zA-Z0-9](/?[.\-_a-zA-Z0-9]){2,}/?"),
    # RE2 allows repetition counts up to 1,000.
    r"arn:aws[a-z\-]*:iam::[0-9]{12}:role/[\w+=,.@\-/]{1,1017}": _all(
        r"arn:aws[a-z\-]*:iam::[0-9]{12}:role/[\w+=,.@\-/]{1,1000}[\w+=,.@\-/]{0,17}"
    ),
    r"arn:[-.a-z0-9]{1,63}:codewhisperer:([-.a-z0-9]{0,63}:){2}([a-zA-Z0-9-_:/]){1,1023}": _all(
        r"arn:[-.a-z0-9]{1,63}:codewhisperer:([-.a-z0-9]{0,63}:){2}[a-zA-Z0-9-_:/]{1,1000}[a-zA-Z0-9-_:/]{0,23}"
    ),
    # SageMaker Runtime
    r"^(?!.*\..*\.)[a-zA-Z0-9][a-zA-Z0-9-_\.]*$": _all(r"[a-zA-Z0-9][a-zA-Z0-9-_]*(\.[a-zA-Z0-9-_]*)?"),
    r"^(?!s3:|https:)[a-zA-Z0-9!_.*'()/-]+$": _all(r"[a-zA-Z0-9!_.*'()/-]+"),  # no colons in any case
    # Step Functions
    r"^(?=.*[a-zA-Z_\-\.])[a-zA-Z0-9_\-\.]+$": _all(r"[a-zA-Z0-9_\-.]*[a-zA-Z_\-.][a-zA-Z0-9_\-.]*"),
    # EventBridge
    r"^(?!\s*$).+": NOT_BLANK,
    # EventBridge Scheduler
    r"(?=[/\.\-_A-Za-z0-9]+)((?!aws\.).*)|(\$(\.[\w_-]+(\[(\d+|\*)\])*)*)": RewrittenPattern(
        (r"[/.\-_A-Za-z0-9].*|\$(\.[\w-]+(\[(\d+|\*)\])*)*",), r"aws\..*"
    ),
}
"""Equivalent conditions for expressions with lookaround or with repetition counts too large for RE2."""

_CLASSES = {"Alnum": "0-9A-Za-z", "ASCII": r"\x00-\x7f", "Print": r"\x20-\x7e"}
"""Ranges for Java's character classes; RE2 has names for them only inside brackets."""
_DIALECT = re.compile(
    r"\\u(?P<high>[Dd][89ABab][0-9A-Fa-f]{2})\\u(?P<low>[Dd][C-Fc-f][0-9A-Fa-f]{2})"
    r"|\\u(?P<unit>[0-9A-Fa-f]{4})"
    r"|\[\\p\{(?P<alone>Alnum|ASCII|Print)\}\]|\\p\{(?P<kind>Alnum|ASCII|Print)\}"
    r"|\{(?P<least>\d+),(?P<most>\d{4,})\}"
    r"|\[\\S\\s\]|\[\\s\\S\]|\[\\S\]|\\[sS]"
    r"|\\.",
    re.DOTALL,
)


class ModelPattern:
    """One regular expression of a model."""

    __slots__ = ("_expressions", "_none")

    def __init__(self, pattern: str) -> None:
        condition = REWRITTEN.get(pattern) or _all(pattern)
        self._expressions = [_Expression(_translated(each)) for each in condition.every]
        self._none = _Expression(condition.none) if condition.none else None

    def fits(self, value: str) -> bool:
        """Return True if the entire value matches; takes time linear in its length."""
        text = _encoded(value)
        return all(each.matches(text) for each in self._expressions) and not (self._none and self._none.matches(text))


class _Expression:
    """An RE2 expression that must match an entire text.

    A set of one expression is three times as fast as the expression, but returns False if its automaton exceeds the
    memory limit; the expression itself then simulates the automaton.
    """

    __slots__ = ("_options", "_set", "_text")

    def __init__(self, text: str) -> None:
        self._text, self._options = text, _options()
        self._set = re2.Set.FullMatchSet(self._options)
        self._set.Add(text)
        self._set.Compile()

    def matches(self, text: bytes) -> bool:
        return bool(self._set.Match(text)) or re2.fullmatch(self._text.encode(), text, self._options) is not None


@cache
def model_pattern(pattern: str) -> ModelPattern:
    """Return a compiled expression of a model."""
    return ModelPattern(pattern)


def _options() -> re2.Options:
    options = re2.Options()
    options.never_capture = True
    options.log_errors = False
    return options


def _encoded(value: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError:  # unpaired surrogate, which UTF-8 cannot encode
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def _translated(pattern: str) -> str:
    """Rewrite Java's syntax that RE2 lacks in RE2's dialect."""
    return "(?s).*" if pattern == ".*" else _DIALECT.sub(_replacement, pattern)


def _replacement(found: re.Match[str]) -> str:
    if found["high"]:  # a surrogate pair is one character
        return rf"\x{{{0x10000 + (int(found['high'], 16) - 0xD800) * 0x400 + int(found['low'], 16) - 0xDC00:x}}}"
    if found["unit"]:
        return rf"\x{{{found['unit']}}}"
    if found["alone"]:
        return f"[{_CLASSES[found['alone']]}]"
    if found["kind"]:
        return _CLASSES[found["kind"]] if _in_brackets(found) else f"[{_CLASSES[found['kind']]}]"
    if found["most"]:  # above RE2's limit; the value's length has the same bound and is checked separately
        return f"{{{found['least']},}}"
    if found[0] in (r"[\S\s]", r"[\s\S]"):
        return "(?s:.)"
    if found[0] == r"\s":
        return r"\s\v" if _in_brackets(found) else r"[\s\v]"
    if found[0] in (r"\S", r"[\S]"):
        return r"[^\s\v]"
    return found[0]


def _in_brackets(found: re.Match[str]) -> bool:
    before = found.string[: found.start()]
    return before.rfind("[") > before.rfind("]")
