"""What a rule is: a function that looks at a deployment and says what is wrong with it. Its docstring is its reason."""

import functools
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from templates import Deployment

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
CONTRACT = json.loads((HERE / "contract.json").read_text())
SERVICES = list(CONTRACT["environment"])
WORKER = CONTRACT["worker"]
Rule = Callable[[Deployment], Iterator[str]]
RULES: list[Rule] = []


def rule(function: Rule) -> Rule:
    RULES.append(function)
    return function


def rule_about(*kinds: str):
    """A rule that looks at resources of these types and at the root's parameters alone: what it said of them before holds."""

    def made(function: Rule) -> Rule:
        said: dict[str, list[str]] = {}

        @functools.wraps(function)
        def once(deployment):
            key = repr([(kind, deployment.of(kind)) for kind in kinds]) + repr(deployment.root.parameters)
            if key not in said:
                said[key] = list(function(deployment))
            yield from said[key]

        return rule(once)

    return made


def stack(deployment: Deployment) -> str:
    return deployment.root.parameters["Stack"]


def named(deployment: Deployment, service: str) -> str:
    """What ECS calls a service; on GPUs it is another one, so that one can be made before the other goes."""
    on_gpu = service == "summarize" and deployment.root.parameters["SummarizeOn"] == "gpu"
    return f"{stack(deployment)}-{service}{'-gpu' if on_gpu else ''}"


@functools.cache
def source(path: str) -> str:
    return (REPOSITORY / path).read_text()


@functools.cache
def found(pattern: str, text: str) -> list:
    """All that a pattern finds; nothing found means that the code has moved, and the check would hold of nothing."""
    every = re.findall(pattern, text, re.S)
    if not every:
        raise LookupError(f"nothing looks like {pattern} any more")
    return every
