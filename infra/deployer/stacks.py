"""The stack itself: changes are proposed, shown, carried out and watched; a stack in a state that nothing mends is said."""

import difflib
import time

import packing
from botocore.exceptions import ClientError
from refusal import Refusal

CAPABILITIES = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
PATIENCE_S = 3 * 3600
DEAD_ENDS = {
    "ROLLBACK_COMPLETE": "its creation failed, and nothing of it is left: infra/deploy destroy {env}, then deploy again",
    "ROLLBACK_FAILED": "look at its events, then infra/deploy destroy {env}",
    "DELETE_FAILED": "something in it could not be deleted; look at its events, then infra/deploy destroy {env} again",
    "UPDATE_ROLLBACK_FAILED": "aws cloudformation continue-update-rollback --stack-name {stack}",
}


def current(account) -> dict | None:
    """The stack as it stands; None if there is none. Refuses one that can be neither changed nor waited for."""
    name = account.chosen.stack
    stack = look(account, name)
    if stack is None:
        return None
    status = stack["StackStatus"]
    if status in DEAD_ENDS:
        raise Refusal(f"{name} is {status}", "CloudFormation takes no change of it", DEAD_ENDS[status].format(env=account.chosen.name, stack=name))
    if status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
        raise Refusal(f"{name} is {status}", "somebody is at it", "wait until it is done")
    return None if status == "REVIEW_IN_PROGRESS" else stack


def look(account, name: str) -> dict | None:
    try:
        stack = account.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            return None
        raise
    return None if stack["StackStatus"] == "DELETE_COMPLETE" else stack


def same_machines(account, existing: dict | None) -> None:
    """From GPUs back to Fargate the cluster lets go of its instances, which ECS refuses while a service uses them."""
    given = {one["ParameterKey"]: one["ParameterValue"] for one in existing["Parameters"]} if existing else {}
    name = account.chosen.stack
    if given.get("SummarizeOn") != "gpu" or account.chosen.parameters.get("SummarizeOn", "fargate") == "gpu":
        return
    service = account.client("ecs").describe_services(cluster=name, services=[f"{name}-summarize-gpu"])["services"]
    if any(one["status"] != "INACTIVE" for one in service):
        raise Refusal("summarize still runs on GPUs", "ECS lets no cluster go of machines that a service uses",
                      f"aws ecs delete-service --force --cluster {name} --service {name}-summarize-gpu; deploy again when it is gone. Documents wait in the queue meanwhile")


def images_of(stack: dict | None) -> dict[str, str]:
    given = stack["Parameters"] if stack else []
    return {one["ParameterKey"]: one["ParameterValue"] for one in given if one["ParameterKey"].endswith("Image")}


def propose(account, existing: dict | None, body: str, parameters: dict) -> str | None:
    """Makes a change set, prints it, and gives its name; None where nothing would change."""
    # What is in the parts is shown where they are there already. Before that their outputs are words that are no names yet,
    # which parameters with a pattern may refuse; and all of it is new anyway.
    nested = bool(existing) and not account.is_emulator
    found = proposed(account, existing, body, parameters, nested)
    if nested and found["Status"] == "FAILED" and "IntrinsicFunction" in found.get("StatusReason", ""):
        forget(account, found["ChangeSetName"])
        print("the parts cannot be looked into before they are changed: the whole alone is shown")
        found = proposed(account, existing, body, parameters, False)
    name, why = found["ChangeSetName"], found.get("StatusReason", "")
    if found["Status"] == "FAILED":
        forget(account, name)
        if "didn't contain changes" in why or "No updates" in why:
            return None
        raise Refusal("CloudFormation refuses these changes", why, "mend what it says; nothing was changed")
    show(account, name)
    return name


def proposed(account, existing: dict | None, body: str, parameters: dict, nested: bool) -> dict:
    """A change set as it is when CloudFormation has worked it out."""
    cloudformation, name = account.client("cloudformation"), f"precis-{int(time.time())}{'' if nested else '-whole'}"
    cloudformation.create_change_set(
        StackName=account.chosen.stack, ChangeSetName=name, ChangeSetType="UPDATE" if existing else "CREATE", TemplateBody=body,
        Parameters=[{"ParameterKey": key, "ParameterValue": str(value)} for key, value in parameters.items()], Capabilities=CAPABILITIES,
        Tags=[{"Key": "precis:stack", "Value": account.chosen.stack}], IncludeNestedStacks=nested)
    while True:
        found = cloudformation.describe_change_set(StackName=account.chosen.stack, ChangeSetName=name)
        if found["Status"] in ("CREATE_COMPLETE", "FAILED"):
            return found
        time.sleep(1 if not account.is_emulator else 0.3)


