"""Mutants: the templates with one thing changed, by rule and not by hand, so that nothing is left out.

Everything in a template is changed in every way below that fits it, but for what has no meaning for safety, flow or cost
(`MEANINGLESS`). A mutant is a place, what was done there, and the value that stands there then.
"""

import re
from collections import Counter
from collections.abc import Iterator

GONE = object()
SECTIONS = ("Parameters", "Rules", "Conditions", "Mappings", "Resources", "Outputs")
# Where a change changes nothing that is deployed, or only words that people read.
MEANINGLESS = [
    (r"/Description$", "words for people"),
    (r"/Rules/[^/]+/Assertions/\d+/AssertDescription$", "words for people"),
    (r"/GroupDescription$", "words for people"),
    (r"^autoscaling\.yml/.*/AlarmDescription$", "words for people; nobody is told of these alarms"),
    (r"/Sid$", "a name inside of a policy"),
    (r"/PolicyName$", "a name inside of a role"),
    (r"/Tags$|/Tags/\d+.*", "names for people; the tag that costs are counted by is changed by itself"),
    (r"/Outputs/[^/]+$", "deleting an output is done; its other changes are those of what it shows"),
]
COUNTED = re.compile(r"^(gpu|services|precis)\.yml/.*Tags")


def changes(template: dict, file: str) -> Iterator[tuple[str, str, list, object]]:
    """(place, what is done, path, new value) for every mutant of one template."""
    for section in SECTIONS:
        if section in template:
            yield from walk(template, template[section], [section], file)


# A service's resources in autoscaling.yml are those of the others but for its name and its queue.
SIBLINGS = ("Ingest", "Ocr", "Summarize", "Notify")


def together(template: dict, file: str) -> Iterator[tuple[str, str, list[tuple[list, object]]]]:
    """(place, what is done, [(path, new value), …]): where a template says the same of each service, the change is made of
    each, since a mistake in one alone would be found by comparing them."""
    alike: dict[tuple, list] = {}
    seen: Counter = Counter()
    for place, what, path, value in changes(template, file):
        name = next((name for name in SIBLINGS if file == "autoscaling.yml" and path[0] == "Resources" and path[1].startswith(name)), "")
        each = place.replace(f"/{name}", "/Each", 1) if name else place
        # The same place may be changed in the same way twice: widened to all of a service, and to all.
        seen[name, each, what] += 1
        alike.setdefault((each, what, seen[name, each, what]), []).append((path, value))
    yield from ((place, what, made) for (place, what, _), made in alike.items())


def meaningless(place: str) -> bool:
    return any(re.search(pattern, place) for pattern, _ in MEANINGLESS) and not COUNTED.search(place)


def walk(template, node, path, file):
    place = file + "/" + "/".join(map(str, path))
    if len(path) > 1 and not meaningless(place):
        yield place, "deleted", path, GONE
        yield from ((place, what, path, value) for what, value in altered(template, node, path) if value != node or isinstance(value, bool))
    if len(path) == 2 and path[0] == "Outputs":
        yield place, "deleted", path, GONE
        return
    if form(node):
        # What is inside of a form is its own argument: only lists and texts of policies are taken apart further.
        (name, given), = node.items()
        if name in ("Fn::If", "Fn::Join", "Fn::And", "Fn::Or", "Fn::Not", "Fn::Equals", "Fn::Sub", "Fn::Base64") and isinstance(given, (list, dict)):
            for at, item in enumerate(given) if isinstance(given, list) else given.items():
                if isinstance(item, (dict, list)) or (name == "Fn::Sub" and at == 0):
                    yield from walk(template, item, [*path, name, at], file)
        return
    if isinstance(node, dict):
        for key, item in node.items():
            yield from walk(template, item, [*path, key], file)
    elif isinstance(node, list):
        for at, item in enumerate(node):
            yield from walk(template, item, [*path, at], file)


def form(node) -> bool:
    return isinstance(node, dict) and len(node) == 1 and next(iter(node)).startswith(("Ref", "Fn::", "Condition")) and not isinstance(node.get("Condition"), dict)


def another(template, name):
    """The next resource or parameter that is of the same type."""
    for section in ("Resources", "Parameters"):
        of = template.get(section, {})
        if name in of:
            same = [one for one in of if of[one].get("Type") == of[name].get("Type")]
            return same[(same.index(name) + 1) % len(same)] if len(same) > 1 else None
    return None


PARTS = ["ingest", "ocr", "ocr-completed", "summarize", "notify"]
PAIRS = {"jobs": "claims", "claims": "settings", "settings": "jobs", "uploads": "results", "results": "uploads", "outcomes": "completions",
         "completions": "outcomes", "textract-completed": "outcomes", "textract": "other", "by-state": "by-head", "by-key": "by-head"}


def swapped(text):
    """The same text about another part: another queue, table, bucket, topic."""
    found = re.search(r"(\$\{Stack\}[-/])([a-z-]+?)(-dead|-\$|:|/|$|\"|')", text)
    if not found:
        return None
    name = found[2]
    if name in PARTS:
        other = PARTS[(PARTS.index(name) + 1) % len(PARTS)]
    else:
        other = PAIRS.get(name, name + "-x")
    return text[: found.start(2)] + other + text[found.end(2):]


