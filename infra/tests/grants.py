"""Least privilege: each service's policy against the calls that it made in the end-to-end tests.

`calls.txt` is written by the services themselves (shared/aws/src/record.rs) while `tests/tests/stack` runs; `calls.py` holds
it to what is recorded now. Every call must be allowed by the role of the service that made it. And every action on every
resource that a policy grants must have been called, or stand in `UNCALLED` with its reason.
"""

import functools

from policies import Unknown, listed, like, may
from rules import HERE, SERVICES, rule_about, stack
from templates import ACCOUNT, REGION, arn

# What a call takes, where it is not its own name.
TAKES = {
    "HeadObject": "GetObject", "HeadObject@version": "GetObjectVersion", "GetObject@version": "GetObjectVersion",
    "GetObjectTagging@version": "GetObjectVersionTagging", "ListObjectsV2": "ListBucket", "ListObjectVersions": "ListBucketVersions", "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject", "CompleteMultipartUpload": "PutObject", "SendMessageBatch": "SendMessage", "DeleteMessageBatch": "DeleteMessage",
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility", "TransactPut": "PutItem", "TransactUpdate": "UpdateItem",
    "TransactDelete": "DeleteItem", "TransactConditionCheck": "ConditionCheckItem",
}
FREE = {("STS", "GetCallerIdentity")}  # takes no right
# Needed, and called in the tests never or not each time, as calls.txt would have it, and why.
UNCALLED = {
    "asked of ECS' agent, which no emulator has (shared/aws/src/host.rs)": [f"{one} ECS UpdateTaskProtection task/STACK/1" for one in SERVICES],
    "never asked: with it S3 answers 404 for what is not there, without it 403, which is another fault": [
        *(f"{one} S3 ListObjectsV2 STACK-results" for one in SERVICES), "ingest S3 ListObjectsV2 STACK-uploads"],
    "the heartbeat of work that takes longer than 20 s, and a message that is put off": [
        *(f"{one} SQS ChangeMessageVisibility STACK-{one}{dead}" for one in SERVICES for dead in ("", "-dead")),
        "ocr SQS ChangeMessageVisibility STACK-ocr-completed", "ocr SQS ChangeMessageVisibility STACK-ocr-completed-dead"],
    "a dead letter whose job has been ended": [*(f"{one} SQS DeleteMessage STACK-{one}-dead" for one in SERVICES), "ocr SQS DeleteMessage STACK-ocr-completed-dead"],
    "a message that is put off for longer than SQS hides one": [
        *(f"{one} SQS SendMessage STACK-{one}-dead" for one in SERVICES), "ocr SQS SendMessage STACK-ocr-completed-dead", "ocr SQS SendMessage STACK-ocr-completed"],
    "pages that were counted for a call that never came about are given back": ["ocr DynamoDB TransactDelete STACK-claims"],
    "a bucket that was there already may keep no versions": ["ingest S3 GetObject STACK-uploads/in/", "ingest S3 GetObjectTagging STACK-uploads/in/"],
    "a digest names the documents of a burst, after an hour": ["notify DynamoDB Query STACK-jobs/index/by-state", "notify DynamoDB BatchGetItem STACK-jobs"],
    "a digest that could not be told is given to the next": ["notify DynamoDB DeleteItem STACK-claims"],
}


@functools.cache
def calls():
    return list(called())


def called():
    """(service, AWS's service, operation, resource) for each line."""
    kept = [line for line in (HERE / "calls.txt").read_text().splitlines() if line and not line.startswith("#")]
    return map(parts, kept + [one for some in UNCALLED.values() for one in some])


def parts(line):
    service, aws, operation, *rest = line.split(" ")
    return service, aws, operation, " ".join(rest)


def asked(deployment, aws, operation, resource):
    """The action and the ARN that IAM is asked about."""
    name = stack(deployment)
    own = resource.replace("STACK", name)
    if aws == "S3":
        bucket, _, folder = own.partition("/")
        which = "uploads" if bucket.endswith("uploads") else "results"
        real = deployment.given.get("ExistingUploads") if which == "uploads" else None
        whole = arn("s3", real or f"{name}-{which}-{ACCOUNT}-{REGION}", "", "")
        action = TAKES.get(operation, operation)
        # Where a key begins in an upload is its sender's choice.
        key = "in/x.pdf" if which == "uploads" else f"{folder}x"
        return f"s3:{action}", whole if action.startswith("ListBucket") else f"{whole}/{key}"
    makes = {"SQS": ("sqs", own), "SNS": ("sns", own), "DynamoDB": ("dynamodb", f"table/{own}"), "ECS": ("ecs", own), "Textract": ("textract", "*")}
    if aws == "IAM":
        return f"iam:{operation}", arn("iam", f"role/{own}", "")
    service, part = makes[aws]
    return f"{service}:{TAKES.get(operation, operation)}", "*" if part == "*" else arn(service, part)


