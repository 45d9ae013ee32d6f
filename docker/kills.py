#!/usr/bin/env python3
"""Kills containers of a running compose stack while documents go through it, and sees that none is lost.

    docker/kills.py [DOCUMENTS] [KILLS]      default 100 documents, 20 kills

Two copies of each service are started; a container of a service or of textract-local, drawn at random, gets SIGKILL and
is started again, KILLS times while documents are under way. Then every document must have been told: by one e-mail, and
by no second one. Every tenth document is a scan.

Takes a stack (make stack-up) and what docker/smoke.py takes: boto3, the AWS_* variables that reach the stack, PRECIS_STACK,
and PRECIS_MAIL_API (http://127.0.0.1:8025) or PRECIS_MAIL_FOLDER, where the e-mails are. SEED draws the containers; DOCKER
and COMPOSE are the commands (default docker, docker compose).
"""

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import boto3

import smoke

ROOT = Path(__file__).resolve().parents[1]
DOCKER = os.environ.get("DOCKER", "docker")
COMPOSE = os.environ.get("COMPOSE", f"{DOCKER} compose").split()
SERVICES = ("ingest", "ocr", "summarize", "notify")
#: Seconds without a further document told after which the rest counts as lost.
PATIENCE_S = 300


def ran(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def containers() -> list[str]:
    return ran(*COMPOSE, "ps", "--all", "--quiet", *SERVICES, "textract-local").split()


def upload(count: int) -> list[str]:
    """Puts that many documents; returns their marks, which stand in their names."""
    s3, bucket = boto3.client("s3"), smoke.bucket()
    notice = (ROOT / "samples/08-notice.txt").read_bytes()
    scan = (ROOT / "samples/04-insurer-letter.pdf").read_bytes()
    marks = []
    for index in range(count):
        mark = f"k{random.getrandbits(32):08x}"
        # A comment behind the end of a PDF: another document, with the same pages.
        body, kind = (scan + f"\n% {mark}\n".encode(), "pdf") if index % 10 == 9 else (notice + f"\n{mark}\n".encode(), "txt")
        s3.put_object(Bucket=bucket, Key=f"kills/{mark}.{kind}", Body=body)
        marks.append(mark)
    return marks


def told(marks: list[str]) -> Counter:
    """How many e-mails speak of each document."""
    texts = list(smoke.letters(newest=100_000))
    return Counter({mark: sum(mark in text for text in texts) for mark in marks})


def main() -> int:
    if any(argument.startswith("-") for argument in sys.argv[1:]) or not (smoke.API or smoke.FOLDER):
        sys.exit(__doc__)
    documents, kills = (int(argument) for argument in (sys.argv[1:] + ["100", "20"][len(sys.argv) - 1 :])[:2])
    seed = int(os.environ.get("SEED", "1"))
    draw = random.Random(seed)
    scale = [part for service in SERVICES for part in ("--scale", f"{service}=2")]
    ran(*COMPOSE, "up", "--detach", "--no-build", *scale, *SERVICES)
    begun = time.monotonic()
    marks = upload(documents)
    print(f"kills: {documents} documents put, seed {seed}", flush=True)
    killed: Counter = Counter()
    last, progress = time.monotonic(), 0
    while True:
        done = sum(count > 0 for count in told(marks).values())
        if done > progress:
            last, progress = time.monotonic(), done
        if done == documents or time.monotonic() - last > PATIENCE_S:
            break
        if killed.total() < kills:
            one = draw.choice(containers())
            name = json.loads(ran(DOCKER, "inspect", one))[0]["Config"]["Labels"]["com.docker.compose.service"]
            # One that is starting or has ended cannot be killed, and is started below.
            if subprocess.run([DOCKER, "kill", "--signal", "KILL", one], capture_output=True, check=False).returncode == 0:
                killed[name] += 1
                print(f"kills: {name} at {time.monotonic() - begun:.0f} s, {done} told", flush=True)
            time.sleep(1)
            subprocess.run([DOCKER, "start", one], capture_output=True, check=True)
        time.sleep(draw.uniform(1, 4))
    # What would come a second time gets the time to.
    time.sleep(30)
    counts = told(marks)
    lost = [mark for mark, count in counts.items() if count == 0]
    twice = [mark for mark, count in counts.items() if count > 1]
    print(f"kills: {documents - len(lost)} of {documents} told in {last - begun:.0f} s, {len(twice)} twice; killed {dict(killed)}")
    if killed.total() < kills:
        print(f"kills: only {killed.total()} kills while documents were under way: put more documents")
    for mark in lost + twice:
        print(f"kills: {mark}: {counts[mark]} e-mails")
    return int(bool(lost or twice or killed.total() < kills))


if __name__ == "__main__":
    sys.exit(main())
