"""Who may do what, by the rules of IAM: an explicit deny beats an allow, and what nothing allows is denied.

Covers what our policies say. An operator of a condition that is not known here raises, so that nothing is taken for granted
that was not looked at. Source: IAM User Guide, "Policy evaluation logic" and "IAM JSON policy elements: Condition operators".
"""

import fnmatch
import functools
import re


class Unknown(Exception):
    """A policy says something that is not understood here."""


def listed(value) -> list:
    return value if isinstance(value, list) else [value]


@functools.cache
def _compiled(pattern: str) -> re.Pattern:
    return re.compile(fnmatch.translate(pattern.replace("[", "[[]")))


def like(pattern: str, text: str) -> bool:
    pattern, text = str(pattern), str(text)
    if "*" not in pattern and "?" not in pattern:
        return pattern == text
    return _compiled(pattern).match(text) is not None


def _principal(statement: dict, principal: str | None) -> bool:
    """`principal` is "*", "service:NAME" or an ARN; None for a policy that is attached to whoever asks."""
    if "Principal" not in statement:
        return principal is None
    said = statement["Principal"]
    if said == "*":
        return True
    if not isinstance(said, dict):
        raise Unknown(f"principal {said}")
    for kind, names in said.items():
        if kind not in ("Service", "AWS"):
            raise Unknown(f"principal {kind}")
        for name in listed(names):
            if name == "*" or (f"service:{name}" if kind == "Service" else name) == principal:
                return True
    return False


def _condition(condition: dict, context: dict) -> bool:
    for operator, tests in condition.items():
        for key, wanted in tests.items():
            wanted, given = [str(one) for one in listed(wanted)], context.get(key)
            if operator == "Null":
                fits = (given is None) == (wanted == ["true"])
            elif operator in ("StringEquals", "ArnEquals", "ArnLike", "StringLike"):
                fits = given is not None and any(one == given if operator == "StringEquals" else like(one, given) for one in wanted)
            elif operator == "StringNotEquals":
                fits = given is None or all(one != given for one in wanted)
            elif operator == "Bool":
                fits = given is not None and str(given) in wanted
            else:
                raise Unknown(f"condition {operator}")
            if not fits:
                return False
    return True


def decide(policy: dict, action: str, resource: str, principal: str | None = None, context: dict | None = None) -> str:
    """"allow", "deny", or "" where the policy says nothing about it."""
    answer = ""
    if policy.get("Version") != "2012-10-17":
        raise Unknown(f"version {policy.get('Version')}: variables and newer conditions would not count")
    for statement in listed(policy["Statement"]):
        for element in statement:
            if element not in ("Sid", "Effect", "Principal", "Action", "Resource", "Condition"):
                raise Unknown(f"element {element}")
        if not all(element in statement for element in ("Effect", "Action")):
            raise Unknown("a statement without an effect or an action")
        if statement["Effect"] not in ("Allow", "Deny"):
            raise Unknown(f"effect {statement['Effect']}")
        if "Resource" not in statement and listed(statement["Action"]) != ["sts:AssumeRole"]:
            raise Unknown("a statement without a resource")
        if not any(like(one.lower(), action.lower()) for one in listed(statement["Action"])):
            continue
        if "Resource" in statement and not any(like(one, resource) for one in listed(statement["Resource"])):
            continue
        if not _principal(statement, principal) or not _condition(statement.get("Condition", {}), context or {}):
            continue
        if statement["Effect"] == "Deny":
            return "deny"
        answer = "allow"
    return answer


def may(policy: dict, action: str, resource: str, principal: str | None = None, context: dict | None = None) -> bool:
    return decide(policy, action, resource, principal, context) == "allow"
