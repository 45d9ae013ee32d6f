"""cfn-guard, the rules of the scaling's simulator, and cfn-lint on many templates at once."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

from rules import HERE

RULES = HERE.parent / "rules"
REGIONS = ["eu-west-1", "us-east-1"]


def program() -> str | None:
    return os.environ.get("PRECIS_CFN_GUARD") or None


def failing(files: dict[str, str]) -> set[str]:
    """Which of these templates, by name, some rule refuses."""
    guard = program()
    if not guard or not files:
        return set()
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            (Path(folder) / f"{name}.json").write_text(text)
        command = [guard, "validate", "--rules", str(RULES), "--data", folder, "--structured", "--output-format", "json", "--show-summary", "none"]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        try:
            reports = json.loads(ran.stdout)
        except json.JSONDecodeError:
            raise SystemExit(f"cfn-guard: {ran.stderr or ran.stdout}") from None
    return {Path(report["name"]).stem for report in reports if report["status"] == "FAIL"}


def refused_by_simulator(files: dict) -> set:
    """Which of these templates of the scaling, by what they are called, the rules of its simulator refuse."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write("[" + ",".join(files.values()) + "]")
        file.flush()
        ran = subprocess.run([os.environ["PRECIS_SCALING"], "check", file.name], stdout=subprocess.PIPE, text=True, check=True)
    return {name for name, said in zip(files, json.loads(ran.stdout), strict=True) if said}


def sieve(left, by):
    """Splits what is left into what cfn-guard lets through and what it refuses."""
    refused = failing({str(at): mutant[-1] for at, mutant in enumerate(left)})
    caught = [(*mutant[:3], by) for at, mutant in enumerate(left) if str(at) in refused]
    return [mutant for at, mutant in enumerate(left) if str(at) not in refused], caught


def refused_by_lint(text: str) -> bool:
    """Whether cfn-lint refuses this template."""
    from cfnlint.api import ManualArgs, lint

    return bool(lint(text, config=ManualArgs(regions=REGIONS, ignore_checks=["W3002"])))
