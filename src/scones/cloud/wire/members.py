"""The types of parameters and output members."""

from __future__ import annotations

from typing import Any

MemberValue = Any
"""A value of a member, a list item or a map value. Its shape in the service model gives the type, unknown to mypy."""
Members = dict[str, MemberValue]
"""The members of a structure by name: the parameters or the output of an operation."""
