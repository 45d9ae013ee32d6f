#!/usr/bin/env python3
"""Deploys infra/messaging.yml and infra/data.yml to the endpoint that the AWS_* variables name, for local stacks.

    docker/deploy.py [FOLDER]     FOLDER holds the templates (default infra/ beside docker/)

PRECIS_STACK (default precis) begins every name. What is deployed already is left alone, or updated where its template
has changed. Takes boto3. Creating and polling takes a second or two on an emulator where `aws cloudformation deploy`
takes half a minute.
"""

import os
import sys
import time
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

STACK = os.environ.get("PRECIS_STACK", "precis")
# In this order: data.yml imports what messaging.yml exports.
TEMPLATES = ("messaging", "data")
# Beside the stack's name. An emulator keeps nothing that is worth protecting, and tests delete tables.
PARAMETERS = {"data": {"Protect": "no"}}
PATIENCE_S = 180


def current(cloudformation, name: str) -> dict | None:
    """What CloudFormation knows about a stack; None when there is none."""
    try:
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            return None
        raise
    return None if stack["StackStatus"] == "DELETE_COMPLETE" else stack


def deploy(cloudformation, name: str, body: str, parameters: dict) -> None:
    """Creates or updates one stack and waits until it is complete."""
    change = {
        "StackName": name,
        "TemplateBody": body,
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
    }
    if current(cloudformation, name) is None:
        cloudformation.create_stack(**change)
    elif cloudformation.get_template(StackName=name)["TemplateBody"] == body:
        return
    else:
        cloudformation.update_stack(**change)
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        stack = current(cloudformation, name)
        status = stack["StackStatus"] if stack else "gone"
        if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            return
        if not status.endswith("_IN_PROGRESS"):
            sys.exit(f"deploy: {name} ended as {status}: {reasons(cloudformation, name)}")
        time.sleep(0.3)
    sys.exit(f"deploy: {name} is not complete after {PATIENCE_S} s; look at its events: aws cloudformation describe-stack-events")


def reasons(cloudformation, name: str) -> str:
    """Why a stack failed, as its events say it."""
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    failed = [e for e in events if e["ResourceStatus"].endswith("FAILED")]
    return "; ".join(f"{e['LogicalResourceId']}: {e.get('ResourceStatusReason', 'no reason given')}" for e in failed)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent / "infra"
    begun = time.monotonic()
    try:
        cloudformation = boto3.client("cloudformation")
        for template in TEMPLATES:
            parameters = {"Stack": STACK} | PARAMETERS.get(template, {})
            deploy(cloudformation, f"{STACK}-{template}", (folder / f"{template}.yml").read_text(), parameters)
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"deploy: {error}; is AWS_ENDPOINT_URL right, and does something answer there?")
    print(f"deploy: {', '.join(f'{STACK}-{t}' for t in TEMPLATES)} deployed in {time.monotonic() - begun:.1f} s")


if __name__ == "__main__":
    main()