def context(action):
    return {"iam:PassedToService": "textract.amazonaws.com"} if action == "iam:PassRole" else {}


def policies(deployment, service):
    role = deployment.at(f"roles.yml/{service.capitalize()}")
    return [one.get("PolicyDocument", {}) for one in role.get("Policies", [])]


def refused(deployment, lines):
    for service, aws, operation, resource in map(parts, lines):
        if service not in SERVICES or (aws, operation) in FREE:
            continue
        action, where = asked(deployment, aws, operation, resource)
        if not any(may(policy, action, where, None, context(action)) for policy in policies(deployment, service)):
            yield f"{service} may not {action} on {where}, and does ({operation})"


@rule_about("AWS::IAM::Role")
def a_service_may_do_all_that_it_does(deployment):
    """Found out in an account, a right that is missing is an outage."""
    yield from refused(deployment, [" ".join(call) for call in calls()])
    topic = arn("sns", f"{stack(deployment)}-textract-completed")
    if ("textract", "SNS", "Publish", "STACK-textract-completed") not in set(calls()):
        yield f"Textract's stand-in never published to {topic}"


@rule_about("AWS::IAM::Role")
def a_service_may_do_nothing_else(deployment):
    """What it never does is what somebody would do who broke into it."""
    made = {}
    for service, aws, operation, resource in calls():
        if (aws, operation) not in FREE and service in SERVICES:
            made.setdefault(service, set()).add(asked(deployment, aws, operation, resource))
    for service in SERVICES:
        for policy in policies(deployment, service):
            for statement in policy.get("Statement", []):
                for action in listed(statement.get("Action", [])):
                    for resource in listed(statement.get("Resource", "")):
                        yield from grant(service, action, resource, statement.get("Condition", {}), made.get(service, set()))


def grant(service, action, resource, condition, made):
    if "*" in action:
        yield f"{service}: {action} is more than one action"
    if resource == "*" and not action.startswith("textract:"):
        yield f"{service}: {action} on everything"
    if action.startswith("kms:"):
        return  # asked by S3, SQS, SNS and DynamoDB in the service's name: the_key_and_the_role_are_used_for_one_thing
    if not any(action == one and like(resource, where) for one, where in made):
        yield f"{service}: {action} on {resource} is granted, and was never called"
    # A wildcard in a resource reaches what the calls had in common and no further.
    if resource.endswith("*") and resource != "*" and action.startswith(("s3:", "sqs:", "sns:", "dynamodb:")):
        bucket = resource.split(":::")[-1]
        if action.startswith("s3:") and not (bucket.endswith("/jobs/*") or (bucket.count("/") == 1 and "results" not in bucket and "*" not in bucket[:-1])):
            yield f"{service}: {action} on all of {resource}"
        elif not action.startswith("s3:"):
            yield f"{service}: {action} on all of {resource}"


@rule_about("AWS::IAM::Role")
def the_key_and_the_role_are_used_for_one_thing(deployment):
    """The key only through the services that keep and send; Textract's role only by Textract; protection only of own tasks."""
    key = arn("kms", "key/12345678-abcd")
    through = {"ingest": {"sqs", "s3", "dynamodb"}, "ocr": {"sqs", "s3", "dynamodb"}, "summarize": {"sqs", "s3", "dynamodb"}, "notify": {"sqs", "sns", "s3", "dynamodb"}}
    for service, wanted in through.items():
        mine = policies(deployment, service)
        for one in ("sqs", "s3", "dynamodb", "sns", "ssm"):
            given = {"kms:ViaService": f"{one}.{REGION}.amazonaws.com"}
            for action in ("kms:Decrypt", "kms:GenerateDataKey"):
                if any(may(policy, action, key, None, given) for policy in mine) != (one in wanted):
                    yield f"{service}: {action} through {one} is {'missing' if one in wanted else 'granted'}"
        for action, where, given in (("kms:Decrypt", key, {}), ("kms:ScheduleKeyDeletion", key, {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}),
                                     ("kms:Decrypt", arn("kms", "key/other"), {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}),
                                     ("ecs:UpdateTaskProtection", arn("ecs", "task/other/1"), {}),
                                     ("iam:PassRole", arn("iam", f"role/{stack(deployment)}-textract", ""), {"iam:PassedToService": "ec2.amazonaws.com"}),
                                     ("iam:PassRole", arn("iam", f"role/{stack(deployment)}-textract", ""), {}),
                                     ("iam:PassRole", arn("iam", "role/admin", ""), {"iam:PassedToService": "textract.amazonaws.com"})):
            if any(may(policy, action, where, None, given) for policy in mine):
                yield f"{service} may {action} on {where}"
        if not any(may(policy, "ecs:UpdateTaskProtection", arn("ecs", f"task/{stack(deployment)}/1")) for policy in mine):
            yield f"{service} cannot keep its task from being scaled in"


__all__ = ["Unknown"]
