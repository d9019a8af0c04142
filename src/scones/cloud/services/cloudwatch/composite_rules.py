"""Rules of composite alarms: `ALARM(a) OR (OK("b") AND NOT INSUFFICIENT_DATA(c))`."""

from __future__ import annotations

import re
from collections.abc import Callable

from scones.cloud.services.cloudwatch.errors import validation_error

States = Callable[[str], str | None]
"""Function that returns the state of an alarm by name, or None if it does not exist."""
MAX_DEPTH = 50
MAX_LENGTH = 10_240
"""Maximum length of a rule: API reference, "PutCompositeAlarm"."""
_TOKEN = re.compile(
    r'\s*(?:(AND|OR|NOT|TRUE|FALSE)\b|(ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"([^"]*)"|([^)\s"]+))\s*\)|([()]))'
)


class CompositeRule:
    """A parsed rule. NOT binds most, then AND, then OR."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.alarms: list[str] = []
        """Names of the alarms in the rule, in order."""
        self._tokens = self._split()
        self._at = 0
        self._holds = self._any(0)
        if self._at < len(self._tokens):
            raise self._error()

    def holds(self, states: States) -> bool:
        """Return True if the rule holds for the states of alarms."""
        return self._holds(states)

    def _split(self) -> list[tuple[str, str]]:
        found, at, text = [], 0, self._text.rstrip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise self._error()
            if match[2]:
                name = (match[3] if match[3] is not None else match[4]).partition(":alarm:")
                alarm = name[2] or name[0]
                self.alarms.append(alarm)
                found.append((match[2], alarm))
            else:
                found.append((match[1] or match[5], ""))
            at = match.end()
        return found

    def _any(self, depth: int) -> Callable[[States], bool]:
        parts = [self._all(depth)]
        while self._accept("OR"):
            parts.append(self._all(depth))
        return lambda states: any(part(states) for part in parts)

    def _all(self, depth: int) -> Callable[[States], bool]:
        parts = [self._single(depth)]
        while self._accept("AND"):
            parts.append(self._single(depth))
        return lambda states: all(part(states) for part in parts)

    def _single(self, depth: int) -> Callable[[States], bool]:
        if depth > MAX_DEPTH or self._at >= len(self._tokens):
            raise self._error()
        if self._accept("NOT"):
            inner = self._single(depth + 1)
            return lambda states: not inner(states)
        if self._accept("("):
            inner = self._any(depth + 1)
            if not self._accept(")"):
                raise self._error()
            return inner
        kind, alarm = self._tokens[self._at]
        self._at += 1
        if kind in ("TRUE", "FALSE"):
            return lambda states: kind == "TRUE"  # noqa: ARG005
        if not alarm:
            raise self._error()
        return lambda states: states(alarm) == kind

    def _accept(self, kind: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at][0] == kind:
            self._at += 1
            return True
        return False

    def _error(self) -> Exception:
        return validation_error(f"Invalid AlarmRule: {self._text[:200]}")  # AWS's words are not known
