"""Runs the commands of docs/deploy.md as they stand there, up to the first that needs an account.

`make infra` has a step of its own in CI and is left out here; an environment that the guide copies is removed again.
"""

import re
import subprocess
import sys

from rules import REPOSITORY

BEFORE = "From here on an account is needed."


def main() -> int:
    guide = (REPOSITORY / "docs/deploy.md").read_text()
    if BEFORE not in guide:
        print(f"infra: docs/deploy.md no longer says: {BEFORE}")
        return 1
    commands = [line for block in re.findall(r"```sh\n(.*?)```", guide.split(BEFORE)[0], re.S) for line in block.splitlines() if line.strip()]
    made = REPOSITORY / "infra/environments/test.yml"
    was_there = made.exists()
    if len(commands) < 4 or was_there:
        print("infra: docs/deploy.md has too few commands" if not was_there else f"infra: SKIPPED: {made} is yours")
        return not was_there
    try:
        for command in commands:
            if command == "make infra":
                continue
            ran = subprocess.run(command, shell=True, cwd=REPOSITORY, capture_output=True, text=True, check=False)
            print(f"infra: {'ran' if ran.returncode == 0 else 'FAILED'}: {command}")
            if ran.returncode:
                print(ran.stdout + ran.stderr)
                return 1
    finally:
        made.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
