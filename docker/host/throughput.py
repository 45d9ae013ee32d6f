#!/usr/bin/env python3
"""How many small documents a second go through the host stack, and where the time goes: `docker/host/throughput.py [DOCUMENTS]`.

Takes a stack that runs (make stack-host) and is otherwise idle, boto3, and what `docker/host/stack env` exports. Puts that many
texts (default 200), each of its own content, all at once, and waits until notify has told of every one. Prints as Markdown:
documents a second; processor time of each process for a document, ours beside the emulator's; seconds that each stage
worked on a document; requests to AWS for one.
"""

import os
import re
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("PRECIS_HOST_DIR", ".host"))
STACK = os.environ.get("PRECIS_STACK", "precis")
SERVICES = ("ingest", "ocr", "summarize", "notify")
#: How far a service's port is from LocalStack's (docker/host/stack).
OFFSETS = {name: 11 + at for at, name in enumerate(SERVICES)}
PATIENCE_S = 600


def descendants(pid: int) -> list[int]:
    children = [int(one) for task in Path(f"/proc/{pid}/task").glob("*/children") for one in task.read_text().split()]
    return [pid, *(each for child in children for each in descendants(child))]


def cpu(name: str) -> float:
    """Seconds of processor time of a process of the stack and of what it has started, the ended ones included."""
    first = int((FOLDER / f"{name}.pid").read_text().split()[0])
    ticks = 0
    for pid in descendants(first):
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += sum(int(fields[at]) for at in (11, 12, 13, 14))
    return ticks / os.sysconf("SC_CLK_TCK")


def metrics(port: int) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line and line[0] != "#")}


class State:
    """What is counted, at one moment."""

    def __init__(self) -> None:
        base = int((FOLDER / "port").read_text())
        self.at = time.monotonic()
        names = [path.stem for path in FOLDER.glob("*.pid")]
        self.cpu = {name: cpu(name) for name in names}
        self.metrics: dict[str, float] = {}
        for service in SERVICES:
            for name, value in metrics(base + OFFSETS[service]).items():
                self.metrics[name] = self.metrics.get(name, 0.0) + value

    def stage(self, stage: str, what: str) -> float:
        return self.metrics.get(f'precis_stage_seconds_{what}{{stage="{stage}"}}', 0.0)

    def calls(self) -> dict[str, float]:
        found: dict[str, float] = {}
        for name, value in self.metrics.items():
            if match := re.match(r'precis_aws_calls_total\{.*service="(\w+)"', name):
                found[match[1]] = found.get(match[1], 0.0) + value
        return found


def main() -> None:
    if any(not argument.isdigit() for argument in sys.argv[1:]):
        sys.exit(__doc__)
    documents = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    s3 = boto3.client("s3")
    bucket = f"{STACK}-uploads-{boto3.client('sts').get_caller_identity()['Account']}-{s3.meta.region_name}"
    text = (ROOT / "samples/08-notice.txt").read_bytes()
    run = f"{time.time_ns():x}"
    before = State()

    def put(number: int) -> None:
        s3.put_object(Bucket=bucket, Key=f"throughput/{run}-{number}.txt", Body=text + f"\n{run} {number}\n".encode())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(documents)))
    while True:
        after = State()
        told = after.stage("notify", "count") - before.stage("notify", "count")
        if told >= documents:
            break
        if after.at - before.at > PATIENCE_S:
            sys.exit(f"throughput: {told:.0f} of {documents} told within {PATIENCE_S} s; look at the logs (docker/host/stack logs)")
        time.sleep(0.5)
    seconds = after.at - before.at
    used = {name: (after.cpu[name] - before.cpu[name]) / documents for name in sorted(after.cpu)}
    ours = sum(used.get(name, 0.0) for name in SERVICES)
    print(f"{documents} texts in {seconds:.0f} s: **{documents / seconds:.1f} documents/s** on {os.cpu_count()} cores.\n")
    print("| process | processor time a document |\n|---|--:|")
    for name, share in sorted(used.items(), key=lambda one: -one[1]):
        print(f"| {name} | {1000 * share:.0f} ms |")
    all_used = sum(used.values())
    print(f"\nOurs are {1000 * ours:.0f} ms of {1000 * all_used:.0f}, {100 * ours / all_used:.0f} %.\n")
    print("| stage | worked on a document |\n|---|--:|")
    for stage in SERVICES:
        count = after.stage(stage, "count") - before.stage(stage, "count")
        if count:
            print(f"| {stage} | {1000 * (after.stage(stage, 'sum') - before.stage(stage, 'sum')) / count:.0f} ms |")
    calls = {name: (value - before.calls().get(name, 0.0)) / documents for name, value in after.calls().items()}
    print("\nRequests a document: " + ", ".join(f"{value:.1f} {name}" for name, value in sorted(calls.items())) + ".")


if __name__ == "__main__":
    main()
