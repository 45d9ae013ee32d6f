"""The templates as they come out: read, resolved and laid flat, without an account.

`deployment(parameters)` gives every resource of the root and its nested stacks for one choice of parameters, with each
Ref, GetAtt, Sub and condition worked out as CloudFormation would. So a check asks what a queue's policy lets through, and
not how the policy is spelled; and what CloudFormation would refuse (an unknown name, a parameter out of its range, a value
imported before it is exported) raises `Refused`.
"""

import ipaddress
import re
from pathlib import Path

import yaml

FOLDER = Path(__file__).resolve().parent.parent
ROOT = "precis.yml"
ACCOUNT, REGION, PARTITION = "111122223333", "eu-west-1", "aws"
PSEUDO = {"AWS::AccountId": ACCOUNT, "AWS::Region": REGION, "AWS::Partition": PARTITION, "AWS::URLSuffix": "amazonaws.com"}
NO_VALUE = object()


class Refused(Exception):
    """CloudFormation would not take it."""


class Loader(yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader):
    """YAML with CloudFormation's short forms."""


def _short(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix in ("Ref", "Condition"):
        return {suffix: value}
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{suffix}": value}


Loader.add_multi_constructor("!", _short)


def read(name: str) -> dict:
    return yaml.load((FOLDER / name).read_text(), Loader)


def names() -> list[str]:
    return sorted(path.name for path in FOLDER.glob("*.yml"))


def read_all() -> dict[str, dict]:
    return {name: read(name) for name in names()}


# ── What Ref and GetAtt give ───────────────────────────────────────────────────────────────────────────────────────────


def arn(service: str, resource: str, region: str = REGION, account: str = ACCOUNT) -> str:
    return f"arn:{PARTITION}:{service}:{region}:{account}:{resource}"


def _identity(resource: dict, at: str, ref: bool, attribute: str = "") -> str:
    """A resource as others see it; what has no name of its own is called after its place in the templates."""
    kind, given = resource["Type"], resource["Properties"]
    own = at.replace(".yml/", "-")
    known = {
        "AWS::SQS::Queue": ("QueueName", lambda n: f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{n}", lambda n: arn("sqs", n)),
        "AWS::SNS::Topic": ("TopicName", lambda n: arn("sns", n), lambda n: arn("sns", n)),
        "AWS::S3::Bucket": ("BucketName", lambda n: n, lambda n: arn("s3", n, "", "")),
        "AWS::DynamoDB::Table": ("TableName", lambda n: n, lambda n: arn("dynamodb", f"table/{n}")),
        "AWS::IAM::Role": ("RoleName", lambda n: n, lambda n: arn("iam", f"role/{n}", "")),
        "AWS::KMS::Key": ("", lambda n: "1234abcd", lambda n: arn("kms", "key/12345678-abcd")),
        "AWS::Logs::LogGroup": ("LogGroupName", lambda n: n, lambda n: arn("logs", f"log-group:{n}:*")),
        "AWS::CloudWatch::Alarm": ("AlarmName", lambda n: n, lambda n: arn("cloudwatch", f"alarm:{n}")),
        "AWS::CloudWatch::CompositeAlarm": ("AlarmName", lambda n: arn("cloudwatch", f"alarm:{n}"), lambda n: arn("cloudwatch", f"alarm:{n}")),
        "AWS::Events::Rule": ("Name", lambda n: n, lambda n: arn("events", f"rule/{n}")),
        "AWS::ECS::Cluster": ("ClusterName", lambda n: n, lambda n: arn("ecs", f"cluster/{n}")),
        "AWS::ECS::CapacityProvider": ("Name", lambda n: n, lambda n: arn("ecs", f"capacity-provider/{n}")),
        "AWS::ECS::Service": ("ServiceName", lambda n: arn("ecs", f"service/{n}"), lambda n: arn("ecs", f"service/{n}")),
    }
    if kind not in known:
        fake = {"AWS::EC2::Subnet": "subnet-", "AWS::EC2::VPC": "vpc-", "AWS::EC2::SecurityGroup": "sg-"}
        if ref and kind in fake:
            return fake[kind] + f"{sum(map(ord, own)) * 7919 % 0xFFFFFFFF:08x}"
        return own if ref else f"{own}.{attribute}"
    named, refers, whole = known[kind]
    name = given.get(named, own)
    if ref:
        return refers(name)
    if attribute == "Arn":
        return whole(name)
    if attribute == "Name":
        return name
    return f"{own}.{attribute}"


# ── One template with its parameters ───────────────────────────────────────────────────────────────────────────────────


class Stack:
    """A template that is being worked out."""

    def __init__(self, world: "Deployment", file: str, parameters: dict, before: set[str]):
        self.world, self.file, self.before = world, file, before
        if file not in world.templates:
            raise Refused(f"there is no template {file}")
        self.template = world.templates[file]
        self.parameters = self._parameters(parameters)
        self.truths: dict[str, bool] = {}
        self.done: dict[str, dict] = {}
        self.nested: dict[str, Stack] = {}
        self.doing: list[str] = []
        for rule in self.template.get("Rules", {}).values():
            for assertion in rule["Assertions"]:
                if not self.truth(assertion["Assert"]):
                    raise Refused(f"{file}: {assertion['AssertDescription']}")
        for name in self.template["Resources"]:
            self.resource(name)
        self.outputs = {}
        for name, output in self.template.get("Outputs", {}).items():
            self.outputs[name] = self.value(output["Value"])
            if "Export" in output:
                world.exports[self.value(output["Export"]["Name"])] = (self.outputs[name], file)

    def _parameters(self, given: dict) -> dict:
        declared = self.template.get("Parameters", {})
        for name in given:
            if name not in declared:
                raise Refused(f"{self.file} has no parameter {name}")
        return {name: self._parameter(name, rule, given) for name, rule in declared.items()}

    def _parameter(self, name: str, rule: dict, given: dict):
        value = given.get(name, rule.get("Default"))
        if value is None:
            raise Refused(f"{self.file}: {name} must be given")
        if not isinstance(value, (str, int, float)):
            raise Refused(f"{self.file}: {name} is no single value")
        if not re.fullmatch(r"String|Number|CommaDelimitedList|List<AWS::EC2::Subnet::Id>|AWS::(EC2::SecurityGroup::Id|SSM::Parameter::Value<AWS::EC2::Image::Id>)", rule.get("Type", "")):
            raise Refused(f"{self.file}: {name} is of no type")
        text = str(value)
        if "AllowedValues" in rule and text not in map(str, rule["AllowedValues"]):
            raise Refused(f"{self.file}: {name} is none of {rule['AllowedValues']}")
        if "AllowedPattern" in rule and not re.fullmatch(rule["AllowedPattern"], text):
            raise Refused(f"{self.file}: {name}={text} does not look like {rule['AllowedPattern']}")
        if rule["Type"] == "Number":
            number = float(text)
            if not rule.get("MinValue", number) <= number <= rule.get("MaxValue", number):
                raise Refused(f"{self.file}: {name}={text} is out of range")
            return int(number) if number.is_integer() else number
        if rule["Type"].startswith("List<") or rule["Type"] == "CommaDelimitedList":
            return text.split(",")
        return text

    # ── Conditions ──

    def condition(self, name: str) -> bool:
        if name not in self.truths:
            if name not in self.template.get("Conditions", {}):
                raise Refused(f"{self.file}: no condition {name}")
            self.truths[name] = self.truth(self.template["Conditions"][name])
        return self.truths[name]

    def truth(self, test) -> bool:
        (form, given), = test.items()
        if form == "Condition":
            return self.condition(given)
        if form == "Fn::Equals":
            left, right = (self.value(side) for side in given)
            return str(left) == str(right)
        if form == "Fn::Not":
            return not self.truth(given[0])
        if form == "Fn::And":
            return all(self.truth(one) for one in given)
        if form == "Fn::Or":
            return any(self.truth(one) for one in given)
        raise Refused(f"{self.file}: {form} is no condition")

    # ── Values ──

    def value(self, raw):
        if isinstance(raw, list):
            return [one for one in (self.value(item) for item in raw) if one is not NO_VALUE]
        if not isinstance(raw, dict):
            return raw
        if len(raw) == 1:
            (form, given), = raw.items()
            if form == "Ref":
                return self.ref(given)
            if form.startswith("Fn::"):
                handler = getattr(self, "_" + form[4:].lower(), None)
                if handler is None:
                    raise Refused(f"{self.file}: {form} is not known here")
                return handler(given)
        worked = {key: self.value(item) for key, item in raw.items()}
        return {key: item for key, item in worked.items() if item is not NO_VALUE}

    def ref(self, name: str):
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.parameters:
            return self.parameters[name]
        return _identity(self.resource(name), f"{self.file}/{name}", True)

    def _getatt(self, given):
        name, attribute = given
        resource = self.resource(name)
        if attribute.startswith("Outputs."):
            outputs = self.nested[name].outputs
            if attribute[8:] not in outputs:
                raise Refused(f"{self.file}: {name} has no output {attribute[8:]}")
            return outputs[attribute[8:]]
        return _identity(resource, f"{self.file}/{name}", False, attribute)

    def _sub(self, given):
        text, more = (given, {}) if isinstance(given, str) else given
        more = {key: self.value(item) for key, item in more.items()}

        def fill(match):
            name = match[1]
            if name in more:
                return str(more[name])
            value = self._getatt(name.split(".", 1)) if "." in name else self.ref(name)
            return str(value)

        return re.sub(r"\$\{([A-Za-z0-9:.]+)\}", fill, text)

    def _if(self, given):
        name, yes, no = given
        return self.value(yes if self.condition(name) else no)

    def _join(self, given):
        with_, parts = given
        return with_.join(str(part) for part in self.value(parts))

    def _select(self, given):
        index, items = given
        items = self.value(items)
        if int(index) >= len(items):
            raise Refused(f"{self.file}: no item {index}")
        return items[int(index)]

    def _split(self, given):
        return str(self.value(given[1])).split(given[0])

    def _getazs(self, _):
        return [REGION + zone for zone in "abc"]

    def _cidr(self, given):
        block, count, bits = (self.value(one) for one in given)
        parts = ipaddress.ip_network(block).subnets(new_prefix=32 - int(bits))
        return [str(part) for part, _ in zip(parts, range(int(count)))]

    def _findinmap(self, given):
        name, first, second = (self.value(one) for one in given)
        named = lambda mapping: {str(key): value for key, value in mapping.items()}
        try:
            return named(named(self.template["Mappings"][name])[str(first)])[str(second)]
        except KeyError as missing:
            raise Refused(f"{self.file}: no {missing} in the mapping {name}") from None

    def _base64(self, given):
        return self.value(given)

    def _importvalue(self, given):
        name = self.value(given)
        value, exporter = self.world.exports.get(name, (None, None))
        if value is None or exporter not in self.before:
            raise Refused(f"{self.file}: {name} is not exported before it is imported")
        return value

    # ── Resources ──

    def resource(self, name: str) -> dict:
        if name in self.done:
            return self.done[name]
        if name not in self.template["Resources"]:
            raise Refused(f"{self.file}: there is no {name}")
        if name in self.doing:
            raise Refused(f"{self.file}: {name} needs itself")
        raw = self.template["Resources"][name]
        if "Condition" in raw and not self.condition(raw["Condition"]):
            if self.doing:
                raise Refused(f"{self.file}: {self.doing[-1]} needs {name}, which is not made")
            return {}
        self.doing.append(name)
        waits = raw.get("DependsOn", [])
        for other in [waits] if isinstance(waits, str) else waits:
            if other not in self.template["Resources"]:
                raise Refused(f"{self.file}: {name} waits for {other}, which is not there")
            self.resource(other)
        if "Type" not in raw:
            raise Refused(f"{self.file}: {name} has no type")
        made = {key: raw[key] for key in ("Type", "DeletionPolicy", "UpdateReplacePolicy", "DependsOn") if key in raw}
        made["Properties"] = self.value(raw.get("Properties", {}))
        self.done[name] = made
        if made["Type"] == "AWS::CloudFormation::Stack":
            before = {made["Properties"].get("TemplateURL")} | self._before(name)
            self.nested[name] = Stack(self.world, made["Properties"].get("TemplateURL"), made["Properties"].get("Parameters", {}), before)
        self.world.resources[f"{self.file}/{name}"] = made
        self.doing.pop()
        return made

    def _before(self, name: str) -> set[str]:
        """The templates of all stacks that are complete before this one begins."""
        raw = self.template["Resources"][name]
        waits = raw.get("DependsOn", [])
        wanted = set([waits] if isinstance(waits, str) else waits)

        def look(value):
            if isinstance(value, dict):
                if "Fn::GetAtt" in value:
                    wanted.add(value["Fn::GetAtt"][0])
                for item in value.values():
                    look(item)
            elif isinstance(value, list):
                for item in value:
                    look(item)

        look(raw.get("Properties", {}))
        found = set()
        for other in wanted & set(self.nested):
            found |= {self.nested[other].file} | self._before(other)
        return found


class Deployment:
    """Every resource of one deployment, by template and name."""

    def __init__(self, templates: dict[str, dict], parameters: dict, root: str = ROOT):
        self.templates, self.given = templates, parameters
        self.resources: dict[str, dict] = {}
        self.exports: dict[str, tuple[str, str]] = {}
        self.root = Stack(self, root, parameters, set())

    def of(self, kind: str) -> dict[str, dict]:
        """The properties of the resources of a type."""
        return {at: made["Properties"] for at, made in self.resources.items() if made["Type"] == kind}

    def at(self, place: str) -> dict:
        """The properties of one resource, by template and name."""
        return self.resources.get(place, {}).get("Properties", {})

    def identity(self, place: str, attribute: str | None = None) -> str:
        return _identity(self.resources[place], place, attribute is None, attribute or "")


DIGEST = "@sha256:" + "0123456789abcdef" * 4
IMAGES = {f"{name.capitalize()}Image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/precis/{name}{DIGEST}" for name in ("ingest", "ocr", "summarize", "notify")}
# Every branch of every condition is taken by one of these.
CHOICES = {
    "plain": IMAGES | {"OperatorEmail": "op@example.org", "ReaderEmail": "ann@example.org"},
    "gpu": IMAGES
    | {"Stack": "team-a1", "SummarizeOn": "gpu", "Egress": "endpoints", "SpotShare": 75, "MaxGpus": 7, "OfficeHours": "0 7 * * MON-FRI",
       "OfficeEnds": "30 19 * * MON-FRI", "Weights": "weights-of-ours/precis/v1", "ArchiveDays": 45, "ExpireDays": 400, "LogDays": 90,
       "Model": "/models/bge", "ModelName": "bge", "Contact": "Ann", "DetectsPerSecond": 25, "StartsPerSecond": 4, "GetsPerSecond": 5,
       "ConcurrentJobs": 400, "OldestSeconds": 1200, "DailyOcrPages": 777, "MonthlyBudget": 99, "OperatorEmail": "op@example.org"},
    "taken": IMAGES
    | {"Vpc": "vpc-0123456789abcdef0", "Subnets": "subnet-0123456789abcdef0,subnet-0123456789abcdef1", "ExistingUploads": "scans-of-ours",
       "Architecture": "ARM64", "SpotShare": 25, "Egress": "endpoints"},
    "bare": IMAGES | {"SummarizeOn": "gpu"},
}


def deployments(templates: dict[str, dict] | None = None):
    """(name, deployment) for each choice, one after the other: who has seen enough asks for no more."""
    templates = templates or read_all()
    for name, choice in CHOICES.items():
        yield name, Deployment(templates, dict(choice))
