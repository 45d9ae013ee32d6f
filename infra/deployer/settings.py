"""An environment's file, held to the templates' parameters before anybody asks AWS for anything."""

import dataclasses
import sys
from pathlib import Path

import yaml
from refusal import Refusal

FOLDER = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(FOLDER / "tests"))
import templates as worked  # noqa: E402  the templates, worked out as CloudFormation would


@dataclasses.dataclass
class Chosen:
    name: str
    root: str
    stack: str
    region: str
    account: str | None
    parameters: dict
    images: str | None


def read(name: str, root: str) -> Chosen:
    path = Path(name).resolve() if name.endswith(".yml") else FOLDER / "environments" / f"{name}.yml"
    if not path.is_file():
        there = ", ".join(sorted(one.stem for one in path.parent.glob("*.yml"))) or "none yet"
        raise Refusal(f"there is no environment {name}", f"{path} is not there (there are: {there})",
                      f"cp infra/environments/example.yml infra/environments/{name}.yml, and edit it")
    try:
        said = yaml.safe_load(path.read_text()) or {}
    except yaml.YAMLError as error:
        raise Refusal(f"{path.name} cannot be read", " ".join(str(error).split()), "mend that line") from None
    odd = set(said) - {"Region", "Account", "Parameters", "Images"} if isinstance(said, dict) else {"its form"}
    if odd:
        raise Refusal(f"{path.name} says something unknown", ", ".join(sorted(odd)), "it has Region, Account, Parameters and Images")
    parameters = {key: str(value) for key, value in (said.get("Parameters") or {}).items()}
    known = worked.read(root).get("Parameters", {})
    for key in parameters:
        if key not in known:
            raise Refusal(f"{path.name}: there is no parameter {key}", f"{root} has {', '.join(known)}", "take one of these")
    if not said.get("Region"):
        raise Refusal(f"{path.name} names no region", "a default from elsewhere may be the wrong one", "add a line such as Region: eu-west-1")
    stack = parameters.get("Stack", known.get("Stack", {}).get("Default", "precis"))
    account = said.get("Account")
    return Chosen(name, root, stack, said["Region"], None if account is None else str(account), parameters, said.get("Images"))


def check(chosen: Chosen, parameters: dict):
    """Works the whole deployment out and gives it: what is out of range, missing or does not fit together is found here."""
    try:
        deployment = worked.Deployment(worked.read_all(), parameters, chosen.root)
    except worked.Refused as refused:
        raise Refusal(f"{chosen.name}: CloudFormation would refuse it", str(refused),
                      f"mend it in the environment's file; infra/{chosen.root} says what each parameter takes") from None
    archive, expire = (int(parameters.get(name, 0)) for name in ("ArchiveDays", "ExpireDays"))
    if archive and expire and expire < archive + 90:
        raise Refusal("documents would expire too early", f"Glacier charges for 90 days, and {expire} is less than {archive} + 90",
                      "set ExpireDays to that at least, or ArchiveDays to 0")
    return deployment
