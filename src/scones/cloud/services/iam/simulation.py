"""The policy simulator."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product

from scones.cloud.core.body_threads import on_body_thread
from scones.cloud.core.time_slices import sliced_on_thread
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.iam.errors import invalid_input
from scones.cloud.services.iam.pages import list_page
from scones.cloud.services.iam.policy_documents import check_identity_policy
from scones.cloud.services.iam.policy_evaluation import Decision, Policies
from scones.cloud.services.iam.policy_statements import PolicySource
from scones.cloud.services.iam.policy_text import Context
from scones.cloud.services.iam.principals import Principals
from scones.cloud.wire.members import Members

REFUSED = dict.fromkeys(("ResourcePolicy", "ResourceOwner", "ResourceHandlingOption"), "")
"""Parameters of both simulations for features that the simulator does not have."""
MAX_DECISIONS = 10_000
"""Maximum number of pairs of an action and a resource."""
_ACTION = re.compile(r"[a-zA-Z0-9-]+:[a-zA-Z0-9]+")


class SimulationOperations:
    """Operations that evaluate policies, and list the context keys that policies use."""

    def __init__(self, principals: Principals) -> None:
        self._principals = principals

    async def simulate_principal_policy(self, call: OperationCall) -> Members:
        """Evaluate the policies of a user, group or role, and further ones of the request."""
        params = call.params
        principal = self._principals.at(params["PolicySourceArn"])
        policies = [*principal.policies, *_inputs(params, "PolicyInputList")]
        caller = params.get("CallerArn", params["PolicySourceArn"])
        boundary = _inputs(params, "PermissionsBoundaryPolicyInputList") or principal.boundary
        return await _results(policies, boundary, params, _context(params, caller))

    async def simulate_custom_policy(self, call: OperationCall) -> Members:
        """Evaluate the policies of the request."""
        params = call.params
        boundary = _inputs(params, "PermissionsBoundaryPolicyInputList")
        context = _context(params, params.get("CallerArn"))
        return await _results(_inputs(params, "PolicyInputList"), boundary, params, context)

    async def get_context_keys_for_principal_policy(self, call: OperationCall) -> Members:
        """List the context keys that the policies of a user, group or role use, and further ones of the request."""
        policies = self._principals.at(call.params["PolicySourceArn"]).policies
        return {"ContextKeyNames": Policies([*policies, *_inputs(call.params, "PolicyInputList")]).context_keys()}

    async def get_context_keys_for_custom_policy(self, call: OperationCall) -> Members:
        """List the context keys that the policies of the request use."""
        return {"ContextKeyNames": Policies(_inputs(call.params, "PolicyInputList")).context_keys()}


def _inputs(params: Members, member: str) -> list[PolicySource]:
    """Return the policies of a parameter; raises `ServiceError` (InvalidInput) for a malformed one."""
    found = []
    for number, document in enumerate(params.get(member, []), 1):
        try:
            check_identity_policy(document)
        except ServiceError as error:  # AWS's words are not known
            raise invalid_input(error.message) from error
        found.append(PolicySource(f"{member}.{number}", document))
    return found


def _context(params: Members, caller: str | None) -> Context:
    """Return the context of a request: what the caller's ARN says, and the entries that the request gives."""
    context: dict[str, Sequence[str]] = {}
    if caller is not None:
        context["aws:principalarn"] = [caller]
        if ":user/" in caller:
            context["aws:username"] = [caller.rpartition("/")[2]]
    for entry in params.get("ContextEntries", []):
        if "ContextKeyName" in entry:
            context[entry["ContextKeyName"].lower()] = entry.get("ContextKeyValues", [])
    return context


async def _results(
    identity: Sequence[PolicySource], boundary: Sequence[PolicySource], params: Members, context: Context
) -> Members:
    """Return a page of decisions; a thread makes them, because policies and lists may be long."""
    actions, resources = params["ActionNames"], params.get("ResourceArns") or ["*"]
    for action in actions:
        if not _ACTION.fullmatch(action):
            raise invalid_input(f"Invalid Action Name: {action}")  # AWS's words are not known
    if len(actions) * len(resources) > MAX_DECISIONS:
        raise invalid_input(f"The local cloud makes up to {MAX_DECISIONS} decisions per simulation.")
    asked = list_page("EvaluationResults", list(product(actions, resources)), params)

    def decide() -> list[Members]:
        policies, limits = Policies(identity), Policies(boundary) if boundary else None
        shown = sliced_on_thread(asked["EvaluationResults"])
        return [_result(policies, limits, action, resource, context) for action, resource in shown]

    return {**asked, "EvaluationResults": await on_body_thread(decide)}


def _result(policies: Policies, limits: Policies | None, action: str, resource: str, context: Context) -> Members:
    decision, bounded = policies.decide(action, resource, context), None
    if limits is not None:
        limit = limits.decide(action, resource, context)
        bounded = {"PermissionsBoundaryDecisionDetail": {"AllowedByPermissionsBoundary": limit.word == "allowed"}}
        decision = _limited(decision, limit)
    missing = {"MissingContextValues": decision.missing}
    result: Members = {
        "EvalActionName": action,
        "EvalResourceName": resource,
        "EvalDecision": decision.word,
        "MatchedStatements": decision.statements,
        **(bounded or {}),
    }
    if resource == "*":
        return {**result, **missing}
    specific = {
        "EvalResourceName": resource,
        "EvalResourceDecision": decision.word,
        "MatchedStatements": decision.statements,
        **missing,
        **(bounded or {}),
    }
    return {**result, "MissingContextValues": [], "EvalDecisionDetails": {}, "ResourceSpecificResults": [specific]}


def _limited(decision: Decision, limit: Decision) -> Decision:
    """Return the decision of policies that a permissions boundary limits."""
    missing = list(dict.fromkeys([*decision.missing, *limit.missing]))
    if limit.word == "allowed" or decision.word == "explicitDeny":
        return Decision(decision.word, decision.statements, missing)
    statements = limit.statements if limit.word == "explicitDeny" else []
    return Decision(limit.word, statements, missing)