def show(account, name: str, stack: str | None = None, depth: int = 1) -> None:
    """Prints what a change set would do, what is replaced or removed first, nested ones below."""
    cloudformation = account.client("cloudformation")
    page = cloudformation.describe_change_set(StackName=stack or account.chosen.stack, ChangeSetName=name)
    changes = list(page.get("Changes", []))
    while page.get("NextToken"):
        page = cloudformation.describe_change_set(StackName=stack or account.chosen.stack, ChangeSetName=name, NextToken=page["NextToken"])
        changes += page.get("Changes", [])
    loud = {"Remove": 0, "Replace": 1}
    rows = []
    for change in (one["ResourceChange"] for one in changes if "ResourceChange" in one):
        replaced = change.get("Replacement") == "True"
        rows.append((("Replace" if replaced else change["Action"]), change))
    for action, change in sorted(rows, key=lambda row: loud.get(row[0], 2)):
        mark = {"Add": "+", "Modify": "~", "Remove": "-", "Replace": "!"}.get(action, "?")
        print(f"{'  ' * depth}{mark} {action.lower():8}{change['LogicalResourceId']:28}{change['ResourceType']}")
        if change.get("ChangeSetId"):
            show(account, change["ChangeSetId"], change.get("PhysicalResourceId") or None, depth + 1)


def forget(account, name: str) -> None:
    """A proposal that is not carried out leaves nothing behind, not even an empty stack."""
    cloudformation, stack = account.client("cloudformation"), account.chosen.stack
    cloudformation.delete_change_set(StackName=stack, ChangeSetName=name)
    found = look(account, stack)
    if found and found["StackStatus"] == "REVIEW_IN_PROGRESS":
        cloudformation.delete_stack(StackName=stack)


def carry_out(account, name: str, existing: dict | None) -> None:
    account.client("cloudformation").execute_change_set(StackName=account.chosen.stack, ChangeSetName=name)
    # A creation that fails takes back what it made, the empty tables too, which are protected.
    status = watch(account, account.chosen.stack, on_rollback=None if existing else lambda: unprotect(account))
    if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise Refusal(f"{account.chosen.stack} ended as {status}", "; ".join(reasons(account)) or "no reason was given",
                      "what was there before is there again; mend the reason and deploy once more")
    print(f"{account.chosen.stack}: {status}")


def unprotect(account) -> None:
    """Lets CloudFormation delete the tables that are there."""
    for kind, name in remains(account):
        if kind == "table":
            account.client("dynamodb").update_table(TableName=name, DeletionProtectionEnabled=False)


def watch(account, name: str, on_rollback=None) -> str:
    """Prints what happens until it is over, and gives the last status; does something once when it is taken back."""
    seen, begun = set(), time.monotonic()
    cloudformation = account.client("cloudformation")
    stack = look(account, name)
    by = stack["StackId"] if stack else name
    while time.monotonic() - begun < PATIENCE_S:
        try:
            stack = cloudformation.describe_stacks(StackName=by)["Stacks"][0]
            status = stack["StackStatus"]
            events = cloudformation.describe_stack_events(StackName=by)["StackEvents"]
        except ClientError as error:
            if "does not exist" in str(error):
                return "DELETE_COMPLETE"
            if error.response["Error"]["Code"] not in ("Throttling", "ThrottlingException", "RequestLimitExceeded"):
                raise  # credentials that have run out, say: what AWS has begun goes on, and nothing is known of it here
            time.sleep(5)
            continue
        if on_rollback and "ROLLBACK" in status:
            on_rollback()
            on_rollback = None
        for event in reversed(events):
            recent = event["Timestamp"].timestamp() > time.time() - (time.monotonic() - begun) - 5
            if event["EventId"] not in seen and recent and not event["ResourceStatus"].endswith("IN_PROGRESS"):
                print(f"  {int(time.monotonic() - begun):5} s  {event['ResourceStatus']:24}{event.get('LogicalResourceId', '')}", flush=True)
            seen.add(event["EventId"])
        if not status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
            return status
        time.sleep(5 if not account.is_emulator else 0.3)
    raise Refusal(f"{name} is not done after {PATIENCE_S // 3600} hours", "something waits", "look at its events")


def reasons(account) -> list[str]:
    events = account.client("cloudformation").describe_stack_events(StackName=account.chosen.stack)["StackEvents"]
    failed = [one for one in events if one["ResourceStatus"].endswith("FAILED")]
    return [f"{one['LogicalResourceId']}: {one.get('ResourceStatusReason', 'no reason given')}" for one in failed[-3:]]


