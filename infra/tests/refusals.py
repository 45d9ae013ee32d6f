"""What `infra/deploy` refuses before it asks AWS for anything: each wrong file, and the words that must be said."""

import os
import subprocess
import sys
import tempfile

from rules import HERE

# (what is wrong, the command, the environment's file, what is said)
WRONG = [
    ("a name that the code refuses", "check", "Region: eu-west-1\nParameters: {Stack: Big_Name}", ["Stack=Big_Name", "Do: "]),
    ("a parameter that is none", "check", "Region: eu-west-1\nParameters: {Stak: x}", ["no parameter Stak", "Stack"]),
    ("out of range", "check", "Region: eu-west-1\nParameters: {OldestSeconds: 5}", ["OldestSeconds=5 is out of range"]),
    ("half a network", "check", "Region: eu-west-1\nParameters: {Vpc: vpc-0123456789abcdef0}", ["Give Vpc together with Subnets"]),
    ("a quota that is none", "check", "Region: eu-west-1\nParameters: {ConcurrentJobs: 150}", ["ConcurrentJobs is none of"]),
    ("documents that expire in the archive", "check", "Region: eu-west-1\nParameters: {ArchiveDays: 30, ExpireDays: 60}", ["expire too early", "ExpireDays"]),
    ("no region", "check", "Parameters: {Stack: precis}", ["names no region", "Region: eu-west-1"]),
    ("a region that is none", "plan", "Region: eu-west-9", ["no region eu-west-9", "eu-west-1"]),
    ("nobody signed in", "plan", "Region: eu-west-1", ["nobody is signed in", "aws sso login"]),
    ("no YAML", "check", "Region: [", ["cannot be read"]),
    ("words that nobody knows", "check", "Region: eu-west-1\nRegions: x", ["unknown", "Regions"]),
]

# What an idle network costs, as docs/deploy.md tells it, and what must be said of it.
IDLE = [("Region: eu-west-1", ["$ 98.55  3 NAT gateways"]), ("Region: eu-west-1\nParameters: {Egress: endpoints}", ["$262.80  36 interface endpoints"]),
        ("Region: eu-west-1\nParameters: {Vpc: vpc-0123456789abcdef0, Subnets: 'subnet-0123456789abcdef0,subnet-0123456789abcdef1'}", ["$  4.00  1 dashboard, 1 key"])]


def main() -> int:
    wrong = 0
    quiet = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    quiet |= {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    good = [(f"an environment ({text})", "check", text, words) for text, words in IDLE]
    for what, command, text, words in WRONG + good:
        refused = (what, command, text, words) in WRONG
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            file.write(text)
            file.flush()
            ran = subprocess.run([sys.executable, str(HERE.parent / "deployer/main.py"), command, file.name], env=quiet, capture_output=True, text=True, check=False)
        missing = [word for word in words if word not in (ran.stderr if refused else ran.stdout)]
        if ran.returncode != int(refused) or missing or "Traceback" in ran.stderr:
            wrong += 1
            print(f"infra: {what} is not {'refused' if refused else 'checked'} as it should be ({missing}): {ran.stdout}{ran.stderr}")
    every = len(WRONG) + len(IDLE)
    print(f"infra: {every - wrong} of {every} environments are refused before AWS is asked, or told what they cost, as they should be")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