def altered(template, node, path):
    key = next((part for part in reversed(path) if isinstance(part, str) and not part.startswith("Fn::")), "")
    if isinstance(node, bool):
        yield "turned over", not node
    elif isinstance(node, (int, float)):
        yield "ten times", node * 10 if node else 10
        if node > 1:
            yield "a tenth", node // 10 or 1
        if key == "maxReceiveCount":
            yield "one", 1
    elif isinstance(node, str):
        yield from texts(template, node, key, path)
    elif form(node):
        yield from forms(template, node, key)
    elif isinstance(node, dict):
        if key == "Principal":
            yield "anybody", "*"
        for old, new in (("StringEquals", "StringNotEquals"), ("ArnEquals", "StringNotEquals"), ("ArnLike", "StringNotEquals")):
            if old in node and key == "Condition":
                yield "condition turned over", {new if name == old else name: value for name, value in node.items()}
    elif isinstance(node, list) and key in ("Action", "Resource"):
        yield "widened", ["*"] if key == "Resource" else [node[0].split(":")[0] + ":*"] if isinstance(node[0], str) else ["*"]


def forms(template, node, key):
    (name, given), = node.items()
    if key == "Resource":
        yield "widened", "*"
    if name == "Ref" and another(template, given):
        yield "swapped", {"Ref": another(template, given)}
    if name == "Fn::GetAtt":
        if another(template, given[0]):
            yield "swapped", {name: [another(template, given[0]), given[1]]}
        if given[1].startswith("Outputs."):
            yield "swapped", {name: [given[0], given[1] + "X"]}
    if name == "Fn::If":
        yield "branches swapped", {name: [given[0], given[2], given[1]]}
    if name in ("Fn::Equals", "Fn::And", "Fn::Or", "Condition", "Fn::Not"):
        yield "turned over", {"Fn::Not": [node]}
    if name == "Fn::FindInMap":
        other = {"Steady": "Spot", "Spot": "Steady"}
        yield "swapped", {name: [given[0], given[2], given[1]] if isinstance(given[2], dict) else [given[0], given[1], other.get(given[2], given[2] + "X")]}
    if name == "Fn::Select":
        yield "swapped", {name: [(given[0] + 1) % 3, given[1]]}
    if name == "Fn::Sub" and isinstance(given, str):
        yield from ((what, {name: value}) for what, value in texts(template, given, key, []))


ENUMS = [{"Allow", "Deny"}, {"Enabled", "Suspended"}, {"ENABLED", "DISABLED"}, {"GreaterThanThreshold", "LessThanThreshold"}, {"Minimum", "Maximum"},
         {"Sum", "Average"}, {"Gateway", "Interface"}, {"FARGATE", "FARGATE_SPOT"}, {"notBreaching", "breaching"}, {"Retain", "Delete"}, {"RetainExceptOnCreate", "Delete"},
         {"true", "false"}, {"cpu", "cuda"}, {"ACTUAL", "FORECASTED"}, {"PAY_PER_REQUEST", "PROVISIONED"}, {"HASH", "RANGE"}, {"awsvpc", "bridge"},
         {"required", "optional"}, {"non-blocking", "blocking"}, {"aws:kms", "AES256"}, {"yes", "no"}, {"X86_64", "ARM64"}, {"nat", "endpoints"}, {"fargate", "gpu"},
         {"false", "true"}, {"KEYS_ONLY", "ALL"}, {"email", "email-json"}, {"S", "N"}, {"INCLUDE", "ALL"}, {"EC2", "FARGATE"}]


def texts(template, text, key, path):
    if "\n" in text:
        lines = text.split("\n")
        for at, line in enumerate(lines):
            if line.strip() and not line.strip().startswith("#"):
                yield f"line {at + 1} deleted", "\n".join(lines[:at] + lines[at + 1:])
        for found in re.finditer(r'"(?:precis_[a-z_]+|Approximate\w+)"', text):
            yield f"{found[0]} misspelt", text[: found.end() - 1] + "x" + text[found.end() - 1:]
        return
    enum = next((one for one in ENUMS if text in one), None)
    if enum:
        yield "turned over", next(iter(enum - {text}))
        return
    if key == "AllowedPattern":
        yield "anything goes", ".*"
        return
    if key == "User":
        yield "root", "0:0"
    if re.fullmatch(r"\d+", text):
        yield "ten times", str(int(text) * 10 or 10)
        if int(text) > 1:
            yield "a tenth", str(int(text) // 10 or 1)
        return
    if key == "Action" and ":" in text:
        yield "widened", text.split(":")[0] + ":*"
        yield "widened", "*"
        return
    if text.startswith("arn:") and key == "Resource" and not text.endswith(":root"):
        yield "widened", re.sub(r"[^:/]+$", "*", text)
    if key == "Expression":
        for old, new in ((" > ", " < "), ("AND", "OR"), (" == ", " != "), (" / ", " * "), (">=", "<="), ("100 *", "1 *")):
            if old in text:
                yield f"{old.strip()} for {new.strip()}", text.replace(old, new, 1)
        return
    other = swapped(text)
    yield "swapped" if other else "another word", other or text + "-x"
