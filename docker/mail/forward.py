#!/usr/bin/env python3
"""Hands every notification of the topic `completions` to a mail catcher: a local stack's stand-in for SNS's e-mail.

No emulator sends mail: LocalStack keeps SNS's e-mails without their subjects, MiniStack drops them. This subscribes a
queue of its own, `<stack>-mail`, and passes each message on, deleting it only then.

    PRECIS_STACK        begins every name (default precis)
    PRECIS_MAIL_SMTP    host:port of the catcher; or
    PRECIS_MAIL_FOLDER  a folder that gets one .eml file for each e-mail
    PRECIS_MAIL_READY   a file that is there while the queue is subscribed (default: none)

Takes boto3, and the AWS_* variables that it reads.
"""

import json
import os
import smtplib
import sys
import time
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

STACK = os.environ.get("PRECIS_STACK", "precis")
SMTP = os.environ.get("PRECIS_MAIL_SMTP")
FOLDER = os.environ.get("PRECIS_MAIL_FOLDER")
READY = os.environ.get("PRECIS_MAIL_READY")


def subscribe(sqs, sns) -> str:
    """The queue that gets the notifications, made and subscribed where it is missing."""
    account = boto3.client("sts").get_caller_identity()["Account"]
    region = sqs.meta.region_name
    url = sqs.create_queue(QueueName=f"{STACK}-mail")["QueueUrl"]
    sns.subscribe(
        TopicArn=f"arn:aws:sns:{region}:{account}:{STACK}-completions",
        Protocol="sqs",
        Endpoint=f"arn:aws:sqs:{region}:{account}:{STACK}-mail",
        ReturnSubscriptionArn=True,
    )
    return url


def letter(notification: dict) -> EmailMessage:
    """The e-mail that SNS would send."""
    mail = EmailMessage()
    mail["Subject"] = notification.get("Subject") or "AWS Notification Message"
    mail["From"] = "Precis <precis@localhost>"
    mail["To"] = "subscribers@localhost"
    mail["Date"] = format_datetime(datetime.fromisoformat(notification["Timestamp"].replace("Z", "+00:00")))
    mail["Message-ID"] = f"<{notification['MessageId']}@localhost>"
    mail.set_content(notification["Message"])
    return mail


def hand_on(mail: EmailMessage) -> None:
    """To the catcher, or into the folder; whole or not at all."""
    if SMTP:
        host, port = SMTP.rsplit(":", 1)
        with smtplib.SMTP(host, int(port), timeout=20) as catcher:
            catcher.send_message(mail)
        return
    name = mail["Message-ID"].strip("<>").split("@")[0]
    # A message that comes twice makes one file.
    part = Path(FOLDER) / f".{name}.part"
    part.write_bytes(bytes(mail))
    part.rename(Path(FOLDER) / f"{name}.eml")


def forward(sqs, url: str) -> None:
    """One poll. What cannot be handed on stays in the queue and comes again."""
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=5).get("Messages", [])
    for message in messages:
        mail = letter(json.loads(message["Body"]))
        hand_on(mail)
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        print(f"forwarded: {mail['Subject']}", flush=True)


def main() -> None:
    if not SMTP and not FOLDER:
        sys.exit("forward: set PRECIS_MAIL_SMTP (host:port) or PRECIS_MAIL_FOLDER")
    if FOLDER:
        Path(FOLDER).mkdir(parents=True, exist_ok=True)
    sqs, sns = boto3.client("sqs"), boto3.client("sns")
    url = None
    while True:
        try:
            if url is None:
                url = subscribe(sqs, sns)
                if READY:
                    Path(READY).touch()
            forward(sqs, url)
        except (BotoCoreError, ClientError, OSError, smtplib.SMTPException) as error:
            # An emulator that was restarted has forgotten the queue.
            url = None
            print(f"forward: {error}; trying again in 2 s", file=sys.stderr, flush=True)
            time.sleep(2)


if __name__ == "__main__":
    main()
