"""Evaluation of policies: IAM User Guide, "How AWS enforcement code logic evaluates requests to allow or deny access".

It covers the policies of one account: identity policies and permissions boundaries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scones.cloud.services.iam.policy_statements import PolicySource, Statement
from scones.cloud.services.iam.policy_text import Context
from scones.cloud.wire.members import Members


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision about an action on a resource."""

    word: str
    """allowed, explicitDeny or implicitDeny."""
    statements: list[Members]
    """Descriptions of the statements that decided; none for implicitDeny."""
    missing: list[str]
    """Context keys that conditions needed and that have no value."""


class Policies:
    """Policies that are evaluated together."""

    def __init__(self, sources: Sequence[PolicySource]) -> None:
        self._statements = [statement for source in sources for statement in source.statements()]

    def context_keys(self) -> list[str]:
        """Return the context keys that the policies use, each once."""
        keys = (key for statement in self._statements for key in statement.context_keys())
        return list({key.lower(): key for key in keys}.values())

    def decide(self, action: str, resource: str, context: Context) -> Decision:
        """Return the decision of these policies; a statement that denies an action takes precedence."""
        covering = [each for each in self._statements if each.covers(action, resource, context)]
        missing = {
            condition.key: None for each in covering for condition in each.conditions if condition.is_missing(context)
        }
        for effect, word in (("Deny", "explicitDeny"), ("Allow", "allowed")):
            decisive = [each.match for each in covering if each.effect == effect and _holds(each, context)]
            if decisive:
                return Decision(word, decisive, list(missing))
        return Decision("implicitDeny", [], list(missing))


def _holds(statement: Statement, context: Context) -> bool:
    return all(condition.holds(context) for condition in statement.conditions)