def diff(account, existing: dict | None) -> None:
    """Templates as they are deployed against those here, part by part."""
    if not existing:
        print(f"{account.chosen.stack} is not deployed")
        return
    cloudformation, same = account.client("cloudformation"), True
    parts = cloudformation.describe_stack_resources(StackName=account.chosen.stack)["StackResources"]
    nested = [(f"{one['LogicalResourceId'].lower()}.yml", one["PhysicalResourceId"]) for one in parts if one["ResourceType"] == "AWS::CloudFormation::Stack"]
    for file, stack in nested:
        there, here = cloudformation.get_template(StackName=stack)["TemplateBody"], packing.text_of(account, file)
        if isinstance(there, str) and there != here:
            same = False
            print("".join(difflib.unified_diff(there.splitlines(True), here.splitlines(True), f"deployed/{file}", f"infra/{file}")), end="")
    if same:
        print("what is deployed is what is here")


def what_now(account) -> None:
    stack = look(account, account.chosen.stack)
    out = {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])} if stack else {}
    print()
    for key, words in (("UploadsBucket", "Documents go to"), ("ResultsBucket", "Results come to"), ("CompletionsTopic", "E-mails by"), ("OutcomesTopic", "JSON by"), ("Dashboard", "Dashboard")):
        if key in out:
            print(f"{words:16}{out[key]}")
    if "UploadsBucket" in out:
        print(f"\nConfirm the e-mails that SNS has sent, then:\n  precis doctor --stack {account.chosen.stack}\n  aws s3 cp samples/01-service-agreement.pdf s3://{out['UploadsBucket']}/")


def destroy(account, documents: bool, ask) -> None:
    """The stack goes. What is kept is listed; it goes too only for who says so twice."""
    name, cloudformation = account.chosen.stack, account.client("cloudformation")
    stack = look(account, name)
    if ask:
        ask(f"{name} in {account.number}, {account.chosen.region}, is taken down. Documents, results, jobs and the key stay.", name)
    key = key_of(account)
    if stack:
        instances_are_gone(account)
        cloudformation.delete_stack(StackName=stack["StackId"])
        status = watch(account, stack["StackId"])
        if status != "DELETE_COMPLETE":
            raise Refusal(f"{name} ended as {status}", "; ".join(reasons(account)), "mend it and run it again")
    print(f"{name}: gone")
    kept = remains(account) + ([("key", key)] if key else [])
    for kind, one in kept:
        print(f"  kept: {kind} {one}")
    if not documents or not kept:
        return
    ask("DELETES ALL OF THESE, with every document and every version. Nothing brings them back.", f"delete {name}")
    ask("Once more.", f"delete {name}")
    for kind, one in kept:
        erase(account, kind, one)
        print(f"  deleted: {kind} {one}")


def key_of(account) -> str | None:
    """The stack's key, by the alias that goes with the stack; None where there is none, or it is one that goes already."""
    try:
        found = account.client("kms").describe_key(KeyId=f"alias/{account.chosen.stack}")["KeyMetadata"]
    except ClientError:
        return None
    return found["KeyId"] if found.get("KeyState") == "Enabled" else None


def instances_are_gone(account) -> None:
    """A cluster with instances in it is not deleted, and CloudFormation would wait for that in vain."""
    if account.is_emulator or account.chosen.parameters.get("SummarizeOn") != "gpu":
        return
    groups = account.client("autoscaling").get_paginator("describe_auto_scaling_groups").paginate(
        Filters=[{"Name": "tag:precis:stack", "Values": [account.chosen.stack]}])
    there = [one["InstanceId"] for page in groups for group in page["AutoScalingGroups"] for one in group["Instances"]]
    if there:
        raise Refusal(f"{len(there)} instances with GPUs are still there", ", ".join(there),
                      "empty OfficeHours if it is set, and deploy; a quarter of an hour after the last document they go; then destroy again")


def remains(account) -> list[tuple[str, str]]:
    name, found = account.chosen.stack, []
    s3, dynamodb = account.client("s3"), account.client("dynamodb")
    for part in ("uploads", "results"):
        bucket = f"{name}-{part}-{account.number}-{account.chosen.region}"
        try:
            s3.head_bucket(Bucket=bucket)
            found.append(("bucket", bucket))
        except ClientError:
            continue
    for part in ("jobs", "claims", "settings"):
        try:
            dynamodb.describe_table(TableName=f"{name}-{part}")
            found.append(("table", f"{name}-{part}"))
        except ClientError:
            continue
    return found


def erase(account, kind: str, name: str) -> None:
    if kind == "key":
        account.client("kms").schedule_key_deletion(KeyId=name)  # in 30 days; until then cancel-key-deletion brings it back
        return
    if kind == "table":
        dynamodb = account.client("dynamodb")
        dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
        dynamodb.get_waiter("table_exists").wait(TableName=name)
        dynamodb.delete_table(TableName=name)
        return
    s3 = account.client("s3")
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
        every = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in page.get("Versions", []) + page.get("DeleteMarkers", [])]
        if every:
            s3.delete_objects(Bucket=name, Delete={"Objects": every, "Quiet": True})
    s3.delete_bucket(Bucket=name)
