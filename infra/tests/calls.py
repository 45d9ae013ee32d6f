"""What the services asked of AWS in the end-to-end tests, as `calls.txt` keeps it.

    calls.py FOLDER            fails if a service made a call that its role does not allow
    calls.py FOLDER --write    adds what is new

A call that is new and allowed is told and is no failure: what depends on time (a heartbeat, a message put off) is not made
in every run, and stands with its reason in `grants.UNCALLED`.
"""

import re
import sys
from pathlib import Path

from grants import UNCALLED, refused
from rules import HERE, SERVICES
from templates import deployments

KEPT = HERE / "calls.txt"
HEAD = """\
# What each service asked of AWS in the end-to-end tests: SERVICE AWS-SERVICE OPERATION RESOURCE. Recorded, not written by hand:
# docker/host/emulators run cargo test --release --locked --workspace --test stack && infra/check --calls --write
"""


def recorded(folder: Path) -> set[str]:
    """Each test deploys under a name of its own, in an emulator's account; a call to what is not ours is a test's trap."""
    lines = set()
    for service in [*SERVICES, "textract"]:
        for line in (folder / service).read_text().splitlines():
            line = re.sub(r"\be\d+-\d+(?=-)", "STACK", line).replace("-000000000000-eu-west-1", "")
            if "STACK" in line or line.split(" ")[0] in ("STS", "Textract"):
                lines.add(f"{service} {line}".rstrip())
    return lines


def main() -> int:
    folder = Path(sys.argv[1])
    if not folder.is_dir():
        print(f"infra: no calls were recorded in {folder}: the tests with emulators have not run")
        return 0
    now, kept = recorded(folder), {line for line in KEPT.read_text().splitlines() if not line.startswith("#")}
    if "--write" in sys.argv:
        KEPT.write_text(HEAD + "".join(f"{line}\n" for line in sorted(now | kept)))
        kept |= now
    new = sorted(now - kept - {line for lines in UNCALLED.values() for line in lines})
    for line in new:
        print(f"infra: {line}: new; infra/check --calls --write adds it")
    denied = sorted({one for _, deployment in deployments() for one in refused(deployment, now)})
    for one in denied:
        print(f"infra: {one}")
    print(f"infra: {len(now)} calls recorded, {len(new)} of them new, {len(denied)} refused, {len(kept - now)} known ones not made this time")
    return bool(denied)



if __name__ == "__main__":
    sys.exit(main())
