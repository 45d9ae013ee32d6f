"""Runs every rule on every choice of parameters: `check.py` prints what is wrong and ends with 1 if anything is."""

import sys

import flow  # noqa: F401  each of these adds its rules
import grants  # noqa: F401
import hosts  # noqa: F401
import safety  # noqa: F401
import scaling  # noqa: F401
import tasks  # noqa: F401
import watch  # noqa: F401
from rules import RULES
from templates import CHOICES, deployments


def findings(templates=None, first=False):
    """What is wrong, each with the rule that says so. What cannot be worked out is wrong too: it raises."""
    said = []
    for name, deployment in deployments(templates):
        for rule in RULES:
            for finding in rule(deployment):
                said.append((rule.__name__, f"{name}: {finding}"))
                if first:
                    return said
    return said


if __name__ == "__main__":
    wrong = findings()
    for rule, finding in wrong:
        print(f"{rule.replace('_', ' ')}\n  {finding}")
    print(f"infra: {len(RULES)} rules on {len(CHOICES)} choices of parameters, {len(wrong)} findings")
    sys.exit(bool(wrong))
