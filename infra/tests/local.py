"""Deploys, changes in place, and destroys on an emulator, by infra/deploy itself.

    docker/host/emulators run infra/python infra/tests/local.py

Without an emulator it is skipped and says so. IAM is not enforced there, nor are lifecycle and recovery kept; what is
tried is that templates can be made, changed and taken down, and that documents stay.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import boto3

HERE = Path(__file__).resolve().parent
STACK = f"d{os.getpid()}"


def deploy(command: str, parameters: dict, *options: str, typed: str = "", fails: bool = False, root: str = "tests/local.yml") -> str:
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        file.write(f"Region: eu-west-1\nParameters: {({'Stack': STACK} | parameters)}\n")
        file.flush()
        ran = subprocess.run([sys.executable, str(HERE.parent / "deployer/main.py"), command, file.name, "--root", root, *options],
                             input=typed, capture_output=True, text=True, check=False)
    said = ran.stdout + ran.stderr
    assert (ran.returncode != 0) == fails, f"{command}: {said}"
    return said


def main() -> None:
    endpoint = os.environ.get("PRECIS_TEST_LOCALSTACK")
    if not endpoint:
        print("skipped: no AWS emulator runs (docker/host/emulators run …)")
        return
    os.environ |= {"AWS_ENDPOINT_URL": endpoint, "AWS_DEFAULT_REGION": "eu-west-1"}
    sqs, s3, sns = (boto3.client(name) for name in ("sqs", "s3", "sns"))
    bucket = f"{STACK}-uploads-000000000000-eu-west-1"

    said = deploy("plan", {})
    assert "+ add" in said and "Messaging" in said, said
    assert STACK not in str(boto3.client("cloudformation").list_stacks(StackStatusFilter=["REVIEW_IN_PROGRESS", "CREATE_COMPLETE"])), "a plan leaves something behind"

    said = deploy("deploy", {}, "--yes")
    assert bucket in said and f"precis doctor --stack {STACK}" in said, said
    s3.put_object(Bucket=bucket, Key="in/a.txt", Body=b"a document")
    assert "nothing to change" in deploy("deploy", {}, "--yes"), "deploying twice is deploying once"
    assert "what is deployed is what is here" in deploy("diff", {})

    # The emulator does not carry a change of a parameter into a nested stack, so that is tried on a part by itself.
    alone = {"Stack": f"{STACK}a"}
    deploy("deploy", alone, "--yes", root="messaging.yml")
    queue = sqs.get_queue_url(QueueName=f"{STACK}a-ocr")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="kept")
    deploy("deploy", alone | {"ReaderEmail": "ann@example.org"}, "--yes", root="messaging.yml")
    topic = next(one["TopicArn"] for one in sns.list_topics()["Topics"] if one["TopicArn"].endswith(f"{STACK}a-completions"))
    assert [one["Endpoint"] for one in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]] == ["ann@example.org"]
    assert sqs.receive_message(QueueUrl=queue).get("Messages"), "a change made the queue anew"
    deploy("destroy", alone, "--yes", root="messaging.yml")
    assert f"{STACK}a-ocr" not in str(sqs.list_queues()), "a queue stayed"

    said = deploy("destroy", {}, typed="no\n", fails=True)
    assert "nothing was changed" in said, said
    said = deploy("destroy", {}, "--yes")
    assert f"kept: bucket {bucket}" in said, said
    assert s3.get_object(Bucket=bucket, Key="in/a.txt")["Body"].read() == b"a document"
    assert f"{STACK}-ocr" not in str(sqs.list_queues()), "a queue stayed"

    said = deploy("deploy", {}, "--yes", fails=True)
    assert "was deployed before" in said and "--documents" in said, said

    said = deploy("destroy", {}, "--documents", typed=f"{STACK}\ndelete {STACK}\nno\n", fails=True)
    assert s3.get_object(Bucket=bucket, Key="in/a.txt"), "said once is not said twice"
    deploy("destroy", {}, "--documents", typed=f"{STACK}\ndelete {STACK}\ndelete {STACK}\n")
    assert bucket not in str(s3.list_buckets()), "documents stayed though they were to go"
    print("infra: made, changed in place, taken down, and documents stayed until they were told to go")


if __name__ == "__main__":
    main()
