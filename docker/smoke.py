#!/usr/bin/env python3
"""Puts one document into a stack's bucket, waits for the e-mail about it and prints that e-mail.

    docker/smoke.py FILE [SECONDS]     default 120 seconds

PRECIS_STACK (default precis) begins every name. Where the e-mails are: PRECIS_MAIL_API, Mailpit's address
(http://127.0.0.1:8025), or PRECIS_MAIL_FOLDER, a folder of .eml files. Takes boto3, and the AWS_* variables that it reads.
"""

import email
import email.policy
import json
import os
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

STACK = os.environ.get("PRECIS_STACK", "precis")
API = os.environ.get("PRECIS_MAIL_API")
FOLDER = os.environ.get("PRECIS_MAIL_FOLDER")


def bucket() -> str:
    """The name of the stack's bucket for documents."""
    sts = boto3.client("sts")
    return f"{STACK}-uploads-{sts.get_caller_identity()['Account']}-{sts.meta.region_name}"


def upload(file: Path, mark: str) -> str:
    """Puts the file under a name that carries the mark; returns bucket and key."""
    key = f"smoke/{file.stem}-{mark}{file.suffix}"
    boto3.client("s3").upload_file(str(file), bucket(), key)
    return f"s3://{bucket()}/{key}"


def mails(newest: int) -> Iterator[bytes]:
    """E-mails that have been caught: the newest so many of Mailpit, all of a folder."""
    if API:
        with urllib.request.urlopen(f"{API}/api/v1/messages?limit={newest}", timeout=30) as answer:
            listed = json.load(answer)["messages"]
        for one in listed:
            with urllib.request.urlopen(f"{API}/api/v1/message/{one['ID']}/raw", timeout=10) as answer:
                yield answer.read()
    else:
        for path in Path(FOLDER).glob("*.eml"):
            yield path.read_bytes()


def letters(newest: int = 50) -> Iterator[str]:
    """The same as their readers see them."""
    for raw in mails(newest):
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        yield f"Subject: {mail['Subject']}\n\n{mail.get_body(('plain',)).get_content()}"


def main() -> None:
    if len(sys.argv) < 2 or not (API or FOLDER):
        sys.exit(__doc__)
    patience = int(sys.argv[2]) if len(sys.argv) > 2 else 120
    mark = uuid.uuid4().hex[:8]
    begun = time.monotonic()
    try:
        print(f"smoke: put {upload(Path(sys.argv[1]), mark)}", flush=True)
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"smoke: {error}; is the stack up? (make stack-up, or make stack-host)")
    while time.monotonic() - begun < patience:
        if found := next((letter for letter in letters() if mark in letter), None):
            print(f"smoke: the e-mail came after {time.monotonic() - begun:.1f} s\n\n{found}")
            return
        time.sleep(0.5)
    sys.exit(f"smoke: no e-mail about it within {patience} s; look at the logs (make stack-logs, or docker/host/stack logs)")


if __name__ == "__main__":
    main()
